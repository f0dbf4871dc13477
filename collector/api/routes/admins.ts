// Admins: who they are, a bounded one-time token for a new one, and the end of one.

import type { TLSSocket } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AdminRecord } from '../../store/ports.ts';
import { selectText } from '../contract/select.ts';
import { admin, adminName, adminRenewal, adminRequest, admins, createdToken, renewedAdmin } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { found } from '../found.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { lifeOf } from '../token-life.ts';
import { ADMIN_WORDS } from '../words/admins.ts';

export function addAdmins(app: FastifyInstance, { store, enrollment, clock, addresses }: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/admins',
    guard: 'reader',
    summary: 'Admins with role, state and signing key',
    query: z.strictObject({ select: selectText }),
    reply: admins,
    handle: async ({ query }) => {
      const select = readSelect(query.select, ADMIN_WORDS);
      const all = (await store.read.admins.list()).map(shown);
      const { chosen, selection } = await choose(all, select, clock.now());

      return { admins: [...chosen], selection };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/admins',
    guard: 'admin',
    summary: 'Make a one-time token with which the admin of that name logs in',
    body: adminRequest,
    reply: createdToken,
    handle: async ({ body, actor }) => {
      const made = await enrollment.createToken({
        kind: 'admin',
        boundTo: body.name,
        role: body.role,
        ttlMs: lifeOf(body.expires),
        createdBy: actor,
      });

      return { ...made, boundTo: body.name, collector: addresses().api, pin: addresses().apiPin };
    },
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/admins/self',
    guard: 'reader',
    summary: 'The admin who asks',
    reply: admin,
    handle: async ({ admin: self }) => shown(self),
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/admins/self/renew',
    // Of every admin for themselves: nothing but the certificate of the one who asks changes.
    guard: 'reader',
    summary: 'The next certificate of the admin who asks, for a new key; the one before counts until it has been used',
    body: adminRenewal,
    reply: renewedAdmin,
    handle: async ({ admin: { name }, body, request }) => {
      const certificate = (request.raw.socket as TLSSocket).getPeerX509Certificate();
      if (!certificate) throw new CodedError('UNAUTHENTICATED', 'the connection carries no client certificate');
      const key = sha256(certificate.publicKey.export({ type: 'spki', format: 'der' }));

      return { certificate: await enrollment.renewAdmin({ name, csr: body.csr, key }) };
    },
  });

  addRoute(app, {
    method: 'POST',
    url: '/v1/admins/:name/revoke',
    guard: 'admin',
    summary: 'End the access of an admin at once',
    params: z.strictObject({ name: adminName }),
    reply: admin,
    handle: async ({ params, actor }) => {
      await enrollment.revokeAdmin(params.name, actor);

      return shown(await found(store.read.admins.byName(params.name), `there is no admin ${params.name}`));
    },
  });
}

function shown(record: AdminRecord): z.input<typeof admin> {
  const { name, role, state, keyId, addedAt, revokedAt, certificateExpires } = record;

  return { name, role, state, keyId, addedAt, revokedAt, certificateExpires };
}
