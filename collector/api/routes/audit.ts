// The audit ledger, page by page, for those who recompute its chain themselves.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { auditHead, auditPage, MAX_AUDIT_PAGE } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';

export function addAudit(app: FastifyInstance, { store }: ApiDeps): void {
  addRoute(app, {
    method: 'GET',
    url: '/v1/audit',
    guard: 'reader',
    summary: 'Entries after a sequence number, oldest first',
    query: z.strictObject({
      after: z.coerce.number().int().nonnegative().default(0),
      limit: z.coerce.number().int().positive().max(MAX_AUDIT_PAGE).default(MAX_AUDIT_PAGE),
    }),
    reply: auditPage,
    handle: async ({ query }) => ({ entries: [...(await store.read.audit.after(query.after, query.limit))] }),
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/audit/head',
    guard: 'reader',
    summary: 'Sequence and hash of the newest entry',
    reply: auditHead,
    handle: async () => {
      const head = await store.read.audit.head();

      return { head: head && { sequence: head.sequence, hash: head.hash } };
    },
  });
}
