// The hash chain of the audit ledger, pure: how an entry's hash is made and how a run of entries is checked.
// It finds every changed, lost, added or moved entry; entries cut off at the end only against a head known from before.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { AuditEntry } from '../store/ports.ts';

/** What the first entry names as its previous hash. */
export const GENESIS = '0'.repeat(64) as Sha256;

/** A place in the ledger: the entry of that sequence has that hash. Sequence 0 is the start. */
export interface Head {
  readonly sequence: number;
  readonly hash: Sha256;
}

export const START: Head = { sequence: 0, hash: GENESIS };

/**
 * `gap`: entries are missing. `reordered`: an entry stands in another's place. `changed`: what an entry says does not
 * give its hash. `unlinked`: it does, but the entry before is not the one it was written after. `cut`: the ledger ends
 * before, or does not contain, a head that was known.
 */
export type Wrong = 'gap' | 'reordered' | 'changed' | 'unlinked' | 'cut';

/** SHA-256 over the canonical JSON of everything in the entry but its hash. */
export function entryHash(entry: Omit<AuditEntry, 'hash'>): Sha256 {
  const { sequence, at, actor, action, subject, details, previous } = entry;

  return sha256(canonicalJson({ sequence, at, actor, action, subject, details, previous }));
}

/**
 * Checks entries that follow `from` (the start by default), against `expected` when a head is known from elsewhere.
 * Throws AUDIT_BROKEN with details {sequence, wrong}: the first bad sequence and what is wrong there.
 */
export function verifyChain(
  entries: readonly AuditEntry[],
  options: { readonly from?: Head; readonly expected?: Head } = {},
): { readonly ok: true; readonly checked: number; readonly head: Head } {
  const { from = START, expected } = options;
  let head: Head = from;
  checkExpected(head, expected);

  for (const [index, entry] of entries.entries()) {
    const wrong = wrongWith(entry, head, () => entries.slice(index + 1));
    if (wrong) throw broken(head.sequence + 1, wrong);
    head = { sequence: entry.sequence, hash: entry.hash };
    checkExpected(head, expected);
  }

  if (expected && expected.sequence > head.sequence) throw broken(head.sequence + 1, 'cut');

  return { ok: true, checked: entries.length, head };
}

function wrongWith(entry: AuditEntry, before: Head, rest: () => readonly AuditEntry[]): Wrong | null {
  const due = before.sequence + 1;
  if (entry.sequence !== due) {
    return entry.sequence < due || rest().some((other) => other.sequence === due) ? 'reordered' : 'gap';
  }
  if (entryHash(entry) !== entry.hash) return 'changed';

  return entry.previous === before.hash ? null : 'unlinked';
}

function checkExpected(head: Head, expected: Head | undefined): void {
  if (expected && expected.sequence === head.sequence && expected.hash !== head.hash) {
    throw broken(head.sequence, 'changed');
  }
}

const MEANING: Record<Wrong, string> = {
  gap: 'it is missing',
  reordered: 'another entry stands in its place',
  changed: 'what it says does not give its hash',
  unlinked: 'it does not follow the entry before',
  cut: 'the ledger ends before it although it was there',
};

function broken(sequence: number, wrong: Wrong): CodedError {
  return new CodedError('AUDIT_BROKEN', `the audit ledger is broken at entry ${sequence}: ${MEANING[wrong]}`, {
    details: { sequence, wrong },
  });
}
