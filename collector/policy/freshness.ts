// When the collector signs its online metadata again. Decides only; pure.
import { LIFETIME_MS } from '@selvage/shared/policy/limits.ts';

export type Refresh = 'nothing' | 'timestamp' | 'snapshot and timestamp';

/** Half of the life is left for a collector that is down: an agent sees metadata expire only after that. */
export function refreshDue(
  expires: { readonly snapshot: string; readonly timestamp: string },
  now: Temporal.Instant,
): Refresh {
  if (halfOver(expires.snapshot, LIFETIME_MS.snapshot, now)) return 'snapshot and timestamp';

  return halfOver(expires.timestamp, LIFETIME_MS.timestamp, now) ? 'timestamp' : 'nothing';
}

function halfOver(expires: string, lifetimeMs: number, now: Temporal.Instant): boolean {
  return now.epochMilliseconds >= Temporal.Instant.from(expires).epochMilliseconds - lifetimeMs / 2;
}
