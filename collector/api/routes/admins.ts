// Admins: who they are, a bounded one-time token for a new one, and the end of one.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AdminRecord } from '../../store/ports.ts';
import { admin, adminName, adminRequest, admins, createdToken } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { found } from '../found.ts';
import { addRoute } from '../route.ts';
import { lifeOf } from '../token-life.ts';

export function addAdmins(app: FastifyInstance, { store, enrollment, addresses }: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/admins',
    guard: 'reader',
    summary: 'Admins with role, state and signing key',
    reply: admins,
    handle: async () => ({ admins: (await store.read.admins.list()).map(shown) }),
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
