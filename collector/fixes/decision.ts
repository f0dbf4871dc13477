// Which approval counts for a fix. Pure. Per policy the newest decision counts; a lapsed one decides nothing any more.
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';

export interface Decision {
  readonly verdict: 'approved' | 'refused' | 'open';
  /** What is shown: the newest that counts, else the newest of all. */
  readonly approval: ApprovalDocument | null;
}

/**
 * Decides over the approvals of one fix. An approval in any policy makes it approved, else a rejection refuses it.
 * Without `now` none counts as expired.
 */
export function decide(approvals: readonly ApprovalDocument[], now?: Temporal.Instant): Decision {
  const newestFirst = approvals.toSorted((a, b) => compareInstants(b.approvedAt, a.approvedAt));
  const perPolicy = newestFirst.filter(
    (one, index) => newestFirst.findIndex(({ policy }) => policy === one.policy) === index,
  );
  const current = perPolicy.filter(({ expires }) => now === undefined || isBefore(now, expires));
  const approved = current.find(({ decision }) => decision === 'approve');
  const rejected = current.find(({ decision }) => decision === 'reject');

  if (approved) return { verdict: 'approved', approval: approved };
  if (rejected) return { verdict: 'refused', approval: rejected };

  return { verdict: 'open', approval: newestFirst[0] ?? null };
}

/** Order of two RFC 3339 instants in time; their text does not sort. */
export function compareInstants(a: string, b: string): number {
  return Temporal.Instant.compare(Temporal.Instant.from(a), Temporal.Instant.from(b));
}

function isBefore(now: Temporal.Instant, expires: string): boolean {
  return Temporal.Instant.compare(now, Temporal.Instant.from(expires)) < 0;
}
