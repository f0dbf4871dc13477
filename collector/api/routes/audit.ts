// The audit ledger, page by page, for those who recompute its chain themselves.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AuditEntry } from '../../store/ports.ts';
import { selectText } from '../contract/select.ts';
import { auditHead, auditPage, MAX_AUDIT_PAGE } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';
import { type Chosen, choose, readSelect } from '../selecting.ts';
import { AUDIT_WORDS } from '../words/audit.ts';

/** Entries of the ledger that one request looks at: a text that selects few of them is asked again with `next`. */
const MAX_LOOKED_AT = 20_000;

export function addAudit(app: FastifyInstance, { store, clock }: ApiDeps): void {
  const pageOf = async (query: {
    readonly after: number;
    readonly limit: number;
    readonly select?: string | undefined;
  }) => {
    const select = readSelect(query.select, AUDIT_WORDS);
    const looked: AuditEntry[] = [];
    let found: Chosen<AuditEntry> = { chosen: [], selection: null };
    let next: number | null = query.after;
    do {
      const page: readonly AuditEntry[] = await store.read.audit.after(next, query.limit);
      looked.push(...page);
      next = page.length < query.limit ? null : (page.at(-1)?.sequence ?? null);
      found = await choose(looked, select, clock.now());
    } while (next !== null && found.chosen.length < query.limit && looked.length < MAX_LOOKED_AT);
    const entries = found.chosen.slice(0, query.limit);
    // Entries that were found beyond the limit come again with the next page.
    if (entries.length < found.chosen.length) next = entries.at(-1)?.sequence ?? null;

    return { entries: [...entries], next, selection: found.selection };
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/audit',
    guard: 'reader',
    summary: 'Entries after a sequence number, oldest first',
    query: z.strictObject({
      after: z.coerce.number().int().nonnegative().default(0),
      limit: z.coerce.number().int().positive().max(MAX_AUDIT_PAGE).default(MAX_AUDIT_PAGE),
      select: selectText,
    }),
    reply: auditPage,
    handle: ({ query }) => pageOf(query),
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
