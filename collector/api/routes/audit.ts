// The audit ledger, page by page, for those who recompute its chain themselves.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { AuditEntry } from '../../store/ports.ts';
import { selectText } from '../contract/select.ts';
import { auditHead, auditPage, MAX_AUDIT_PAGE } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { addRoute } from '../route.ts';
import { added, choose, readSelect, type SelectionShown } from '../selecting.ts';
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
    const size = select === null ? query.limit : MAX_AUDIT_PAGE;
    const entries: AuditEntry[] = [];
    let selection: SelectionShown = null;
    let next: number | null = query.after;
    let looked = 0;
    while (next !== null && entries.length < query.limit && looked < MAX_LOOKED_AT) {
      const page: readonly AuditEntry[] = await store.read.audit.after(next, size);
      const room = query.limit - entries.length;
      const all = await choose(page, select, clock.now());
      // What does not fit comes with the next page, together with all that lies behind it.
      const full = all.chosen.length > room;
      const last: number = full ? (all.chosen[room - 1]?.sequence ?? next) : (page.at(-1)?.sequence ?? next);
      const part = full
        ? await choose(
            page.filter(({ sequence }) => sequence <= last),
            select,
            clock.now(),
          )
        : all;
      entries.push(...part.chosen);
      selection = added(selection, part.selection);
      looked += page.length;
      next = !full && page.length < size ? null : last;
    }

    return { entries, next, selection };
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
