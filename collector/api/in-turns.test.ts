import { describe, expect, it } from 'vitest';
import { inTurns } from './in-turns.ts';

describe('when work takes long', () => {
  it('others have their turns between its steps, and its result is the result', async () => {
    let turns = 0;
    let ended = false;
    const count = () => {
      turns += 1;
      if (!ended) setImmediate(count);
    };
    function* steps() {
      for (let step = 0; step < 8; step++) {
        const end = performance.now() + 15;
        while (performance.now() < end);
        yield;
      }

      return 'done';
    }
    setImmediate(count);
    expect(await inTurns(steps())).toBe('done');
    ended = true;

    expect(turns).toBeGreaterThanOrEqual(7);
  });

  it('what a step throws is thrown', async () => {
    const steps = {
      next: () => {
        throw new TypeError('a step');
      },
    };

    await expect(inTurns(steps)).rejects.toThrow(TypeError);
  });
});
