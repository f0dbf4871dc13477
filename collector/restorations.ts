// When this collector was restored from a backup: what it issued between the backup and the restoration it has forgotten,
// and only then may a certificate be newer than its record. Read once, from the ledger: a restoration needs a restart.
import type { AuditReader } from './store/ports.ts';

/** From the moment of a backup to its restoration, milliseconds since the epoch. */
export interface Restoration {
  readonly from: number;
  readonly until: number;
}

const ACTION = 'collector.restored';
const MAX_RESTORATIONS = 100;
/** A backup takes a while, and says when it began or ended. */
const SLACK_MS = 5 * 60_000;
/** Certificates are dated back by this; see enrollment/limits.ts. */
const BACKDATED_MS = 10 * 60_000;

export async function restorationsOf(audit: AuditReader): Promise<readonly Restoration[]> {
  const entries = await audit.byAction(ACTION, MAX_RESTORATIONS);

  return entries.map(({ at, subject }) => ({
    from: Temporal.Instant.from(subject).epochMilliseconds - SLACK_MS,
    until: Temporal.Instant.from(at).epochMilliseconds,
  }));
}

/** True for a certificate that begins at `from` and was therefore issued in a time that the collector has forgotten. */
export function isInForgottenTime(from: number, restorations: readonly Restoration[]): boolean {
  const issued = from + BACKDATED_MS;

  return restorations.some((one) => issued >= one.from && issued <= one.until);
}
