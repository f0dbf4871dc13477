import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { cadenceInWords, percentile, rhythmOf, slotIn } from './cadence.ts';

const months = (from: string, count: number, every = 1) =>
  Array.from({ length: count }, (_, index) => Temporal.PlainYearMonth.from(from).add({ months: index * every }));
const slots = (from: string, count: number, nth: number, weekday: number, every = 1) =>
  months(from, count, every).map((month) => String(slotIn(month, nth, weekday)));
const words = (dates: readonly string[], today = '2026-11-23') => cadenceInWords(rhythmOf(dates, today).cadence);
const after = (first: string, gaps: readonly number[]) => {
  const days = [Temporal.PlainDate.from(first)];
  for (const gap of gaps) days.push((days.at(-1) ?? Temporal.PlainDate.from(first)).add({ days: gap }));

  return days.map(String);
};

describe('when a history has a rhythm', () => {
  it('the second Tuesday is seen in releases, with how often it was kept', () => {
    const all = slots('2025-11', 12, 2, 2);

    expect(all[0]).toBe('2025-11-11');
    expect(words(all)).toBe('2nd Tuesday of the month (12 of 12)');
    expect(words(all.filter((_, index) => index !== 5))).toBe('2nd Tuesday of the month (11 of 12)');
    // An extra one now and then takes nothing from it.
    expect(words([...all, '2026-02-20', '2026-05-28'])).toBe('2nd Tuesday of the month (12 of 12)');
    expect(rhythmOf(all, '2026-11-23').next).toEqual({ date: '2026-12-08', until: '2026-12-08', lateDays: 0 });
  });

  it('a day that is today counts until something came on it', () => {
    const all = slots('2025-11', 12, 2, 2);

    expect(rhythmOf(all, '2026-11-10').next?.date).toBe('2026-11-10');
    expect(rhythmOf([...all, '2026-11-10'], '2026-11-10').next?.date).toBe('2026-12-08');
  });

  it.each([
    ['3rd Tuesday of every 3rd month (8 of 8)', slots('2024-10', 8, 3, 2, 3), '2027-01-19'],
    ['last Friday of the month (14 of 14)', slots('2025-09', 14, 5, 5), '2026-11-27'],
    ['1st Monday of every 2nd month (9 of 9)', slots('2025-07', 9, 1, 1, 2), '2027-01-04'],
    ['every Tuesday (30 of 30 weeks)', after('2026-04-28', Array(29).fill(7)), '2026-11-24'],
    ['every 5-9 days, median 7', after('2026-08-01', [5, 7, 9, 7, 5, 9, 7, 6, 8, 7, 5, 9, 7]), '2026-11-07'],
    ['every day', after('2026-10-01', Array(40).fill(1)), '2026-11-11'],
    ['every 28 days', after('2026-01-01', Array(9).fill(28)), '2026-10-08'],
  ])('%s', (said, dates, next) => {
    const rhythm = rhythmOf(dates, '2026-11-23');

    expect(cadenceInWords(rhythm.cadence)).toBe(said);
    expect(rhythm.next?.date).toBe(next);
  });

  it('one of days that has not come is late, counted from the longest usual gap', () => {
    const dates = after('2026-08-01', [5, 7, 9, 7, 5, 9, 7, 6, 8, 7, 5, 9, 7]);

    expect(rhythmOf(dates, '2026-11-12').next).toEqual({ date: '2026-11-07', until: '2026-11-09', lateDays: 3 });
    expect(rhythmOf(dates, '2026-11-08').next?.lateDays).toBe(0);
  });

  it('nobody is late, nor expected in the past, by data that ended before', () => {
    const dates = after('2026-08-01', [5, 7, 9, 7, 5, 9, 7, 6, 8, 7, 5, 9, 7]);

    expect(rhythmOf(dates, '2027-11-12', '2026-11-02').next).toBeNull();
    expect(rhythmOf(dates, '2026-11-12', '2026-11-11').next).toBeNull();
    expect(rhythmOf(dates, '2026-11-08', '2026-11-02').next).toEqual({
      ...{ date: '2026-11-07', until: '2026-11-09', lateDays: 0 },
    });
  });
});

describe('when a history has none', () => {
  it('it is irregular, and no next one is named', () => {
    const dates = after('2025-01-01', [1, 30, 2, 90, 3, 45, 1, 60, 5, 120]);

    expect(words(dates)).toBe('irregular, median 5 days');
    expect(rhythmOf(dates, '2026-11-23').next).toBeNull();
  });

  it('too few are not known, none is none', () => {
    expect(words(slots('2026-06', 5, 2, 2))).toBe('not known (5 of 6 releases needed)');
    expect(words([])).toBe('no release seen');
    expect(rhythmOf(['2026-01-01'], '2026-11-23').next).toBeNull();
  });

  it('who releases on most days has no second Tuesday', () => {
    expect(words(after('2025-11-01', Array(300).fill(1)))).toBe('every day');
  });

  it('a second Tuesday that was kept in half of the months is none', () => {
    const half = slots('2025-01', 20, 2, 2).filter((_, index) => index % 5 < 2);

    expect(words(half)).not.toContain('of the month');
  });

  it('what is to come does not count as seen', () => {
    expect(words(slots('2026-07', 12, 2, 2), '2026-08-01')).toBe('not known (1 of 6 releases needed)');
  });
});

describe('for every history', () => {
  const history = fc
    .array(fc.integer({ min: 0, max: 1200 }), { maxLength: 60 })
    .map((days) => days.map((each) => String(Temporal.PlainDate.from('2023-06-01').add({ days: each }))));

  it('the answer depends neither on order nor on repetition, and the next day is after the newest release', () => {
    fc.assert(
      fc.property(history, (dates) => {
        const today = '2026-11-23';
        const rhythm = rhythmOf(dates, today);

        expect(rhythmOf([...dates, ...dates].reverse(), today)).toEqual(rhythm);
        if (rhythm.next !== null) {
          expect(rhythm.next.date > (rhythm.last ?? '')).toBe(true);
          expect(rhythm.next.until >= rhythm.next.date).toBe(true);
          if (rhythm.cadence.type !== 'days') expect(rhythm.next.date >= today).toBe(true);
        }
        const { cadence } = rhythm;
        if ('of' in cadence) expect(cadence.kept).toBeLessThanOrEqual(cadence.of);
      }),
      { numRuns: 40 },
    );
  });

  it('every nth weekday is found again, from any month on', () => {
    const nth = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(nth, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 23 }), (which, weekday, start) => {
        const from = Temporal.PlainYearMonth.from('2024-01').add({ months: start }).toString();
        const dates = slots(from, 10, which, weekday);

        expect(rhythmOf(dates, '2027-12-31').cadence).toEqual({
          ...{ type: 'monthly', every: 1, nth: which, weekday, kept: 10, of: 10 },
        });
      }),
      { numRuns: 30 },
    );
  });

  it('a percentile is a value of the list, by nearest rank', () => {
    expect([0.1, 0.5, 0.9, 1].map((part) => percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], part))).toEqual([1, 5, 9, 10]);
    expect(percentile([4], 0.9)).toBe(4);
  });
});
