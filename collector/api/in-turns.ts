// Long work in turns: everything of the collector runs on one event loop, so whoever computes for seconds lets others in.
import { setImmediate } from 'node:timers/promises';

/** Milliseconds that others may be kept waiting; what comes before and after the steps adds to it. */
const TURN_MS = 8;

/** What the steps return at their end. No step may be long. */
export async function inTurns<T>(steps: Iterator<void, T>): Promise<T> {
  for (;;) {
    const until = performance.now() + TURN_MS;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < until);
    await setImmediate();
  }
}
