// Alarms of risk acceptances: the review that is due, and the end, from which on their findings count again. Pure.
import { endOfAcceptance, reviewOfAcceptance } from '@selvage/shared/policy/acceptance.ts';
import type { RiskAcceptanceDocument } from '@selvage/shared/policy/documents.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';

/** An alarm of ./alarms.ts. */
interface AcceptanceAlarm {
  readonly severity: 'warning' | 'urgent';
  readonly kind: 'risk-acceptance' | 'risk-acceptance-review';
  readonly subject: string;
  readonly ends: string;
  readonly message: string;
  readonly stops: string;
  readonly next: string;
}

const DAY_MS = 24 * 3_600_000;
/** So long before its end an acceptance is said: somebody has to fix, or to approve again. */
const ACCEPTANCE_AHEAD_MS = 30 * DAY_MS;
const ACCEPTANCE_URGENT_MS = 7 * DAY_MS;
/** So long before the day of its review. */
const REVIEW_AHEAD_MS = 14 * DAY_MS;

export function acceptanceAlarms(
  acceptances: readonly RiskAcceptanceDocument[],
  now: Temporal.Instant,
): readonly AcceptanceAlarm[] {
  return acceptances.flatMap((acceptance) => [...ending(acceptance, now), ...review(acceptance, now)]);
}

function ending(acceptance: RiskAcceptanceDocument, now: Temporal.Instant): readonly AcceptanceAlarm[] {
  const { name, requester, approver } = acceptance;
  const end = endOfAcceptance(acceptance);
  const left = msUntil(end, now);
  if (left > ACCEPTANCE_AHEAD_MS) return [];
  const severity = left <= ACCEPTANCE_URGENT_MS ? 'urgent' : 'warning';

  return [
    {
      ...{ severity, kind: 'risk-acceptance', subject: name, ends: end.toString() },
      message: `the risk acceptance ${name} (asked for by ${requester}, approved by ${approver}) ${inWords(left)}`,
      stops:
        left <= 0
          ? 'its findings count again, with their old dates'
          : 'its findings count again then, with their old dates',
      next:
        left <= 0
          ? `fix what it was about, then push the policy without it (selvage policy push --prune FILE); or approve it anew`
          : `fix what it is about, or approve it anew: selvage policy get RiskAcceptance/${name}`,
    },
  ];
}

function review(
  { name, review: day, approver, ...dates }: RiskAcceptanceDocument,
  now: Temporal.Instant,
): readonly AcceptanceAlarm[] {
  const at = reviewOfAcceptance({ ...dates, review: day });
  const left = msUntil(at, now);
  if (left > REVIEW_AHEAD_MS) return [];

  return [
    {
      ...{
        severity: left <= 0 ? 'urgent' : 'warning',
        kind: 'risk-acceptance-review',
        subject: name,
        ends: at.toString(),
      },
      message:
        left <= 0
          ? `the risk acceptance ${name} was to be reviewed on ${day}`
          : `the risk acceptance ${name} is to be reviewed on ${day}`,
      stops: 'nobody has looked whether its reason and its control still hold',
      next: `${approver} looks at it and pushes it with a later review: selvage policy get RiskAcceptance/${name}`,
    },
  ];
}

function msUntil(end: Temporal.Instant, now: Temporal.Instant): number {
  return end.epochMilliseconds - now.epochMilliseconds;
}

function inWords(left: number): string {
  return left <= 0 ? `ended ${formatDuration(-left)} ago` : `ends in ${formatDuration(left)}`;
}
