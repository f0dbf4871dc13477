// Which calendar days a window begins on: `days`, or an RFC 5545 rule. The one door to rrule-temporal. Days only: it is
// asked in UTC at midnight, where no hour is missing or doubled; ./window.ts turns days into instants. Pure.
import { RRuleTemporal } from 'rrule-temporal';
import { CodedError } from '../errors/coded-error.ts';
import type { WindowDocument } from '../policy/documents.ts';

/** Days from `first` to `last`, both included, in order. */
export type DaysBetween = (first: Temporal.PlainDate, last: Temporal.PlainDate) => readonly Temporal.PlainDate[];

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** Parts that name days. What names hours is refused: the hour is `start`. */
const PARTS = [
  'FREQ',
  'INTERVAL',
  'COUNT',
  'UNTIL',
  'BYDAY',
  'BYMONTH',
  'BYMONTHDAY',
  'BYYEARDAY',
  'BYWEEKNO',
  'BYSETPOS',
  'WKST',
];
const FREQUENCIES = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
const NEED_FROM = ['INTERVAL', 'COUNT', 'UNTIL'];
const PART = /^([A-Z]+)=([A-Z0-9,+-]+)$/;
/** Steps the library may take in one question: a rule that matches no day ever must end. */
const MAX_STEPS = 20_000;

/** The days of a window. Throws DOCUMENT_INVALID when its rule cannot be evaluated. */
export function daysOf(window: WindowDocument): DaysBetween {
  if (window.recurrence !== undefined) return recurring(window.recurrence, window.from);
  const wanted = new Set((window.days ?? []).map((day) => WEEKDAYS.indexOf(day) + 1));
  const from = window.from === undefined ? null : Temporal.PlainDate.from(window.from);

  return (first, last) => {
    const days: Temporal.PlainDate[] = [];
    for (let day = first; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) {
      const begun = from === null || Temporal.PlainDate.compare(day, from) >= 0;
      if (begun && wanted.has(day.dayOfWeek)) days.push(day);
    }

    return days;
  };
}

function recurring(rule: string, from: string | undefined): DaysBetween {
  const parts = partsOf(rule);
  if (from === undefined) checkNeedsNoFrom(rule, parts);
  else ruleFrom(rule, Temporal.PlainDate.from(from));

  return (first, last) => {
    // Without `from` the rule does not depend on where it starts; the year before keeps whole periods.
    const start =
      from === undefined
        ? Temporal.PlainDate.from({ year: first.year - 1, month: 1, day: 1 })
        : Temporal.PlainDate.from(from);
    if (Temporal.PlainDate.compare(start, last) > 0) return [];
    const compiled = ruleFrom(rule, start);
    try {
      return compiled
        .between(midnight(first), midnight(last), true)
        .map((found) => Temporal.PlainDate.from(found.toString().slice(0, 10)));
    } catch (cause) {
      throw invalid(`the recurrence "${rule}" cannot be evaluated`, cause);
    }
  };
}

function partsOf(rule: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();

  for (const text of rule.split(';')) {
    const match = PART.exec(text);
    const [, name = '', value = ''] = match ?? [];
    if (!PARTS.includes(name)) throw invalid(`"${text}" in the recurrence is not one of ${PARTS.join(', ')}`);
    if (parts.has(name)) throw invalid(`${name} is given twice in the recurrence`);
    parts.set(name, value);
  }
  if (!FREQUENCIES.includes(parts.get('FREQ') ?? '')) {
    throw invalid(`the recurrence needs FREQ, one of ${FREQUENCIES.join(', ')}`);
  }

  return parts;
}

/** INTERVAL, COUNT and UNTIL count from a first day; so do rules that take their day from it (RFC 5545, 3.3.10). */
function checkNeedsNoFrom(rule: string, parts: ReadonlyMap<string, string>): void {
  const counting = NEED_FROM.filter((part) => parts.has(part));
  if (counting.length > 0) throw invalid(`"from" is required with ${counting.join(', ')} in the recurrence "${rule}"`);

  const names = (...wanted: readonly string[]) => wanted.some((part) => parts.has(part));
  const frequency = parts.get('FREQ');
  const whole =
    frequency === 'DAILY' ||
    (frequency === 'WEEKLY' && names('BYDAY')) ||
    (frequency === 'MONTHLY' && names('BYDAY', 'BYMONTHDAY')) ||
    (frequency === 'YEARLY' && (names('BYYEARDAY', 'BYDAY') || (names('BYMONTH') && names('BYMONTHDAY'))));
  if (!whole) throw invalid(`"from" is required: the recurrence "${rule}" does not say on which day`);
}

function ruleFrom(rule: string, start: Temporal.PlainDate): RRuleTemporal {
  try {
    return new RRuleTemporal({ rruleString: rule, dtstart: midnight(start), maxIterations: MAX_STEPS });
  } catch (cause) {
    throw invalid(`the recurrence "${rule}" is not a rule of RFC 5545`, cause);
  }
}

function midnight(day: Temporal.PlainDate): Temporal.ZonedDateTime {
  return day.toZonedDateTime('UTC');
}

function invalid(message: string, cause?: unknown): CodedError {
  return new CodedError('DOCUMENT_INVALID', message, { cause });
}
