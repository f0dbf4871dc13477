// What of this host's own trust ends soon, has ended, or was not renewed though it should have been; what that stops, and what
// helps. Pure. A host cannot renew any of it alone: it says so in time, and goes on with what it has.
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { TrustFacts } from '../runner/trust-facts.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What lives for months is said so long before it ends. */
export const AHEAD_MS = 30 * DAY_MS;
/** The certificate is renewed at two thirds of its life; so much later it is said that it was not. */
const RENEWAL_GRACE_MS = 3 * DAY_MS;
const RENEW_AFTER = 2 / 3;
/** The collector makes these anew every few hours or days: that they will end is no news, that they have is. */
const SHORT_LIVED: readonly string[] = ['snapshot', 'timestamp'];

export interface Overdue {
  /** `certificate`, `authority`, or `policy ROLE`. */
  readonly what: string;
  readonly ends: string;
  readonly message: string;
  readonly stops: string;
  readonly next: string;
}

export interface TrustOfHost {
  readonly certificate: { readonly notBefore: Temporal.Instant; readonly notAfter: Temporal.Instant } | null;
  /** When the authorities end that the host trusts. */
  readonly authorities: readonly Temporal.Instant[];
  readonly policy: TrustFacts | null;
}

export function overdueOf(trust: TrustOfHost, now: Temporal.Instant): readonly Overdue[] {
  return [
    ...certificateOf(trust, now),
    ...authorityOf(trust, now),
    ...Object.entries(trust.policy?.ends ?? {}).flatMap(([role, end]) => roleOf(role, end, now)),
  ].toSorted((one, other) => one.ends.localeCompare(other.ends));
}

function certificateOf({ certificate }: TrustOfHost, now: Temporal.Instant): readonly Overdue[] {
  if (!certificate) return [];
  const { notBefore, notAfter } = certificate;
  const life = notAfter.epochMilliseconds - notBefore.epochMilliseconds;
  const late = notBefore.epochMilliseconds + life * RENEW_AFTER + Math.min(RENEWAL_GRACE_MS, life / 6);
  if (now.epochMilliseconds < late) return [];

  return [
    {
      ...told('certificate', 'the certificate of this host', notAfter, now),
      stops: 'after its end the host connects only to renew it, and 90 days later only when an admin lets it in',
      next: 'let this host reach its collector: it renews by itself',
    },
  ];
}

/** The one that ends last counts: the others are on their way out. */
function authorityOf({ authorities }: TrustOfHost, now: Temporal.Instant): readonly Overdue[] {
  const last = authorities.toSorted(Temporal.Instant.compare).at(-1);
  if (!last || leftOf(last, now) > AHEAD_MS) return [];

  return [
    {
      ...told('authority', 'the authority that this host trusts', last, now),
      stops: 'this host can prove no collector any more',
      next: 'ask an admin: selvage authority begin',
    },
  ];
}

function roleOf(role: string, end: string, now: Temporal.Instant): readonly Overdue[] {
  const ends = Temporal.Instant.from(end);
  if (leftOf(ends, now) > (SHORT_LIVED.includes(role) ? 0 : AHEAD_MS)) return [];

  return [
    {
      ...told(`policy ${role}`, `${role} of the signed policy`, ends, now),
      stops: 'nothing newer is accepted; what was accepted stays usable until its actUntil',
      next: SHORT_LIVED.includes(role)
        ? 'let this host reach its collector; if it does, look at: selvage status'
        : 'ask an admin: selvage policy renew',
    },
  ];
}

function told(what: string, name: string, ends: Temporal.Instant, now: Temporal.Instant) {
  const left = leftOf(ends, now);
  const when = left <= 0 ? `ended ${formatDuration(-left)} ago` : `ends in ${formatDuration(left)}`;

  return { what, ends: ends.toString(), message: `${name} ${when}` };
}

function leftOf(end: Temporal.Instant, now: Temporal.Instant): number {
  return end.epochMilliseconds - now.epochMilliseconds;
}
