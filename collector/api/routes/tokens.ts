// Tokens with which hosts enroll. The secret is in the answer of the one request that made it and nowhere else.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { hostState } from '../../host-state.ts';
import type { HostRecord, TokenRecord } from '../../store/ports.ts';
import { selectText } from '../contract/select.ts';
import {
  createdHostToken,
  revokedToken,
  type token,
  tokenRequest,
  tokenRevocation,
  tokens,
} from '../contract/tokens.ts';
import type { ApiDeps } from '../deps.ts';
import { found } from '../found.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { lifeOf } from '../token-life.ts';
import { TOKEN_WORDS } from '../words/tokens.ts';

export function addTokens(app: FastifyInstance, { store, enrollment, clock, addresses }: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/tokens',
    guard: 'reader',
    summary: 'Tokens with their state and what came by them, without secrets',
    query: z.strictObject({ select: selectText }),
    reply: tokens,
    handle: async ({ query }) => {
      const select = readSelect(query.select, TOKEN_WORDS);
      const [records, hosts] = await Promise.all([store.read.tokens.list(), store.read.hosts.list()]);
      const byToken = Map.groupBy(hosts, ({ token: by }) => by);

      const all = records.map((record) => shown(record, byToken.get(record.id) ?? [], clock.now()));
      const { chosen, selection } = await choose(all, select, clock.now(), ({ labels }) => Object.keys(labels));

      return { tokens: [...chosen], selection };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/tokens',
    guard: 'admin',
    summary: 'Make a token for the host of that name, or for many hosts, which are pending until they are accepted',
    body: tokenRequest,
    reply: createdHostToken,
    handle: async ({ body, actor }) => {
      const { host, expires, uses = 1, ...bounds } = body;
      const made = await enrollment.createToken({
        ...{ uses, ...bounds },
        kind: 'host',
        boundTo: host ?? null,
        ttlMs: lifeOf(expires),
        createdBy: actor,
      });
      const record = await found(store.read.tokens.byId(made.id), `there is no token ${made.id}`);

      return { ...made, ...boundsOf(record), collector: addresses().gateway, pin: addresses().gatewayPin };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/tokens/:id/revoke',
    guard: 'admin',
    summary: 'Make a token unusable, and on request revoke what came by it and was not accepted',
    params: z.strictObject({ id: z.string().min(1).max(128) }),
    body: tokenRevocation,
    reply: revokedToken,
    handle: async ({ params, body, actor }) => {
      await enrollment.revokeToken(params.id, actor);
      const camePending = (await store.read.hosts.pending()).filter(({ token: by }) => by === params.id);
      const reason = `the token ${params.id} was revoked`;
      const ids = body.rejectPending ? camePending.map(({ id }) => id) : [];
      const rejected = await enrollment.changeHosts(ids, { kind: 'revoke', reason }, actor);
      const record = await found(store.read.tokens.byId(params.id), `there is no token ${params.id}`);
      const became = (await store.read.hosts.list()).filter(({ token: by }) => by === params.id);

      return {
        token: shown(record, became, clock.now()),
        rejected: rejected.filter(({ changed }) => changed).length,
      };
    },
  });
}

function shown(record: TokenRecord, hosts: readonly HostRecord[], now: Temporal.Instant): z.input<typeof token> {
  const { id, kind, createdBy, createdAt, expiresAt, used, usedFor } = record;
  const admin = kind === 'admin' && usedFor !== null ? [{ id: usedFor, name: usedFor, state: null }] : [];

  return {
    ...{ id, kind, createdBy, createdAt, expiresAt, used, ...boundsOf(record) },
    state: stateOf(record, now),
    became: [...admin, ...hosts.map((host) => ({ id: host.id, name: host.name, state: hostState(host) }))],
  };
}

function boundsOf({ boundTo, uses, networks, labels, mode, replaces }: TokenRecord) {
  const named = Object.fromEntries(Object.entries(labels).map(([name, values]) => [name, [...values]]));

  return { boundTo, uses, networks: [...networks], labels: named, mode, replaces };
}

function stateOf(record: TokenRecord, now: Temporal.Instant): z.input<typeof token>['state'] {
  if (record.revokedAt !== null) return 'revoked';
  if (record.used >= record.uses) return 'used';

  return Temporal.Instant.compare(Temporal.Instant.from(record.expiresAt), now) <= 0 ? 'expired' : 'open';
}
