import { describe, expect, it } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { fc } from '../testing/properties.ts';
import { nextDelay } from './backoff.ts';
import { formatDuration, parseDuration } from './duration.ts';

describe('when a duration is read', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['3h', 10_800_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['0h', 0],
    ['PT3H', 10_800_000],
    ['P1DT2H3M4S', 93_784_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '3', 'h', '3 h', '-3h', '1.5h', '3H', 'P', 'PT', 'P1M', 'P1DT', '99999999999d'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
    },
  );
});

describe('when a duration is shown', () => {
  it.each([
    [800, '800ms'],
    [59_999, '1m'],
    [93_784_000, '1d 2h'],
    [750_000, '12m 30s'],
    [-5, '0ms'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('when delays back off', () => {
  it('stay between base and cap and at most triple', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(10_000_000), (luck, previous) => {
        const delay = nextDelay(previous, { baseMs: 1000, capMs: 600_000, random: () => luck });

        expect(delay).toBeGreaterThanOrEqual(1000);
        expect(delay).toBeLessThanOrEqual(Math.min(600_000, Math.max(1000, previous * 3)));
      }),
    );
  });

  it('spread: two hosts with other luck do not return together', () => {
    const options = { baseMs: 1000, capMs: 600_000 };

    expect(nextDelay(60_000, { ...options, random: () => 0.1 })).not.toBe(
      nextDelay(60_000, { ...options, random: () => 0.9 }),
    );
  });
});

describe('when a fake clock moves', () => {
  it('wakes sleepers in order at their own time', async () => {
    const clock = fakeClock('2026-01-01T00:00:00Z');
    const woken: string[] = [];
    const nap = async (ms: number) => {
      await clock.sleep(ms);
      woken.push(`${ms} at ${clock.now()}`);
    };
    const naps = [nap(2000), nap(1000)];
    await clock.sleeping(2);
    await clock.advance(5000);
    await Promise.all(naps);

    expect(woken).toEqual(['1000 at 2026-01-01T00:00:01Z', '2000 at 2026-01-01T00:00:02Z']);
    expect(clock.now().toString()).toBe('2026-01-01T00:00:05Z');
  });

  it('lets a sleeper go when its signal aborts', async () => {
    const clock = fakeClock('2026-01-01T00:00:00Z');
    const controller = new AbortController();
    const nap = clock.sleep(1000, controller.signal);
    controller.abort(new Error('stop'));

    await expect(nap).rejects.toThrow('stop');
  });
});
