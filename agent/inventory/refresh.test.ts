import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { isDue, refreshWhenDue } from './refresh.ts';
import { observing, repository } from './testing/context.ts';

const HOUR = 3_600_000;
const lists = { maxAge: 24 * HOUR, refreshEvery: 6 * HOUR, jitter: 0.5, byteBudget: 1000 };
const last = Temporal.Instant.from('2026-11-23T11:00:00Z');
const due = (minutes: number, facts = {}, share = 0) =>
  isDue([repository(facts)], { at: last.add({ minutes }), lists, share });

describe('when it is asked whether a refresh is due', () => {
  it('is after the interval, lengthened by the jitter', () => {
    expect([due(359), due(360)]).toEqual([false, true]);
    expect([due(360, {}, 0.99), due(538, {}, 0.99), due(539, {}, 0.99)]).toEqual([false, false, true]);
  });

  it('is at once when it was never tried, or the clock was set back', () => {
    expect(due(0, { lastAttempt: null })).toBe(true);
    expect(due(-60)).toBe(true);
  });

  it('is sooner after a failure, but not at once', () => {
    const lastError = { code: 'REPOSITORY_UNREACHABLE', reason: 'x' };

    expect([due(14, { lastError }), due(15, { lastError })]).toEqual([false, true]);
  });

  it('is not on a host without repositories', () => {
    expect(isDue([], { at: last, lists, share: 0 })).toBe(false);
  });
});

describe('when lists are refreshed', () => {
  const plan = { settings: { lists }, clock: systemClock, random: seededRandom(1) };

  it('asks only what is due, and anything when a person says so', async () => {
    const fresh = observing({ repositories: [repository({ lastAttempt: systemClock.now().toString() })] });
    await refreshWhenDue({ ...plan, observers: [fresh] });
    expect(fresh.asked).not.toContain('refresh');

    await refreshWhenDue({ ...plan, observers: [fresh], now: true });
    expect(fresh.asked).toContain('refresh');
  });

  it('returns what stopped one package manager and goes on with the next', async () => {
    const broken = { ...observing({}), repositories: () => Promise.reject(new Error('malformed')) };
    const other = observing({ repositories: [repository({ lastAttempt: null })] });
    const failures = await refreshWhenDue({ ...plan, observers: [broken, other] });

    expect(failures.map(({ code }) => code)).toEqual(['INTERNAL']);
    expect(other.asked).toContain('refresh');
  });
});
