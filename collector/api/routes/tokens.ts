// One-time tokens for hosts. The secret is in the answer of the one request that made it and nowhere else.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { TokenRecord } from '../../store/ports.ts';
import { createdToken, token, tokenRequest, tokens } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { found } from '../found.ts';
import { addRoute } from '../route.ts';
import { lifeOf } from '../token-life.ts';

export function addTokens(app: FastifyInstance, { store, enrollment, clock, addresses }: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/tokens',
    guard: 'reader',
    summary: 'Tokens with their state, without secrets',
    reply: tokens,
    handle: async () => ({ tokens: (await store.read.tokens.list()).map((record) => shown(record, clock.now())) }),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/tokens',
    guard: 'admin',
    summary: 'Make a one-time token for the host of that name',
    body: tokenRequest,
    reply: createdToken,
    handle: async ({ body, actor }) => {
      const made = await enrollment.createToken({
        kind: 'host',
        boundTo: body.host,
        ttlMs: lifeOf(body.expires),
        createdBy: actor,
      });

      return { ...made, boundTo: body.host, collector: addresses().gateway, pin: addresses().gatewayPin };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/tokens/:id/revoke',
    guard: 'admin',
    summary: 'Make a token unusable',
    params: z.strictObject({ id: z.string().min(1).max(128) }),
    reply: token,
    handle: async ({ params, actor }) => {
      await enrollment.revokeToken(params.id, actor);

      return shown(await found(store.read.tokens.byId(params.id), `there is no token ${params.id}`), clock.now());
    },
  });
}

function shown(record: TokenRecord, now: Temporal.Instant): z.input<typeof token> {
  const { id, kind, boundTo, createdBy, createdAt, expiresAt, usedFor } = record;

  return { id, kind, boundTo, createdBy, createdAt, expiresAt, state: stateOf(record, now), usedFor };
}

function stateOf(record: TokenRecord, now: Temporal.Instant): z.input<typeof token>['state'] {
  if (record.revokedAt !== null) return 'revoked';
  if (record.usedAt !== null) return 'used';

  return Temporal.Instant.compare(Temporal.Instant.from(record.expiresAt), now) <= 0 ? 'expired' : 'open';
}
