// What a told transaction is: from before the enrollment, Selvage's own, told already, or made by somebody else. Pure. A mark in a
// command line is believed only until the signed result of that run is here: then the result must say the same.
import type { Lookup } from './lookup.ts';
import { type ChangeRow, FROM_UNKNOWN, isSamePackage, overlap, type RowSource, spanOf, type Verdict } from './rows.ts';

/** How long a mark is believed without its result. Both come over the same connection, so it is ample. */
export const RESULT_LATE_MS = 24 * 3_600_000;
/**
 * How far a marked transaction may lie from the result of its run: results go by a clock that is never set back, logs by the host's
 * as it is.
 */
const MARKED_SLACK_MS = 24 * 3_600_000;
/** What tells of a transaction a second time → what told of it first. */
const SECOND_HAND: Readonly<Partial<Record<RowSource, readonly RowSource[]>>> = {
  dpkg: ['apt'],
  rpm: ['dnf', 'zypper'],
};

export function verdictOf(
  row: ChangeRow,
  facts: { readonly lookup: Lookup; readonly enrolledAt: number; readonly now: number },
): Verdict {
  const { lookup, enrolledAt, now } = facts;
  if (row.source === 'result') return 'selvage';
  if (row.source === 'inventory') return 'outside';
  const ofItsRun = (other: ChangeRow) => other.source === 'result' && (row.run === null || row.run === other.run);
  if (isCovered(row, lookup, ofItsRun, row.run === null ? 0 : MARKED_SLACK_MS)) return 'selvage';

  const first = SECOND_HAND[row.source];
  if (first && isCovered(row, lookup, ({ source }) => first.includes(source))) return 'same';
  if (row.at < enrolledAt) return 'log';

  return row.run !== null && now - row.toldAt < RESULT_LATE_MS && !lookup.isReported(row.run) ? 'open' : 'outside';
}

/** Every package of it is brought to the same version, at the same time, by rows that may speak for it. */
function isCovered(row: ChangeRow, lookup: Lookup, may: (other: ChangeRow) => boolean, slack = 0): boolean {
  // dpkg and rpm know what was there before only as far as they saw it: after an interruption that is another version.
  const lax = row.source === 'dpkg' || FROM_UNKNOWN.includes(row.source);
  const { from, to } = spanOf(row);
  const span = { from: from - slack, to: to + slack };

  return row.changes.every((change) =>
    lookup
      .bringing(change.name, change.to)
      .some(
        (known) =>
          isSamePackage(change, known.change) &&
          (lax || change.from === known.change.from) &&
          may(known.row) &&
          overlap(span, known.span),
      ),
  );
}
