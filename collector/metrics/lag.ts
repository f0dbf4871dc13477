// How late the event loop is: everything of the collector runs on it, so its lag is what every host and admin feels.
// It measures; it never decides.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two looks; a stall shorter than that may be missed, one of 100 ms never is. */
const RESOLUTION_MS = 20;
/** Half of the time that is looked back on. */
const HALF_WINDOW_MS = 30_000;
const NANOSECONDS_PER_MS = 1e6;
const HALF = 50;
const NEARLY_ALL = 99;

/** Milliseconds by which the loop was late, over the last 30 to 60 seconds (less right after the start). */
export interface Lag {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LagMonitor {
  read(): Lag;
  close(): void;
}

/** Two histograms that are emptied in turn: the older one always holds at least half a window. */
export function monitorLag(): LagMonitor {
  let [older, newer] = [begin(), begin()];
  const turn = setInterval(() => {
    older.reset();
    [older, newer] = [newer, older];
  }, HALF_WINDOW_MS);
  turn.unref();

  return {
    read: () => ({
      p50Ms: late(older.count === 0 ? 0 : older.percentile(HALF)),
      p99Ms: late(older.count === 0 ? 0 : older.percentile(NEARLY_ALL)),
      maxMs: late(older.count === 0 ? 0 : older.max),
    }),
    close: () => {
      clearInterval(turn);
      older.disable();
      newer.disable();
    },
  };
}

function begin(): ReturnType<typeof monitorEventLoopDelay> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();

  return histogram;
}

/** The histogram holds the time between two looks; what is beyond the resolution is lateness. */
function late(nanoseconds: number): number {
  return Math.max(0, Math.round((nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS) * 10) / 10);
}
