import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type WindowDocument, windowDocument } from '../policy/documents.ts';
import { parseDuration } from '../time/duration.ts';
import { nextOpenings, windowAt } from './window.ts';

const at = (text: string) => Temporal.Instant.from(text);
const window = (fields: Partial<WindowDocument>): WindowDocument =>
  windowDocument.parse({
    kind: 'Window',
    name: 'nights',
    ...(fields.recurrence === undefined ? { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] } : {}),
    start: '01:00',
    for: '3h',
    timezone: 'Europe/Berlin',
    ...fields,
  });
const opens = (fields: Partial<WindowDocument>, from: string, count = 1, hostZone = 'UTC') =>
  nextOpenings(window(fields), at(from), count, hostZone).map((opening) => `${opening.opens}/${opening.closes}`);

describe('when a window is asked at an instant', () => {
  const nights = window({ days: ['mon'] });

  it.each([
    ['2026-11-22T23:59:59Z', false],
    ['2026-11-23T00:00:00Z', true],
    ['2026-11-23T02:59:59Z', true],
    ['2026-11-23T03:00:00Z', false],
  ])('at %s open is %s: the start is in, the end is out', (now, open) => {
    expect(windowAt(nights, at(now), 'UTC').open).toBe(open);
  });

  it('says until when it is open, and when the next one is', () => {
    expect(windowAt(nights, at('2026-11-23T01:00:00Z'), 'UTC')).toEqual({
      open: true,
      opened: at('2026-11-23T00:00:00Z'),
      closes: at('2026-11-23T03:00:00Z'),
    });
    expect(windowAt(nights, at('2026-11-23T03:00:00Z'), 'UTC')).toMatchObject({
      open: false,
      next: at('2026-11-30T00:00:00Z'),
    });
  });

  it('stays open past midnight', () => {
    const late = window({ days: ['mon'], start: '23:00', for: '4h' });

    expect(windowAt(late, at('2026-11-24T01:30:00Z'), 'UTC').open).toBe(true);
    expect(windowAt(late, at('2026-11-24T02:00:00Z'), 'UTC').open).toBe(false);
  });

  it('stays open for days when it is that long', () => {
    const weekend = window({ days: ['fri'], start: '18:00', for: '60h' });

    expect(windowAt(weekend, at('2026-11-29T20:00:00Z'), 'UTC').open).toBe(true);
  });

  it('follows the zone of the host where it says so', () => {
    const local = window({ days: ['mon'], timezone: 'host' });

    expect(windowAt(local, at('2026-11-22T16:00:00Z'), 'Asia/Tokyo').open).toBe(true);
    expect(windowAt(local, at('2026-11-22T16:00:00Z'), 'Europe/Berlin').open).toBe(false);
    expect(windowAt(local, at('2026-11-22T19:15:00Z'), 'Asia/Kathmandu').open).toBe(true);
  });
});

describe('when clocks change', () => {
  it.each<[string, Partial<WindowDocument>, string, string]>([
    // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00Z; 02:30 does not exist.
    [
      'a start in the gap opens when the gap ends',
      { start: '02:30' },
      '2026-03-28T12:00:00Z',
      '2026-03-29T01:00:00Z/2026-03-29T04:00:00Z',
    ],
    [
      'a window over the gap lasts as long as ever',
      { start: '01:00' },
      '2026-03-28T12:00:00Z',
      '2026-03-29T00:00:00Z/2026-03-29T03:00:00Z',
    ],
    // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00Z; 02:30 happens twice.
    [
      'a start in the repeated hour opens the first time',
      { start: '02:30' },
      '2026-10-24T12:00:00Z',
      '2026-10-25T00:30:00Z/2026-10-25T03:30:00Z',
    ],
    // New York, 1 November 2026.
    [
      'the same in New York',
      { start: '01:30', timezone: 'America/New_York' },
      '2026-10-31T12:00:00Z',
      '2026-11-01T05:30:00Z/2026-11-01T08:30:00Z',
    ],
    // Lord Howe skips only half an hour: 4 October 2026, 02:00 becomes 02:30.
    [
      'a gap of half an hour',
      { start: '02:15', timezone: 'Australia/Lord_Howe' },
      '2026-10-03T12:00:00Z',
      '2026-10-03T15:30:00Z/2026-10-03T18:30:00Z',
    ],
    // A rule that falls into the gap is not lost.
    [
      'a rule in the gap',
      { recurrence: 'FREQ=MONTHLY;BYDAY=-1SU', start: '02:30' },
      '2026-03-28T12:00:00Z',
      '2026-03-29T01:00:00Z/2026-03-29T04:00:00Z',
    ],
  ])('%s', (_, fields, from, expected) => expect(opens(fields, from)).toEqual([expected]));
});

describe('when a window follows a rule', () => {
  it('opens on the second Tuesday, or by an offset the day after', () => {
    const patchTuesday = { recurrence: 'FREQ=MONTHLY;BYDAY=2TU', timezone: 'UTC', for: '1h' };

    expect(opens(patchTuesday, '2026-11-23T00:00:00Z', 2)).toEqual([
      '2026-12-08T01:00:00Z/2026-12-08T02:00:00Z',
      '2027-01-12T01:00:00Z/2027-01-12T02:00:00Z',
    ]);
    expect(opens({ ...patchTuesday, offset: '1d' }, '2026-12-08T12:00:00Z')).toEqual([
      '2026-12-09T01:00:00Z/2026-12-09T02:00:00Z',
    ]);
  });

  it('counts from its first date, and ends', () => {
    const fields = { recurrence: 'FREQ=WEEKLY;INTERVAL=2;COUNT=2', from: '2026-11-25', timezone: 'UTC', for: '1h' };

    expect(opens(fields, '2026-01-01T00:00:00Z', 5)).toEqual([
      '2026-11-25T01:00:00Z/2026-11-25T02:00:00Z',
      '2026-12-09T01:00:00Z/2026-12-09T02:00:00Z',
    ]);
    expect(windowAt(window(fields), at('2027-01-01T00:00:00Z'), 'UTC')).toMatchObject({ open: false, next: null });
  });

  it.each([
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO', /needs "from"/],
    ['FREQ=MONTHLY;BYDAY=2TU;COUNT=3', /needs "from"/],
    ['FREQ=MONTHLY', /needs "from"/],
    ['FREQ=DAILY;BYHOUR=3', /BYHOUR is not a part/],
    ['FREQ=HOURLY', /FREQ is one of/],
    ['FREQ=WEEKLY;BYDAY=MO;BYDAY=TU', /named twice/],
    ['FREQ=MONTHLY;BYDAY=9XX', /Invalid BYDAY/],
    ['every night', /not a part/],
  ])('refuses %s', (recurrence, message) => {
    expect(() => windowAt(window({ recurrence }), at('2026-11-23T00:00:00Z'), 'UTC')).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID', message: expect.stringMatching(message) }),
    );
  });
});

describe('when there is a freeze', () => {
  const freeze = [{ from: '2026-12-18', to: '2027-01-04', reason: 'year end' }];

  it('does not open inside, from the first to the last day in its own zone', () => {
    expect(opens({ freeze, days: undefined, recurrence: 'FREQ=DAILY' }, '2026-12-17T12:00:00Z')).toEqual([
      '2027-01-05T00:00:00Z/2027-01-05T03:00:00Z',
    ]);
    expect(windowAt(window({ freeze }), at('2026-12-24T01:00:00Z'), 'UTC')).toMatchObject({
      open: false,
      reason: 'frozen: year end',
      next: at('2027-01-05T00:00:00Z'),
    });
  });

  it('closes a window that is open when it begins', () => {
    const late = window({ freeze, start: '22:00', for: '4h' });

    expect(windowAt(late, at('2026-12-17T22:59:59Z'), 'UTC')).toMatchObject({
      open: true,
      closes: at('2026-12-17T23:00:00Z'),
    });
    expect(windowAt(late, at('2026-12-17T23:00:00Z'), 'UTC').open).toBe(false);
  });
});

describe('whatever the window, zone and instant', () => {
  const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  const ZONES = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Pacific/Apia',
    'Africa/Casablanca',
  ];
  const windows = fc.record({
    days: fc.subarray([...DAYS], { minLength: 1 }),
    start: fc
      .tuple(fc.nat(23), fc.nat(59))
      .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`),
    for: fc.integer({ min: 1, max: 47 }).map((hours) => `${hours}h`),
    timezone: fc.constantFrom(...ZONES),
    freeze: fc.constantFrom(...[[], [{ from: '2026-03-20', to: '2026-03-29', reason: 'freeze' }]]),
  });
  const instants = fc
    .integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-01-01') })
    .map((ms) => Temporal.Instant.fromEpochMilliseconds(ms));

  it('is open exactly inside one of its openings, never longer than "for", and the next one lies ahead', () => {
    fc.assert(
      fc.property(windows, instants, (fields, now) => {
        const document = window(fields);
        const length = parseDuration(document.for);
        const state = windowAt(document, now, 'UTC');
        const around = nextOpenings(
          document,
          now.subtract({ milliseconds: length }).subtract({ milliseconds: 1 }),
          60,
          'UTC',
        );
        const inside = around.some(
          ({ opens: from, closes }) =>
            Temporal.Instant.compare(from, now) <= 0 && Temporal.Instant.compare(now, closes) < 0,
        );

        expect(state.open).toBe(inside);
        if (state.open) expect(state.opened.until(state.closes).total('milliseconds')).toBeLessThanOrEqual(length);
        else if (state.next) expect(Temporal.Instant.compare(state.next, now)).toBe(1);
      }),
      { numRuns: 300 },
    );
  });

  it('lists openings in order, each on a wanted weekday of its zone', () => {
    fc.assert(
      fc.property(windows, instants, (fields, now) => {
        const document = window(fields);
        const openings = nextOpenings(document, now, 20, 'UTC');

        for (const [index, opening] of openings.entries()) {
          const day = opening.opens.toZonedDateTimeISO(document.timezone).dayOfWeek;
          expect(fields.days).toContain(DAYS[day - 1]);
          const before = openings[index - 1];
          if (before) expect(Temporal.Instant.compare(before.opens, opening.opens)).toBe(-1);
        }
      }),
      { numRuns: 100 },
    );
  });
});
