// One step of an import: one transaction, as large as the pace says, and then others have their turn.
import { setImmediate } from 'node:timers/promises';
import type { FeedWriter } from '../../store/feed-ports.ts';
import type { Store } from '../../store/ports.ts';
import type { Pace } from './pace.ts';

/** `weight`: of what `work` writes. Promises alone would let nobody in between two of these. */
export async function step<T>(
  store: Pick<Store, 'transaction'>,
  pace: Pace,
  weight: number,
  work: (feeds: FeedWriter) => Promise<T>,
): Promise<T> {
  let began = 0;
  const result = await store.transaction(({ feeds }) => {
    began = performance.now();

    return work(feeds);
  });
  pace.took(performance.now() - began, weight);
  await setImmediate();

  return result;
}
