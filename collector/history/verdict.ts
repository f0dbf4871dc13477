// What a told transaction is: from before the enrollment, Selvage's own, told already, or made by somebody else. Pure. A mark in a
// command line is believed only until the signed result of that run is here: then the result must say the same.
import { type ChangeRow, FROM_UNKNOWN, isSamePackage, overlap, type RowSource, type Verdict } from './rows.ts';

/** How long a mark is believed without its result. Both come over the same connection, so it is ample. */
export const RESULT_LATE_MS = 24 * 3_600_000;
/** What tells of a transaction a second time → what told of it first. */
const SECOND_HAND: Readonly<Partial<Record<RowSource, readonly RowSource[]>>> = {
  dpkg: ['apt'],
  rpm: ['dnf', 'zypper'],
};

export function verdictOf(
  row: ChangeRow,
  facts: { readonly near: readonly ChangeRow[]; readonly enrolledAt: number; readonly now: number },
): Verdict {
  if (row.source === 'result') return 'selvage';
  if (row.source === 'inventory') return 'outside';
  const near = facts.near.filter((other) => other.id !== row.id && overlap(row, other));
  const results = near.filter(({ source, run }) => source === 'result' && (row.run === null || row.run === run));
  if (results.length > 0 && isCovered(row, results)) return 'selvage';

  const first = SECOND_HAND[row.source] ?? [];
  if (
    isCovered(
      row,
      near.filter(({ source }) => first.includes(source)),
    )
  )
    return 'same';
  if (row.at < facts.enrolledAt) return 'log';

  const isOpen = row.run !== null && facts.now - row.toldAt < RESULT_LATE_MS && !isReported(row, facts.near);

  return isOpen ? 'open' : 'outside';
}

/** The result of that run is here; it just does not say the same. */
function isReported(row: ChangeRow, near: readonly ChangeRow[]): boolean {
  return near.some(({ source, run }) => source === 'result' && run === row.run);
}

/** Every package of it is brought to the same version by one of the others. */
function isCovered({ source, changes }: ChangeRow, others: readonly ChangeRow[]): boolean {
  // dpkg and rpm know what was there before only as far as they saw it: after an interruption that is another version.
  const lax = source === 'dpkg' || FROM_UNKNOWN.includes(source);

  return (
    others.length > 0 &&
    changes.every((change) =>
      others.some((other) =>
        other.changes.some(
          (known) => isSamePackage(change, known) && change.to === known.to && (lax || change.from === known.from),
        ),
      ),
    )
  );
}
