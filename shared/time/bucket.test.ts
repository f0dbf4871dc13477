import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { Bucket } from './bucket.ts';

describe('when tokens are taken', () => {
  it('the burst is there at once, then the rate, and an empty bucket says how long to wait', () => {
    const bucket = new Bucket({ perMs: 1 / 128, burst: 2 }, 0);

    expect([bucket.take(1, 0), bucket.take(1, 0), bucket.take(1, 0)]).toEqual([0, 0, 128]);
    expect(bucket.take(1, 127)).toBe(1);
    expect(bucket.take(1, 128)).toBe(0);
  });

  it('in any order of times, never more than burst plus rate are given', () => {
    const steps = fc.array(fc.record({ wait: fc.nat(1000), count: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 100,
    });

    fc.assert(
      fc.property(steps, (all) => {
        const bucket = new Bucket({ perMs: 1 / 50, burst: 10 }, 0);
        let now = 0;
        let given = 0;
        for (const { wait, count } of all) {
          now += wait;
          if (bucket.take(count, now) === 0) given += count;
        }

        expect(given).toBeLessThanOrEqual(10 + now / 50 + 1e-6);
      }),
    );
  });

  it('waiting as long as it says is enough', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 10 }), (start, count) => {
        const bucket = new Bucket({ perMs: 1 / 33, burst: 10 }, start);
        while (bucket.take(1, start) === 0);

        expect(bucket.take(count, start + bucket.take(count, start))).toBe(0);
      }),
    );
  });

  it('a clock that goes back gives nothing', () => {
    const bucket = new Bucket({ perMs: 1, burst: 1 }, 1000);
    bucket.take(1, 1000);

    expect(bucket.take(1, 500)).toBeGreaterThan(0);
    expect(bucket.isFull(500)).toBe(false);
  });
});
