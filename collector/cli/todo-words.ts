// Cells of the todo list in words. Pure but for the zone in which times are shown.
import type { z } from 'zod';
import type { fixRow } from '../api/contract/todo.ts';
import { STANDINGS, type Standing } from '../todo/todo.ts';

type Row = z.output<typeof fixRow>;

/** Reasons that fit beside everything else. */
const MAX_REASONS = 3;
/** So far ahead a day needs no year. */
const CLEAR_DAYS = 330;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const WORDS: Readonly<Record<Standing, string>> = {
  failed: 'FAILED',
  refused: 'refused',
  'needs-approval': 'to approve',
  held: 'held',
  silent: 'silent',
  observing: 'observes only',
  imported: 'imported',
  unknown: 'unknown',
  approved: 'approved',
  waiting: 'waits',
};

/** So that the version beside it can be read whole. */
const SHORT: Readonly<Record<string, string>> = {
  ...{ kev: 'KEV', exploited: 'exploited', poc: 'exploit code' },
  ...{ 'security-repository': 'security repo', 'point-release': 'point release' },
};

/** The strongest alone where there is little room. */
export function whyText({ why, closes, closesByDecision }: Row, wide: boolean): string {
  if (why.length === 0 && closes > 0) {
    if (closesByDecision.unknown > 0) return wide ? 'not known if exploited' : 'not known';

    return wide ? 'none exploited' : 'unexploited';
  }

  return why
    .slice(0, wide ? MAX_REASONS : 1)
    .map(({ kind, text }) => (wide ? text : (SHORT[kind] ?? text)))
    .join(', ');
}

export function dueText({ due, overdueDays }: Row, wide: boolean, now: Temporal.Instant): string {
  if (due === null) return '-';

  return overdueDays === null
    ? dayText(Temporal.PlainDate.from(due.date), now)
    : `${wide ? 'OVERDUE' : 'LATE'} ${overdueDays}d`;
}

/** What counts most, with how many where not all stand there. */
export function standingText({ standings, machines, approval }: Row, wide: boolean): string {
  const present = STANDINGS.filter((standing) => standings[standing] !== undefined);
  const texts = present.map((standing) => {
    const count = standings[standing] ?? 0;
    const word =
      standing === 'approved' && approval !== null && wide ? `${WORDS.approved} (${approval.lane})` : WORDS[standing];

    return count === machines ? word : `${count} ${word}`;
  });

  return wide ? texts.join(', ') : (texts[0] ?? '-');
}

export function expectedText(
  { lastHost }: Row,
  { zone, now }: { readonly zone: string; readonly now: Temporal.Instant },
): string {
  const { at, reason } = lastHost;
  if (at === null) return reason === null ? '-' : 'unknown';
  const { hour, minute, ...rest } = partsOf(Temporal.Instant.from(at).toZonedDateTimeISO(zone));
  const two = (value: number) => String(value).padStart(2, '0');

  return `${dayText(rest.date, now)} ${two(hour)}:${two(minute)}${reason === null ? '' : ' +?'}`;
}

function partsOf(time: Temporal.ZonedDateTime) {
  return { date: time.toPlainDate(), hour: time.hour, minute: time.minute };
}

/** `Thu 26 Nov`; with the year from where on the same day comes twice. */
function dayText(date: Temporal.PlainDate, now: Temporal.Instant): string {
  const text = `${WEEKDAYS[date.dayOfWeek - 1]} ${date.day} ${MONTHS[date.month - 1]}`;
  const isFar = now.toZonedDateTimeISO('UTC').toPlainDate().until(date).days >= CLEAR_DAYS;

  return isFar ? `${text} ${date.year}` : text;
}
