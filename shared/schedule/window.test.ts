import { describe, expect, it } from 'vitest';
import type { WindowDocument } from '../policy/documents.ts';
import { nextOpenings, windowAt } from './window.ts';

const EVERY_DAY: NonNullable<WindowDocument['days']> = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function nightly(over: Partial<WindowDocument> = {}): WindowDocument {
  return {
    kind: 'Window',
    name: 'nights',
    days: EVERY_DAY,
    start: '01:00',
    for: '3h',
    timezone: 'UTC',
    freeze: [],
    ...over,
  };
}

const monthly = (recurrence: string, over: Partial<WindowDocument> = {}): WindowDocument => {
  const { days: _days, ...rest } = nightly(over);

  return { ...rest, recurrence };
};
const at = (text: string) => Temporal.Instant.from(text);
const first = (window: WindowDocument, from: string, count = 1, zone = 'UTC') =>
  nextOpenings(window, at(from), count, zone).map(({ opened, closes }) => `${opened}/${closes}`);

/** Instants as text: toMatchObject sees no difference between two Temporal objects. */
const stateAt = (window: WindowDocument, now: string, zone = 'UTC') => {
  const state = windowAt(window, at(now), zone);

  return state.open
    ? { open: true, opened: `${state.opened}`, closes: `${state.closes}` }
    : { open: false, next: state.next && `${state.next}`, reason: state.reason };
};

describe('when a window has days', () => {
  it('is open from its start for its length, in the host zone', () => {
    const window = nightly({ days: ['mon'], timezone: 'host' });

    // Monday 2026-11-23 01:00 in Berlin is 00:00 UTC.
    expect(windowAt(window, at('2026-11-23T00:00:00Z'), 'Europe/Berlin')).toEqual({
      open: true,
      opened: at('2026-11-23T00:00:00Z'),
      closes: at('2026-11-23T03:00:00Z'),
    });
    expect(stateAt(window, '2026-11-23T03:00:00Z', 'Europe/Berlin')).toEqual({
      open: false,
      next: '2026-11-30T00:00:00Z',
      reason: 'window nights is closed; it opens at 2026-11-30T01:00+01:00[Europe/Berlin]',
    });
  });

  it('stays open past midnight', () => {
    const window = nightly({ days: ['mon'], start: '22:30', for: '5h' });

    expect(windowAt(window, at('2026-11-24T03:29:59Z'), 'UTC').open).toBe(true);
    expect(windowAt(window, at('2026-11-24T03:30:00Z'), 'UTC').open).toBe(false);
  });

  it('counts the opening that lasts longest where two overlap', () => {
    expect(stateAt(nightly({ for: '30h' }), '2026-11-24T02:00:00Z')).toEqual({
      open: true,
      opened: '2026-11-24T01:00:00Z',
      closes: '2026-11-25T07:00:00Z',
    });
  });
});

describe('when clocks change', () => {
  it.each([
    // The hour 02:00 to 03:00 does not exist: it opens at the first instant after, 03:00+02:00.
    ['Europe/Berlin', '02:30', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29T04:00:00Z'],
    // Open across the gap: three hours on the clock of the machine, four on the wall.
    ['Europe/Berlin', '01:00', '2026-03-28T12:00:00Z', '2026-03-29T00:00:00Z', '2026-03-29T03:00:00Z'],
    // 02:30 happens twice: the first time counts, and three hours later the wall says 04:30.
    ['Europe/Berlin', '02:30', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T03:30:00Z'],
    ['America/New_York', '01:30', '2026-10-31T18:00:00Z', '2026-11-01T05:30:00Z', '2026-11-01T08:30:00Z'],
    ['America/New_York', '02:15', '2026-03-07T18:00:00Z', '2026-03-08T07:00:00Z', '2026-03-08T10:00:00Z'],
    // Half an hour of DST: 02:00 to 02:30 does not exist on 4 October 2026.
    ['Australia/Lord_Howe', '02:10', '2026-10-03T03:00:00Z', '2026-10-03T15:30:00Z', '2026-10-03T18:30:00Z'],
    ['Asia/Kathmandu', '01:00', '2026-03-28T23:00:00Z', '2026-03-29T19:15:00Z', '2026-03-29T22:15:00Z'],
  ])('%s at %s', (timezone, start, from, opened, closes) => {
    expect(first(nightly({ timezone, start }), from)).toEqual([`${opened}/${closes}`]);
  });

  it('opens once where a zone skipped a whole day', () => {
    const window = nightly({ timezone: 'Pacific/Apia', start: '00:00', for: '1h' });

    // 30 December 2011 did not happen in Samoa.
    expect(first(window, '2011-12-29T12:00:00Z', 2)).toEqual([
      '2011-12-30T10:00:00Z/2011-12-30T11:00:00Z',
      '2011-12-31T10:00:00Z/2011-12-31T11:00:00Z',
    ]);
  });
});

describe('when a window follows a rule', () => {
  it('opens on the second Tuesday, and with an offset on the day after it', () => {
    const rule = 'FREQ=MONTHLY;BYDAY=2TU';

    expect(first(monthly(rule), '2026-11-01T00:00:00Z', 2)).toEqual([
      '2026-11-10T01:00:00Z/2026-11-10T04:00:00Z',
      '2026-12-08T01:00:00Z/2026-12-08T04:00:00Z',
    ]);
    expect(first(monthly(rule, { offset: '1d' }), '2026-11-11T00:00:00Z')).toEqual([
      '2026-11-11T01:00:00Z/2026-11-11T04:00:00Z',
    ]);
  });

  it('keeps the wall time when an offset of days crosses a change of clocks, and adds hours as elapsed time', () => {
    const rule = 'FREQ=MONTHLY;BYDAY=-1SA';
    const berlin = { timezone: 'Europe/Berlin', start: '12:00', for: '1h' };

    expect(first(monthly(rule, { ...berlin, offset: '1d' }), '2026-03-28T00:00:00Z')).toEqual([
      '2026-03-29T10:00:00Z/2026-03-29T11:00:00Z',
    ]);
    expect(first(monthly(rule, { ...berlin, offset: '23h' }), '2026-03-28T00:00:00Z')).toEqual([
      '2026-03-29T10:00:00Z/2026-03-29T11:00:00Z',
    ]);
  });

  it('counts every second week from its first day', () => {
    const window = monthly('FREQ=WEEKLY;INTERVAL=2;BYDAY=SU', { from: '2026-11-01' });

    expect(first(window, '2026-11-02T00:00:00Z', 2)).toEqual([
      '2026-11-15T01:00:00Z/2026-11-15T04:00:00Z',
      '2026-11-29T01:00:00Z/2026-11-29T04:00:00Z',
    ]);
  });

  it('ends with COUNT and UNTIL', () => {
    const counted = monthly('FREQ=DAILY;COUNT=2', { from: '2026-11-01' });
    const until = monthly('FREQ=DAILY;UNTIL=20261102', { from: '2026-11-01' });

    for (const window of [counted, until]) {
      expect(first(window, '2026-10-01T00:00:00Z', 5)).toHaveLength(2);
      expect(windowAt(window, at('2026-12-01T00:00:00Z'), 'UTC')).toEqual({
        open: false,
        next: null,
        reason: 'window nights is closed; it does not open again',
      });
    }
  });

  it.each([
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=SU', 'INTERVAL without from'],
    ['FREQ=DAILY;COUNT=3', 'COUNT without from'],
    ['FREQ=DAILY;UNTIL=20270101', 'UNTIL without from'],
    ['FREQ=MONTHLY', 'no day'],
    ['FREQ=WEEKLY', 'no day'],
    ['FREQ=HOURLY', 'hours'],
    ['FREQ=DAILY;BYHOUR=3', 'hours'],
    ['RRULE:FREQ=DAILY', 'a prefix'],
    ['FREQ=DAILY\nDTSTART:20200101', 'another line'],
    ['FREQ=DAILY;FREQ=DAILY', 'twice'],
    ['FREQ=MONTHLY;BYDAY=XX', 'no weekday'],
    ['', 'nothing'],
  ])('refuses "%s" (%s)', (rule) => {
    expect(() => windowAt(monthly(rule), at('2026-11-01T00:00:00Z'), 'UTC')).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
    );
  });

  it('says "never" for a day that does not exist', () => {
    expect(windowAt(monthly('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30'), at('2026-11-01T00:00:00Z'), 'UTC')).toMatchObject({
      open: false,
      next: null,
    });
  });

  it('waits years for 29 February', () => {
    expect(first(monthly('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29'), '2096-03-01T00:00:00Z')).toEqual([
      '2104-02-29T01:00:00Z/2104-02-29T04:00:00Z',
    ]);
  });
});

describe('when days are frozen', () => {
  const freeze = [{ from: '2026-12-18', to: '2027-01-04', reason: 'year end' }];

  it('does not open inside, says why, and opens after', () => {
    const window = nightly({ freeze, timezone: 'Europe/Berlin' });

    expect(windowAt(window, at('2026-12-24T00:30:00Z'), 'UTC')).toEqual({
      open: false,
      next: at('2027-01-05T00:00:00Z'),
      reason:
        'window nights is frozen until 2027-01-05T00:00+01:00[Europe/Berlin] (year end); it opens at 2027-01-05T01:00+01:00[Europe/Berlin]',
    });
  });

  it('closes one that is open when the freeze begins, in the zone of the window', () => {
    const window = nightly({ freeze, timezone: 'America/New_York', start: '23:00' });

    expect(first(window, '2026-12-18T04:30:00Z')).toEqual(['2026-12-18T04:00:00Z/2026-12-18T05:00:00Z']);
    expect(windowAt(window, at('2026-12-18T05:00:00Z'), 'UTC').open).toBe(false);
  });
});

describe('when a window cannot be evaluated', () => {
  it.each([
    ['DOCUMENT_INVALID', nightly({ timezone: 'Europe/Atlantis' }), 'UTC'],
    ['SETTINGS_INVALID', nightly({ timezone: 'host' }), 'Nowhere/At_All'],
    ['DOCUMENT_INVALID', nightly({ for: '0h' }), 'UTC'],
    ['DOCUMENT_INVALID', nightly({ for: '32d' }), 'UTC'],
    ['DOCUMENT_INVALID', nightly({ freeze: [{ from: '2026-12-02', to: '2026-12-01', reason: 'x' }] }), 'UTC'],
  ])('throws %s', (code, window, zone) => {
    expect(() => windowAt(window, at('2026-11-01T00:00:00Z'), zone)).toThrow(expect.objectContaining({ code }));
  });
});
