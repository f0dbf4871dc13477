import { describe, expect, it } from 'vitest';
import type { WindowDocument } from '../policy/documents.ts';
import { fc } from '../testing/properties.ts';
import { nextOpenings, windowAt } from './window.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'America/St_Johns',
  'Africa/Casablanca',
  'Antarctica/Troll',
];
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const RULES = [
  'FREQ=MONTHLY;BYDAY=2TU',
  'FREQ=MONTHLY;BYDAY=-1SU',
  'FREQ=WEEKLY;BYDAY=SA,SU',
  'FREQ=DAILY',
  'FREQ=MONTHLY;BYMONTHDAY=31',
  'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1',
];
const MINUTE_MS = 60_000;
const EPOCH_2025 = Temporal.Instant.from('2025-01-01T00:00:00Z').epochMilliseconds;
const FOUR_YEARS_MINUTES = 4 * 365 * 24 * 60;

const instant = fc
  .integer({ min: 0, max: FOUR_YEARS_MINUTES })
  .map((minutes) => Temporal.Instant.fromEpochMilliseconds(EPOCH_2025 + minutes * MINUTE_MS));
const twoDigits = (value: number) => String(value).padStart(2, '0');
const start = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${twoDigits(hour)}:${twoDigits(minute)}`);
const freeze = fc.tuple(fc.integer({ min: 0, max: 1400 }), fc.integer({ min: 0, max: 40 })).map(([begin, length]) => {
  const from = Temporal.PlainDate.from('2025-01-01').add({ days: begin });

  return { from: from.toString(), to: from.add({ days: length }).toString(), reason: 'drawn' };
});
const when: fc.Arbitrary<Partial<WindowDocument>> = fc.oneof(
  fc.subarray([...DAYS], { minLength: 1 }).map((days) => ({ days })),
  fc.constantFrom(...RULES).map((recurrence) => ({ recurrence })),
);
const window: fc.Arbitrary<WindowDocument> = fc
  .record({
    when,
    start,
    minutes: fc.integer({ min: 1, max: 72 * 60 }),
    offset: fc.constantFrom(undefined, '6h', '1d', '30h'),
    freeze: fc.array(freeze, { maxLength: 4 }),
    zone: fc.constantFrom(...ZONES),
  })
  .map(({ when, start, minutes, offset, freeze, zone }) => ({
    kind: 'Window',
    name: 'drawn',
    ...when,
    start,
    for: `${minutes}m`,
    timezone: zone,
    freeze,
    ...(offset === undefined ? {} : { offset }),
  }));
const lengthOf = (document: WindowDocument) => Number.parseInt(document.for, 10) * MINUTE_MS;
const compare = Temporal.Instant.compare;

describe('whatever the window, the zone and the time', () => {
  it('is open exactly when one of its openings holds that instant', () => {
    fc.assert(
      fc.property(window, instant, (document, now) => {
        const state = windowAt(document, now, 'UTC');
        const holding = nextOpenings(document, now, 10, 'UTC').filter((o) => compare(o.opened, now) <= 0);

        expect(state.open).toBe(holding.length > 0);
        if (state.open) expect(holding).toContainEqual({ opened: state.opened, closes: state.closes });
      }),
    );
  });

  it('is closed until the next opening it names, and open then', () => {
    fc.assert(
      fc.property(window, instant, (document, now) => {
        const state = windowAt(document, now, 'UTC');
        if (state.open || state.next === null) return;

        const then = windowAt(document, state.next, 'UTC');

        expect(then.open && compare(then.opened, state.next)).toBe(0);
        expect(windowAt(document, state.next.subtract({ seconds: 1 }), 'UTC').open).toBe(false);
      }),
    );
  });

  it('is never open for longer than it says, nor at its closing instant when nothing else opened', () => {
    fc.assert(
      fc.property(window, instant, (document, now) => {
        for (const { opened, closes } of nextOpenings(document, now, 5, 'UTC')) {
          const length = closes.epochMilliseconds - opened.epochMilliseconds;

          expect(length).toBeGreaterThan(0);
          expect(length).toBeLessThanOrEqual(lengthOf(document));
        }
      }),
    );
  });

  it('is never open in a freeze, in the zone of the window', () => {
    fc.assert(
      fc.property(window, instant, (document, now) => {
        const today = now.toZonedDateTimeISO(document.timezone).toPlainDate().toString();
        if (!document.freeze.some(({ from, to }) => from <= today && today <= to)) return;

        expect(windowAt(document, now, 'UTC').open).toBe(false);
      }),
    );
  });

  it('lists openings in order, each after `from`, and the same whoever asks later', () => {
    fc.assert(
      fc.property(window, instant, fc.integer({ min: 0, max: 60 * 24 * 20 }), (document, from, minutes) => {
        const listed = nextOpenings(document, from, 6, 'UTC');
        const later = from.add({ minutes });
        const rest = listed.filter(({ closes }) => compare(closes, later) > 0);

        for (const [index, opening] of listed.entries()) {
          expect(compare(opening.closes, from)).toBe(1);
          const before = listed[index - 1];
          if (before) expect(compare(before.opened, opening.opened)).toBe(-1);
        }
        expect(nextOpenings(document, later, rest.length, 'UTC')).toEqual(rest);
      }),
    );
  });

  it('opens at its wall time, or at the end of the gap that swallowed it', () => {
    fc.assert(
      fc.property(window, instant, (document, now) => {
        if (document.offset !== undefined) return;
        for (const { opened } of nextOpenings(document, now, 3, 'UTC')) {
          const wall = opened.toZonedDateTimeISO(document.timezone);
          const before = opened.subtract({ nanoseconds: 1 }).toZonedDateTimeISO(document.timezone);
          const afterGap = before.offsetNanoseconds < wall.offsetNanoseconds;

          if (!afterGap) expect(wall.toPlainTime().toString().slice(0, 5)).toBe(document.start);
          else
            expect(wall.toPlainTime().toString().slice(0, 5) >= document.start || wall.day !== before.day).toBe(true);
        }
      }),
    );
  });
});
