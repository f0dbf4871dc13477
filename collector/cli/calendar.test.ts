import { describe, expect, it } from 'vitest';
import { calendarFile, showCalendar, showVendors } from './calendar-page.ts';
import type { Cli } from './cli.ts';
import { createScreen } from './screen.ts';

function onScreen(show: (cli: Cli) => void): string {
  let text = '';
  const stdout = { write: (part: string) => (text += part) };
  show({ screen: createScreen({ stdout, stderr: stdout, env: {} }) } as unknown as Cli);

  return text;
}

const release = {
  ...{ vendor: 'Red Hat', product: 'RedHat:9', from: ['redhat', 'host-updateinfo'], cadence: 'days' as const },
  ...{ words: 'every 5-9 days, median 7', releases: 120, first: '2024-01-02', last: '2026-11-20' },
  knownUntil: '2026-11-23',
  next: { date: '2026-11-27', until: '2026-11-29', lateDays: 0 },
};
const calendar = {
  ...{ now: '2026-11-23T20:00:00Z', complete: true, elsewhere: 3 },
  ends: [
    { ecosystem: 'Debian:12', eol: '2026-07-11', extended: '2028-06-30' },
    { ecosystem: 'Rocky:9', eol: '2027-01-31', extended: null },
    { ecosystem: 'Ubuntu:24.04', eol: '2029-04-25', extended: null },
  ],
  releases: [
    release,
    {
      ...{ ...release, vendor: 'A vendor with a name that is far too long for a screen', product: null },
      ...{ cadence: 'monthly' as const, words: '2nd Tuesday of the month (11 of 12)' },
      next: { date: '2026-12-08', until: '2026-12-08', lateDays: 0 },
    },
    { ...release, vendor: 'Late', next: { date: '2026-11-10', until: '2026-11-12', lateDays: 11 } },
    {
      ...release,
      vendor: 'Some\u001b[31mbody',
      cadence: 'irregular' as const,
      words: 'irregular, median 12 days',
      next: null,
    },
  ],
};

describe('when the calendar is shown', () => {
  it('it fits 80 columns, says what is late and what is irregular, and no name reaches the terminal as it is', () => {
    const text = onScreen((cli) => showCalendar(cli, calendar));
    const lines = text.split('\n');

    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
    expect(lines[1]).toMatch(/^2026-11-27 +Red Hat +RedHat:9 +120 {2}every 5-9 days, median 7$/);
    expect(text).toMatch(/^11 d late +Late/m);
    expect(text).toMatch(/^\? .* irregular/m);
    expect(text).toContain('3 announcements are about what no machine here has');
    expect(text).not.toContain('\u001b');
    expect(text).toContain('Debian:12: regular support ended 2026-07-11, extended until 2028-06-30');
    expect(text).toContain('Rocky:9: regular support ends 2027-01-31');
    expect(text).not.toContain('Ubuntu:24.04: regular');
  });

  it('data that has ended is said with its day, once for each feed', () => {
    const old = { ...release, from: ['osv-debian'], knownUntil: '2025-02-12', next: null };
    const text = onScreen((cli) =>
      showCalendar(cli, { ...calendar, releases: [release, old, { ...old, product: 'b' }] }),
    );

    expect(text.match(/data ends/g)).toHaveLength(1);
    expect(text).toContain('osv-debian: data ends 2025-02-12; what was released since is not known here');
  });

  it('soon after a start it says that it is not all of it', () => {
    expect(onScreen((cli) => showCalendar(cli, { ...calendar, complete: false }))).toContain('not all of it');
    expect(onScreen((cli) => showCalendar(cli, { ...calendar, releases: [] }))).toContain('next: selvage feed list');
  });

  it('as a file it has the expected days only, lines end with CR LF, and what is late is today', () => {
    const text = onScreen((cli) => cli.screen.crlf(calendarFile(calendar)));

    expect(text.split('\r\n').filter((line) => line.startsWith('DTSTART'))).toEqual([
      'DTSTART;VALUE=DATE:20261127',
      'DTSTART;VALUE=DATE:20261208',
      'DTSTART;VALUE=DATE:20261123',
      'DTSTART;VALUE=DATE:20270131',
      'DTSTART;VALUE=DATE:20290425',
    ]);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    expect(text).toContain('(11 days late)');
    expect(text.match(/^UID:.*$/gm)?.length).toBe(5);
  });
});

describe('when days to fixes are shown', () => {
  const row = {
    ...{ vendor: 'AlmaLinux', product: 'AlmaLinux:9', number: 4120, ahead: 12, median: 14, p90: 120 },
    worst: { days: 1401, cve: 'CVE-2019-12345', record: 'ALSA-2023:1' },
    unknown: { publication: 10, fix: 5, open: 2901 },
  };

  it('they fit 80 columns; what is not known is a question mark, and what they cannot say is said', () => {
    const none = { ...row, vendor: 'Debian', product: '', number: 0, median: null, p90: null, worst: null };
    const text = onScreen((cli) =>
      showVendors(cli, {
        now: calendar.now,
        complete: true,
        vendors: [row, none],
        cannot: ['days are counted from …', 'a sentence that says what it is that cannot be said '.repeat(3)],
      }),
    );

    for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    expect(text).toMatch(/AlmaLin\S* +AlmaLin\S* +4,120 +14 +120 +1,401 +CVE-\S+ +15 +2,901/);
    expect(text).toMatch(/Debian +all +0 +\? +\? +\?/);
    expect(text).toContain('days are counted from …');
  });
});
