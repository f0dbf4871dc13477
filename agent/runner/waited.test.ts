import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { beginWaiting, waitedUntil } from './waited.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LIMIT = 14 * DAY;
const START = Date.parse('2026-11-23T12:00:00Z');

describe('when a host waits for fresh policy', () => {
  const begun = beginWaiting('7', { boot: 'a', ms: 5 * DAY }, START);

  it('counts what the boot has lasted, whatever the clock says', () => {
    for (const wall of [START + 2 * DAY, START + 9999 * DAY, START - 9999 * DAY]) {
      expect(waitedUntil(begun, { boot: 'a', ms: 7 * DAY }, wall, LIMIT).waitedMs).toBe(2 * DAY);
    }
  });

  it.each([
    ['a night', 9 * HOUR, 9 * HOUR],
    ['a long weekend', 3 * DAY, 3 * DAY],
    ['a holiday', 30 * DAY, 3 * DAY],
    ['a clock that was set back', -400 * DAY, 0],
  ])('counts of %s between two boots no more than a few days', (_, off, counted) => {
    const up = HOUR;
    const now = waitedUntil(begun, { boot: 'b', ms: up }, START + off + up, LIMIT);

    expect(now.waitedMs).toBe(counted + up);
    expect(waitedUntil(now, { boot: 'b', ms: 3 * up }, START, LIMIT).waitedMs).toBe(counted + 3 * up);
  });

  it('never counts more than half of a short limit for one time between two boots', () => {
    expect(waitedUntil(begun, { boot: 'b', ms: 0 }, START + 900 * DAY, DAY).waitedMs).toBe(DAY / 2);
  });

  it('one wrong clock never brings the end, and no clock delays what was certainly waited', () => {
    const step = fc.record({ awake: fc.integer({ min: 0, max: 2 * DAY }), off: fc.integer({ min: 0, max: 2 * DAY }) });
    const wrong = fc.integer({ min: -5000 * DAY, max: 5000 * DAY });

    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), wrong, fc.nat(7), (steps, error, at) => {
        let waited = beginWaiting('1', { boot: '0', ms: 0 }, START);
        let wall = START;
        let awake = 0;
        let all = 0;
        for (const [index, each] of steps.entries()) {
          // From one boot on the clock is wrong, and stays so.
          if (index === at) wall += error;
          wall += each.off + each.awake;
          awake += each.awake;
          all += each.off + each.awake;
          waited = waitedUntil(waited, { boot: `${index + 1}`, ms: each.awake }, wall, LIMIT);
          const leapt = waitedUntil(waited, { boot: `${index + 1}`, ms: each.awake }, wall + error, LIMIT);
          expect(leapt.waitedMs).toBe(waited.waitedMs);
        }

        expect(waited.waitedMs).toBeGreaterThanOrEqual(awake);
        expect(waited.waitedMs).toBeLessThanOrEqual(all + 3 * DAY);
      }),
    );
  });
});
