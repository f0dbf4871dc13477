// How the calendar of releases and the days of vendors look on a screen of 80 columns, and the calendar as a file for other programs.
import type { z } from 'zod';
import type { calendar, vendorReport } from '../api/contract/calendar.ts';
import { icalendar } from '../calendar/icalendar.ts';
import type { Cli } from './cli.ts';
import { brokenAt } from './paragraph.ts';

type Calendar = z.output<typeof calendar>;
type Release = Calendar['releases'][number];
type VendorReport = z.output<typeof vendorReport>;

export function showCalendar(cli: Cli, { releases, ends, elsewhere, complete, now }: Calendar): void {
  const { screen } = cli;
  if (!complete) screen.line('not all machines have been read yet: this is not all of it', 'bad');
  if (releases.length === 0) {
    screen.line('no feed knows of a release of anything that is installed here');
    screen.line('next: selvage feed list');
  } else {
    screen.table(
      [
        { title: 'NEXT' },
        { title: 'VENDOR', shrinks: true },
        { title: 'PRODUCT', shrinks: true },
        { title: 'SEEN', align: 'right' },
        { title: 'RHYTHM' },
      ],
      releases.map((each) => [nextOf(each), each.vendor, each.product ?? 'all', each.releases, each.words]),
    );
    screen.line('rhythm: as seen in releases of the last three years; none is known beforehand', 'dim');
    showOldData(cli, releases, now.slice(0, 10));
  }
  const today = now.slice(0, 10);
  for (const { ecosystem, eol, extended } of ends) {
    const isOver = eol === true || (typeof eol === 'string' && eol < today);
    if (!isOver && (typeof eol !== 'string' || eol > soon(today))) continue;
    const when = typeof eol === 'string' ? `${isOver ? 'ended' : 'ends'} ${eol}` : 'has ended';
    const longer = typeof extended === 'string' ? `, extended until ${extended}` : '';
    screen.line(`${ecosystem}: regular support ${when}${longer}`, isOver ? 'bad' : 'strong');
  }
  if (elsewhere > 0) screen.line(`${elsewhere} announcements are about what no machine here has`, 'dim');
}

/** Whoever was silent since then may have released every day. */
function showOldData({ screen }: Cli, releases: readonly Release[], today: string): void {
  const old = releases.filter(({ knownUntil }) => knownUntil < today);
  const ends = new Map(old.map(({ from, knownUntil }) => [from.join(', '), knownUntil]));
  for (const [feeds, day] of ends) {
    const text = `${feeds}: data ends ${day}; what was released since is not known here`;
    for (const line of brokenAt(text, screen.width)) screen.line(line, 'bad');
  }
}

/** Ends are said from half a year before on: a release is not changed in a week. */
function soon(today: string): string {
  return Temporal.PlainDate.from(today).add({ months: 6 }).toString();
}

function nextOf({ next }: Release): string {
  if (next === null) return '?';

  return next.lateDays > 0 ? `${next.lateDays} d late` : next.date;
}

/** Releases that are to be expected, one whole day or the days between the usual and the longest gap. */
export function calendarFile({ releases, ends, now }: Calendar): string {
  const today = now.slice(0, 10);
  const events = releases.flatMap(({ vendor, product, next, words, releases: seen, last, from, knownUntil }) => {
    if (next === null) return [];
    // What ought to have come is expected today.
    const isOver = next.until < today;
    const late = next.lateDays > 0 ? ` (${next.lateDays} days late)` : '';
    const name = product === null ? vendor : `${vendor} ${product}`;

    return [
      {
        uid: `${encodeURIComponent(name)}-${next.date}@selvage`,
        ...(isOver ? { from: today, until: today } : { from: next.date, until: next.until }),
        summary: `${name}: release expected${late}`,
        description: `${words}\nseen in ${seen} releases, the last on ${last ?? 'no day'}\nfeeds: ${from.join(', ')}, known until ${knownUntil}`,
      },
    ];
  });

  const over = ends.flatMap(({ ecosystem, eol }) =>
    typeof eol === 'string' && eol >= today
      ? [
          {
            ...{ uid: `${encodeURIComponent(ecosystem)}-end@selvage`, from: eol, until: eol },
            ...{ summary: `${ecosystem}: regular support ends`, description: 'endoflife.date' },
          },
        ]
      : [],
  );

  return icalendar([...events, ...over], Temporal.Instant.from(now));
}

export function showVendors(cli: Cli, { vendors, cannot, complete }: VendorReport): void {
  const { screen } = cli;
  if (!complete) screen.line('not all machines have been read yet: this is not all of it', 'bad');
  if (vendors.length === 0) {
    screen.line('no feed knows of a fix of anything that is installed here');
    screen.line('next: selvage feed list');
    return;
  }
  screen.line('days from the publication of a CVE to its fix', 'strong');
  screen.table(
    [
      { title: 'VENDOR', shrinks: true },
      { title: 'PRODUCT', shrinks: true },
      { title: 'CVES', align: 'right' },
      { title: 'MEDIAN', align: 'right' },
      { title: 'P90', align: 'right' },
      { title: 'WORST', align: 'right' },
      { title: 'WHICH', shrinks: true },
      { title: 'NO DATE', align: 'right' },
      { title: 'OPEN', align: 'right' },
    ],
    vendors.map(({ vendor, product, number, median, p90, worst, unknown }) => [
      ...[vendor, product === '' ? 'all' : product, number, median, p90, worst?.days ?? null],
      ...[worst?.cve ?? '', unknown.publication + unknown.fix, unknown.open],
    ]),
  );
  for (const sentence of cannot) for (const line of brokenAt(sentence, screen.width)) screen.line(line, 'dim');
}
