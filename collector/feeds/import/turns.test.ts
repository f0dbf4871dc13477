// While feeds are written and old copies taken away, the collector has others to serve: between any two steps the event loop turns.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../store/ports.ts';
import { type ImportLab, importLabs } from '../testing/import-lab.ts';
import { importFeed } from './importing.ts';

const labs = importLabs('feed-turns');
/** One step, and beside it what is asked once: a generation begun, sealed, or looked for. */
const MOST_IN_ONE_TURN = 2;
const scores = (day: string, count: number) =>
  [
    `#model_version:v1,score_date:${day}T00:00:00Z`,
    'cve,epss,percentile',
    ...Array.from({ length: count }, (_, n) => `CVE-2024-${1000 + n},0.5,0.5`),
    '',
  ].join('\n');

/** Imports while it counts how many transactions fall into one turn of the event loop. */
async function counted(lab: ImportLab, path: string): Promise<{ readonly all: number; readonly inOneTurn: number }> {
  let [going, all, inThis, most] = [true, 0, 0, 0];
  const turning = (async () => {
    for (; going; inThis = 0) await turn();
  })();
  const store: Store = {
    ...lab.store,
    transaction: (work) => {
      all += 1;
      inThis += 1;
      most = Math.max(most, inThis);

      return lab.store.transaction(work);
    },
  };
  await importFeed({ store, clock: lab.clock, events: { publish: () => undefined } }, 'epss', [{ path }]);
  going = false;
  await turning;

  return { all, inOneTurn: most };
}

describe('when a feed with many rows takes the place of another', () => {
  it('others are let in after each step of writing it and of taking the old one away', async () => {
    const lab = await labs();
    await lab.take('epss', lab.file('one.csv', scores('2025-01-01', 8000)));
    const { all, inOneTurn } = await counted(lab, lab.file('two.csv', scores('2025-01-02', 8000)));

    expect(all).toBeGreaterThan(10);
    expect(inOneTurn).toBeLessThanOrEqual(MOST_IN_ONE_TURN);
  });
});
