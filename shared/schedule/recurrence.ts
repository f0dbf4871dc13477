// The dates on which a window opens: listed weekdays, or an RFC 5545 rule over dates. The one door to rrule-temporal.
// Dates only: the time of day and the zone are applied in ./opening.ts, because a rule run on local times loses the
// occurrence that falls into the hour a zone skips in spring.
import { RRuleTemporal } from 'rrule-temporal';
import { CodedError } from '../errors/coded-error.ts';
import type { WindowDocument } from '../policy/documents.ts';

const WEEKDAYS = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 7 } as const;
/** RFC 5545 section 3.3.10; the parts that speak of a time of day belong to `start`. */
const DATE_PARTS = [
  'FREQ',
  'INTERVAL',
  'COUNT',
  'UNTIL',
  'BYDAY',
  'BYMONTHDAY',
  'BYYEARDAY',
  'BYWEEKNO',
  'BYMONTH',
  'BYSETPOS',
  'WKST',
];
const DATE_FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY'];
/** These count from a first date, so they mean nothing without one. */
const NEEDS_FROM = ['INTERVAL', 'COUNT', 'UNTIL'];
/** Without one of these, the day is the one of the first date. */
const DAY_PARTS = ['BYDAY', 'BYMONTHDAY', 'BYYEARDAY', 'BYWEEKNO'];

/** Dates in [first, last] on which the window has an occurrence, in order. Throws DOCUMENT_INVALID for a bad rule. */
export function datesBetween(
  window: Pick<WindowDocument, 'days' | 'recurrence' | 'from'>,
  first: Temporal.PlainDate,
  last: Temporal.PlainDate,
): readonly Temporal.PlainDate[] {
  const start = window.from === undefined ? null : Temporal.PlainDate.from(window.from);
  const begin = start !== null && Temporal.PlainDate.compare(start, first) > 0 ? start : first;
  if (Temporal.PlainDate.compare(begin, last) > 0) return [];
  if (window.recurrence === undefined) return weekdays(window.days ?? [], begin, last);

  // A rule that does not count from a first date is the same from any; the year before is far enough for every BY part.
  const anchor = start ?? Temporal.PlainDate.from({ year: first.year - 1, month: 1, day: 1 });
  const rule = readRule(window.recurrence, anchor, window.from !== undefined);

  return rule
    .between(midnight(begin), midnight(last), true)
    .map((occurrence) => Temporal.PlainDate.from(occurrence.toPlainDate().toString()));
}

/** Throws DOCUMENT_INVALID when the rule is not one that ./recurrence can follow; for checking a document. */
export function checkRecurrence(recurrence: string, from: string | undefined): void {
  readRule(recurrence, Temporal.PlainDate.from(from ?? '2000-01-01'), from !== undefined);
}

function readRule(recurrence: string, anchor: Temporal.PlainDate, hasFrom: boolean): RRuleTemporal {
  const parts = recurrence.split(';').map((part) => part.split('=')[0] ?? '');
  const refuse = (why: string, cause?: unknown): never => {
    throw new CodedError('DOCUMENT_INVALID', `recurrence "${recurrence}": ${why}`, { cause });
  };

  const unknown = parts.filter((part) => !DATE_PARTS.includes(part));
  if (unknown.length > 0) refuse(`${unknown.join(', ')} is not a part of a rule over dates (RFC 5545 section 3.3.10)`);
  if (new Set(parts).size !== parts.length) refuse('a part is named twice');
  const frequency = /(?:^|;)FREQ=([A-Z]+)/.exec(recurrence)?.[1] ?? '';
  if (!DATE_FREQUENCIES.includes(frequency)) refuse(`FREQ is one of ${DATE_FREQUENCIES.join(', ')}`);
  const counting = parts.filter((part) => NEEDS_FROM.includes(part));
  if (!hasFrom && counting.length > 0) refuse(`${counting.join(', ')} needs "from", the date to count from`);
  if (!hasFrom && frequency !== 'DAILY' && !parts.some((part) => DAY_PARTS.includes(part))) {
    refuse(`without ${DAY_PARTS.join(', ')} it needs "from", the date whose day it repeats`);
  }

  try {
    return new RRuleTemporal({ rruleString: `DTSTART:${compact(anchor)}T000000Z\nRRULE:${recurrence}` });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), error);
  }
}

function weekdays(
  days: NonNullable<WindowDocument['days']>,
  first: Temporal.PlainDate,
  last: Temporal.PlainDate,
): readonly Temporal.PlainDate[] {
  const wanted = new Set<number>(days.map((day) => WEEKDAYS[day]));
  const count = first.until(last).days + 1;

  return Array.from({ length: count }, (_, index) => first.add({ days: index })).filter((date) =>
    wanted.has(date.dayOfWeek),
  );
}

function midnight(date: Temporal.PlainDate): Temporal.ZonedDateTime {
  return date.toZonedDateTime({ timeZone: 'UTC' });
}

function compact(date: Temporal.PlainDate): string {
  return date.toString().replaceAll('-', '');
}
