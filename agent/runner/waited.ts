// How long this host has gone without fresh policy, for handing itself back. Pure. THE RULE: only time that the host itself was
// awake for counts, by the uptime of its boots (suspension included), which nobody can set; of the time between two boots, which
// only a clock can tell, no more than a few days and never more than half of the limit count each time. So a clock that leaps while the
// host runs changes nothing, a single wrong one after a boot cannot bring a release, and a host that is off at night still comes to it.
import type { Uptime } from './uptime.ts';

/** Since the newest policy was accepted, as it was written down last. */
export interface Waited {
  /** The newest accepted policy: each fresh one has another text. */
  readonly policy: string;
  /** Milliseconds, up to `uptimeMs` of `boot`. */
  readonly waitedMs: number;
  readonly boot: string;
  readonly uptimeMs: number;
  /** Clock of that moment, milliseconds since the epoch. */
  readonly wallMs: number;
}

/** Milliseconds of one time between two boots that count: a long weekend. */
const MAX_GAP_MS = 3 * 24 * 3_600_000;

export function beginWaiting(policy: string, uptime: Uptime, wallMs: number): Waited {
  return { policy, waitedMs: 0, boot: uptime.boot, uptimeMs: uptime.ms, wallMs };
}

/** The same, counted up to now. `limitMs`: how long the policy lets this host wait. */
export function waitedUntil<W extends Waited>(waited: W, uptime: Uptime, wallMs: number, limitMs: number): W {
  const sameBoot = uptime.boot === waited.boot && uptime.boot !== '' && uptime.ms >= waited.uptimeMs;
  // In a new boot: what it has lasted is known for certain, what lay before it only by the clock.
  const certain = sameBoot ? uptime.ms - waited.uptimeMs : uptime.ms;
  const between = sameBoot ? 0 : wallMs - waited.wallMs - uptime.ms;
  const gap = Math.min(Math.max(0, between), MAX_GAP_MS, limitMs / 2);

  return {
    ...waited,
    waitedMs: Math.floor(waited.waitedMs + Math.max(0, certain) + gap),
    boot: uptime.boot,
    uptimeMs: uptime.ms,
    wallMs,
  };
}
