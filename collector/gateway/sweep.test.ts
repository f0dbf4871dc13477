import { setImmediate } from 'node:timers/promises';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { SWEEP_MS, sweep } from './sweep.ts';

const THINGS = 5000;

/** A round over many things that tells how many it has seen. */
function rounds() {
  const seen = { rounds: 0, things: 0 };

  return {
    seen,
    look: function* () {
      seen.rounds += 1;
      for (let thing = 0; thing < THINGS; thing++) {
        seen.things += 1;
        yield;
      }
    },
  };
}

describe('when there is much to look after', () => {
  it('others get their turn many times before all has been looked at, and all of it is', async () => {
    const clock = fakeClock('2026-03-01T12:00:00Z');
    const stopped = new AbortController();
    const { seen, look } = rounds();
    const sweeping = sweep(clock, stopped.signal, [look]);
    clock.advance(SWEEP_MS);
    const between = new Set<number>();
    while (seen.things < THINGS) {
      await setImmediate();
      between.add(seen.things);
    }

    expect(between.size).toBeGreaterThan(10);
    expect(seen).toEqual({ rounds: 1, things: THINGS });
    stopped.abort();
    await sweeping;
  });

  it('ends in the middle of a round when it is told to', async () => {
    const clock = fakeClock('2026-03-01T12:00:00Z');
    const stopped = new AbortController();
    const { seen, look } = rounds();
    const sweeping = sweep(clock, stopped.signal, [look, look]);
    clock.advance(SWEEP_MS);
    while (seen.things === 0) await setImmediate();
    stopped.abort();
    await sweeping;

    expect(seen.rounds).toBe(1);
    expect(seen.things).toBeLessThan(THINGS);
  });
});
