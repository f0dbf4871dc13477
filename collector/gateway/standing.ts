// What a certificate of a host is worth today: pure, from the host's record, the certificate and the time. That the
// certificate is one of this collector's authorities and that the other side has its key was proven before.
import { isInForgottenTime, type Restoration } from '../restorations.ts';
import type { HostRecord } from '../store/ports.ts';

const DAY_MS = 86_400_000;
/** How long after its end a certificate may still be exchanged for a new one without a person: a long illness, a sabbatical. */
export const RETURN_WITHIN_MS = 90 * DAY_MS;
/** Certificates are dated back by this for hosts whose clock is behind; see collector/enrollment/limits.ts. */
const BACKDATED_MS = 10 * 60_000;

/** The facts of the certificate that was shown. */
export interface Shown {
  /** Fingerprint. */
  readonly certificate: string;
  /** Its own dates, milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

export type Standing =
  /** Everything a host may do. */
  | { readonly verdict: 'welcome'; readonly as: 'current' | 'next' | 'forgotten' }
  /** It may ask for its next certificate and nothing else. */
  | { readonly verdict: 'renew-only'; readonly why: 'expired' | 'readmitted' }
  /** Neither current nor next: somebody has a copy. `settled`: from before an admin last said which machine is the host. */
  | { readonly verdict: 'superseded'; readonly settled: boolean }
  | {
      readonly verdict: 'refused';
      readonly code:
        | 'HOST_REVOKED'
        | 'HOST_RETIRED'
        | 'HOST_QUARANTINED'
        | 'HOST_AWAY_TOO_LONG'
        | 'CERTIFICATE_SUPERSEDED';
    };

export function standingOf(
  host: HostRecord,
  shown: Shown,
  now: Temporal.Instant,
  restorations: readonly Restoration[] = [],
): Standing {
  if (host.state !== 'active') {
    return { verdict: 'refused', code: host.retiredAt === null ? 'HOST_REVOKED' : 'HOST_RETIRED' };
  }
  if (host.quarantine) return { verdict: 'refused', code: 'HOST_QUARANTINED' };

  const as = roleOf(host, shown);
  const ended = now.epochMilliseconds - shown.until;
  // What was issued after the door was opened is not what the door is for.
  if (isDoorOpen(host, now) && !(as === 'next' && ended < 0)) return { verdict: 'renew-only', why: 'readmitted' };
  if (as === null && isInForgottenTime(shown.from, restorations) && isForgotten(host, shown, now))
    return { verdict: 'welcome', as: 'forgotten' };
  if (as === null) {
    // It could open nothing any more, so it accuses nobody: an old disk must not be able to stop a healthy host.
    if (ended > RETURN_WITHIN_MS) return { verdict: 'refused', code: 'CERTIFICATE_SUPERSEDED' };

    return { verdict: 'superseded', settled: isSettled(host, shown) };
  }
  if (ended < 0) return { verdict: 'welcome', as };

  return ended <= RETURN_WITHIN_MS
    ? { verdict: 'renew-only', why: 'expired' }
    : { verdict: 'refused', code: 'HOST_AWAY_TOO_LONG' };
}

/** True while an admin's readmission lasts. */
function isDoorOpen({ readmit }: HostRecord, now: Temporal.Instant): boolean {
  return readmit !== null && Temporal.Instant.compare(now, Temporal.Instant.from(readmit.until)) < 0;
}

/** Which of the host's two certificates it is; null: neither. */
export function roleOf(host: HostRecord, { certificate }: Pick<Shown, 'certificate'>): 'current' | 'next' | null {
  if (certificate === host.next?.certificate) return 'next';

  return certificate === host.certificate ? 'current' : null;
}

/**
 * Issued after everything in the record, in a time that the database has forgotten since it was restored from a backup:
 * what is newest is always current or next, so the host goes on where it was. Without a restoration there is no such
 * certificate, except from the hands of somebody who has the key of the authority.
 */
function isForgotten(host: HostRecord, { from, until }: Shown, now: Temporal.Instant): boolean {
  const known = [host.certificateExpires, ...(host.next ? [host.next.expires] : [])];
  const newest = Math.max(...known.map((end) => Temporal.Instant.from(end).epochMilliseconds));
  const at = now.epochMilliseconds;

  // Not what was offered before an admin settled the matter, nor what a clock that was ahead has made.
  return until > newest && until > at && from <= at && !isSettled(host, { from });
}

function isSettled({ settledAt }: HostRecord, { from }: Pick<Shown, 'from'>): boolean {
  return settledAt !== null && from + BACKDATED_MS <= Temporal.Instant.from(settledAt).epochMilliseconds;
}
