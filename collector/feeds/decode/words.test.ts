// Times as feeds write them: the quick way gives what the calendar gives.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { compareTimes, mailTimeOf, timeOf } from './words.ts';

const two = (value: number) => String(value).padStart(2, '0');
const parts = fc.record({
  year: fc.integer({ min: 1970, max: 2110 }),
  month: fc.integer({ min: 0, max: 13 }),
  day: fc.integer({ min: 0, max: 32 }),
  hour: fc.integer({ min: 0, max: 25 }),
  minute: fc.integer({ min: 0, max: 61 }),
  second: fc.integer({ min: 0, max: 61 }),
  fraction: fc.constantFrom('', '.5', '.50', '.000000001', '.123456789', '.0'),
});
const written = parts.map(
  ({ year, month, day, hour, minute, second, fraction }) =>
    `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}Z`,
);

/** What the calendar makes of it. */
function slowly(text: string): string | null {
  try {
    const time = Temporal.Instant.from(text);
    const { year } = time.toZonedDateTimeISO('UTC');

    return year >= 1980 && year < 2100 ? time.toString() : null;
  } catch {
    // It has no such moment.
    return null;
  }
}

describe('when a feed writes a time', () => {
  it('it is what the calendar makes of it, or nothing', () => {
    fc.assert(
      fc.property(written, (text) => {
        expect(timeOf(text)).toBe(slowly(text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00Z'],
    ['2023-02-29T12:00:00Z', null],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59Z'],
    ['2024-05-01T00:00:00.120Z', '2024-05-01T00:00:00.12Z'],
    ['2024-05-01T02:00:00+02:00', '2024-05-01T00:00:00Z'],
    ['2024-05-01', '2024-05-01T00:00:00Z'],
    ['1979-12-31T23:59:59Z', null],
    ['2100-01-01T00:00:00Z', null],
    ['2024-05-01T24:00:00Z', null],
    ['soon', null],
  ])('%s is %s', (text, expected) => {
    expect(timeOf(text)).toBe(expected);
  });
});

describe('when a mail or RSS writes a time', () => {
  it.each([
    ['Tue, 13 Aug 2024 17:00:00 GMT', '2024-08-13T17:00:00Z'],
    ['Tue, 13 Aug 24 17:00:00 GMT', '2024-08-13T17:00:00Z'],
    ['13 Aug 99 17:00 -0000', '1999-08-13T17:00:00Z'],
    ['Tue, 13 Aug 2024 17:00:00 EDT', '2024-08-13T21:00:00Z'],
    ['Tue, 13 Aug 2024 17:00:00 CEST', '2024-08-13T17:00:00Z'],
    ['Tue, 13 Aug 2024 17:00:00 +0200 (CEST)', '2024-08-13T15:00:00Z'],
    ['Tue, 30 Feb 2024 17:00:00 GMT', null],
    ['Tue, 13 Aug 202 17:00:00 GMT', null],
    ['13 Foo 2024 17:00:00 GMT', null],
  ])('%s is %s', (text, expected) => {
    expect(mailTimeOf(text)).toBe(expected);
  });
});

describe('when two times are compared', () => {
  it('they have the order of their instants, fractions included', () => {
    const times = written.map((text) => timeOf(text)).filter((time) => time !== null);
    const order = (one: Timestamp, other: Timestamp) => Math.sign(Temporal.Instant.compare(one, other));

    fc.assert(
      fc.property(times, times, (one, other) => {
        expect(compareTimes(one, other)).toBe(order(one, other));
        const same = one.replace(/(\.\d+)?Z$/, '.25Z') as Timestamp;
        expect(compareTimes(one, same)).toBe(order(one, same));
        expect(compareTimes(same, one)).toBe(order(same, one));
      }),
    );
  });
});
