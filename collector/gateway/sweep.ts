// Looks after everything that is open, every other second, a slice at a time: going over 15,000 hosts at once would keep
// everybody waiting for as long. What comes or goes meanwhile is looked at this time or the next.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@selvage/shared/time/clock.ts';

/** Milliseconds between looks for expired requests, idle connections and quiet hosts. */
export const SWEEP_MS = 2000;
/** Things that are looked at before others get their turn: less than a tenth of a millisecond. */
const SLICE = 256;

/** Until the signal aborts. Each of `looks` begins a round and does one thing at each step. */
export async function sweep(
  clock: Clock,
  signal: AbortSignal,
  looks: readonly (() => Iterable<unknown>)[],
): Promise<void> {
  while (!signal.aborted) {
    // Rejects when the signal aborts: then it is over.
    await clock.sleep(SWEEP_MS, signal).catch(() => undefined);
    for (const look of looks) if (!signal.aborted) await round(look(), signal);
  }
}

async function round(steps: Iterable<unknown>, signal: AbortSignal): Promise<void> {
  let done = 0;

  for (const _ of steps) {
    done += 1;
    if (done % SLICE !== 0) continue;
    await setImmediate();
    if (signal.aborted) return;
  }
}
