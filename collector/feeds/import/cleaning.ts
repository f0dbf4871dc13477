// Takes away what no reader sees: generations that were replaced, and those that a collector did not finish. In steps as small as those
// of an import.
import { setImmediate } from 'node:timers/promises';
import type { Store } from '../../store/ports.ts';
import { Pace } from './pace.ts';
import { step } from './step.ts';

/** `writing`: generations of imports that go on now. Ends early, and is done at the next call, when `signal` says so. */
export async function cleanFeeds(store: Store, writing: ReadonlySet<number>, signal?: AbortSignal): Promise<void> {
  const pace = new Pace();

  for (const leftover of await store.transaction(({ feeds }) => feeds.leftovers(writing))) {
    await setImmediate();
    for (let more = true; more; ) {
      if (signal?.aborted === true) return;
      const rows = Math.ceil(pace.weight);
      more = await step(store, pace, rows, (feeds) => feeds.drop(leftover, rows));
    }
  }
}
