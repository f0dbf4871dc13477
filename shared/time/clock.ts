// The clock as an argument: wall time, monotonic time and sleeping. Nothing else in Selvage reads a clock.
import { setTimeout as wait } from 'node:timers/promises';

export interface Clock {
  now(): Temporal.Instant;
  /** Milliseconds from an arbitrary start, never going back. */
  monotonic(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Temporal.Now.instant(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  },
};
