// A clock that only moves when the test says so; sleepers wake in order of their time.
import type { Clock } from '../time/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export interface FakeClock extends Clock {
  /** Moves both times on by `ms`, waking sleepers in order and letting their continuations run in between. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock only, as an operator or NTP would: sleepers and monotonic time do not notice. */
  setWall(instant: string): void;
  /** Resolves when at least `count` sleepers wait. */
  sleeping(count?: number): Promise<void>;
}

export function fakeClock(start: string): FakeClock {
  let wall = Temporal.Instant.from(start).epochMilliseconds;
  let elapsed = 0;
  let sleepers: Sleeper[] = [];
  let watchers: { readonly count: number; readonly done: () => void }[] = [];

  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const notify = () => {
    const ready = watchers.filter((watcher) => sleepers.length >= watcher.count);
    watchers = watchers.filter((watcher) => !ready.includes(watcher));
    for (const watcher of ready) watcher.done();
  };

  return {
    now: () => Temporal.Instant.fromEpochMilliseconds(wall),
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);

          return;
        }
        const sleeper: Sleeper = {
          at: elapsed + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        const onAbort = () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.push(sleeper);
        notify();
      }),
    advance: async (ms) => {
      const end = elapsed + ms;

      for (;;) {
        await settle();
        const [next] = sleepers.filter((sleeper) => sleeper.at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        wall += next.at - elapsed;
        elapsed = next.at;
        next.wake();
      }

      wall += end - elapsed;
      elapsed = end;
      await settle();
    },
    setWall: (instant) => {
      wall = Temporal.Instant.from(instant).epochMilliseconds;
    },
    sleeping: (count = 1) =>
      new Promise((resolve) => {
        watchers.push({ count, done: resolve });
        notify();
      }),
  };
}
