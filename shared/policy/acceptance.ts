// When a risk acceptance holds: from the first moment of one date to the last of another, in UTC. It ends by itself. Pure.
import type { RiskAcceptanceDocument } from './documents.ts';

type Dates = Pick<RiskAcceptanceDocument, 'from' | 'until' | 'review'>;

/** The first moment in which it holds no more. */
export function endOfAcceptance({ until }: Pick<Dates, 'until'>): Temporal.Instant {
  return startOf(until).add({ hours: 24 });
}

/** The review is due from this moment on. */
export function reviewOfAcceptance({ review }: Pick<Dates, 'review'>): Temporal.Instant {
  return startOf(review);
}

export function acceptanceAt(dates: Dates, now: Temporal.Instant): 'not yet' | 'holds' | 'ended' {
  if (Temporal.Instant.compare(now, startOf(dates.from)) < 0) return 'not yet';

  return Temporal.Instant.compare(now, endOfAcceptance(dates)) < 0 ? 'holds' : 'ended';
}

function startOf(date: string): Temporal.Instant {
  return Temporal.PlainDate.from(date).toZonedDateTime('UTC').toInstant();
}
