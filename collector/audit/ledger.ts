// Verifies the stored ledger page by page, so that its length costs time and not memory. It changes nothing.
import type { AuditReader } from '../store/ports.ts';
import { type Head, START, verifyChain } from './chain.ts';

/** Entries read and checked at once. */
const PAGE = 1000;

export interface Verified {
  readonly ok: true;
  /** Number of entries checked. */
  readonly checked: number;
  /** The last entry; keep it elsewhere to notice later if the ledger was cut or written anew. */
  readonly head: Head;
}

/**
 * Checks every entry from the start, against `expected` when a head is known from elsewhere (an export, another copy).
 * Throws AUDIT_BROKEN with details {sequence, wrong}.
 */
export async function verifyLedger(audit: Pick<AuditReader, 'after' | 'head'>, expected?: Head): Promise<Verified> {
  let head = START;

  for (;;) {
    const entries = await audit.after(head.sequence, PAGE);
    // The expected head lies in this page, or beyond the end: then the last, empty page finds it cut.
    const here = expected && (entries.length === 0 || expected.sequence <= head.sequence + entries.length);
    const due = here && expected.sequence >= head.sequence ? { expected } : {};
    ({ head } = verifyChain(entries, { from: head, ...due }));
    if (entries.length === 0) return { ok: true, checked: head.sequence, head };
  }
}
