// When a maintenance window is open. Pure: the same document, instant and zone always give the same answer.
// Wall time decides when it opens (a start inside a DST gap: the first instant after the gap; in the repeated hour: the
// first time); `for` is elapsed time; days of `freeze` are days of the window's zone. An unknown zone is an error, never "open".
import { CodedError } from '../errors/coded-error.ts';
import type { WindowDocument } from '../policy/documents.ts';
import { parseDuration } from '../time/duration.ts';
import { type DaysBetween, daysOf } from './recurrence.ts';

export interface Opening {
  readonly opened: Temporal.Instant;
  /** First instant at which it is closed again. */
  readonly closes: Temporal.Instant;
}

export type WindowState =
  | ({ readonly open: true } & Opening)
  | {
      readonly open: false;
      /** Null when it does not open again within HORIZON_DAYS. */
      readonly next: Temporal.Instant | null;
      readonly reason: string;
    };

/** How far ahead is looked: a rule for 29 February can be silent for eight years. */
const HORIZON_DAYS = 3660;
/** A window that is open for longer is no window. */
const MAX_WINDOW_MS = 31 * 24 * 3_600_000;
/** Days looked at in one go. */
const STRIDE_DAYS = 61;
const DAY_MS = 24 * 3_600_000;
/** No zone moves a wall clock by more than a day (Samoa skipped one). */
const SLACK_DAYS = 2;

interface Compiled {
  readonly zone: string;
  readonly days: DaysBetween;
  readonly start: Temporal.PlainTime;
  readonly forMs: number;
  /** `offset` as whole days on the calendar, and the rest as elapsed time. */
  readonly offsetDays: number;
  readonly offsetMs: number;
  readonly freezes: readonly Freeze[];
}

interface Freeze {
  readonly begins: Temporal.Instant;
  readonly ends: Temporal.Instant;
  readonly reason: string;
}

/**
 * Whether the window is open at `now`, since when and until when; else when it opens next and why it is closed.
 * `hostZone` is the IANA zone of the host, used when the document says `host`. Throws DOCUMENT_INVALID when the document
 * cannot be evaluated, SETTINGS_INVALID when the host's zone is not known.
 */
export function windowAt(window: WindowDocument, now: Temporal.Instant, hostZone: string): WindowState {
  const compiled = compile(window, hostZone);
  let current: Opening | null = null;
  let next: Temporal.Instant | null = null;

  for (const opening of openings(compiled, now)) {
    if (isAfter(opening.opened, now)) {
      next = opening.opened;
      break;
    }
    // Several may hold at once where `for` is longer than the days between: the one that lasts longest counts.
    if (current === null || isAfter(opening.closes, current.closes)) current = opening;
  }
  if (current !== null) return { open: true, ...current };

  return { open: false, next, reason: reasonClosed(window, compiled, now, next) };
}

/** At most `count` openings that have not ended at `from`, in order; the first may have begun before. */
export function nextOpenings(
  window: WindowDocument,
  from: Temporal.Instant,
  count: number,
  hostZone: string,
): readonly Opening[] {
  const found: Opening[] = [];
  if (count < 1) return found;

  for (const opening of openings(compile(window, hostZone), from)) {
    found.push(opening);
    if (found.length >= count) break;
  }

  return found;
}

/** Throws DOCUMENT_INVALID when the window could not be evaluated on a host: what `policy push` refuses. */
export function assertWindow(window: WindowDocument): void {
  compile(window, 'UTC').days(Temporal.PlainDate.from('2026-01-01'), Temporal.PlainDate.from('2026-03-01'));
}

/** Openings that end after `from`, in order of opening, up to the horizon. */
function* openings(window: Compiled, from: Temporal.Instant): Generator<Opening> {
  const earliest = from.subtract({ milliseconds: window.forMs + window.offsetMs });
  const origin = dateIn(earliest, window.zone).subtract({ days: window.offsetDays + SLACK_DAYS });
  let last: Temporal.Instant | null = null;

  for (let passed = 0; passed < HORIZON_DAYS; passed += STRIDE_DAYS) {
    const first = origin.add({ days: passed });
    for (const day of window.days(first, first.add({ days: STRIDE_DAYS - 1 }))) {
      const opening = openingOf(window, day);
      // Two days can open at one instant where a zone skipped a day.
      if (opening === null || (last !== null && Temporal.Instant.compare(opening.opened, last) === 0)) continue;
      if (!isAfter(opening.closes, from)) continue;
      last = opening.opened;
      yield opening;
    }
  }
}

/** Null when it would open inside a freeze. One that is open when a freeze begins closes then. */
function openingOf(window: Compiled, day: Temporal.PlainDate): Opening | null {
  const wall = day.add({ days: window.offsetDays }).toPlainDateTime(window.start);
  const opened = instantOf(wall, window.zone).add({ milliseconds: window.offsetMs });
  let closes = opened.add({ milliseconds: window.forMs });

  for (const freeze of window.freezes) {
    if (frozen(freeze, opened)) return null;
    if (isAfter(freeze.begins, opened) && isAfter(closes, freeze.begins)) closes = freeze.begins;
  }

  return { opened, closes };
}

/** The instant of a wall time: inside a gap the first one after it, of two equal wall times the first. */
function instantOf(wall: Temporal.PlainDateTime, zone: string): Temporal.Instant {
  const found = wall.toZonedDateTime(zone, { disambiguation: 'earlier' });
  if (found.toPlainDateTime().equals(wall)) return found.toInstant();
  const transition = found.getTimeZoneTransition('next');
  if (!transition) throw new CodedError('INTERNAL', `${wall} does not exist in ${zone}, and no transition follows`);

  return transition.toInstant();
}

function compile(window: WindowDocument, hostZone: string): Compiled {
  const forMs = parseDuration(window.for);
  if (forMs <= 0 || forMs > MAX_WINDOW_MS) {
    throw new CodedError('DOCUMENT_INVALID', `"for: ${window.for}" is not a length between 1s and 31d`);
  }
  const offset = window.offset === undefined ? 0 : parseDuration(window.offset);
  if (offset > MAX_WINDOW_MS) throw new CodedError('DOCUMENT_INVALID', `"offset: ${window.offset}" is more than 31d`);
  const zone = zoneOf(window, hostZone);

  return {
    zone,
    days: daysOf(window),
    start: Temporal.PlainTime.from(window.start),
    forMs,
    offsetDays: Math.floor(offset / DAY_MS),
    offsetMs: offset % DAY_MS,
    freezes: window.freeze.map((freeze) => freezeOf(freeze, zone)),
  };
}

function zoneOf(window: WindowDocument, hostZone: string): string {
  const zone = window.timezone === 'host' ? hostZone : window.timezone;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId;
  } catch (cause) {
    const code = window.timezone === 'host' ? 'SETTINGS_INVALID' : 'DOCUMENT_INVALID';
    throw new CodedError(code, `"${zone}" is not a time zone of the IANA database`, { cause });
  }
}

function freezeOf({ from, to, reason }: WindowDocument['freeze'][number], zone: string): Freeze {
  const [first, last] = [Temporal.PlainDate.from(from), Temporal.PlainDate.from(to)];
  if (Temporal.PlainDate.compare(first, last) > 0) {
    throw new CodedError('DOCUMENT_INVALID', `the freeze from ${from} ends before it begins, at ${to}`);
  }

  return {
    begins: first.toZonedDateTime(zone).toInstant(),
    ends: last.add({ days: 1 }).toZonedDateTime(zone).toInstant(),
    reason,
  };
}

function reasonClosed(
  window: WindowDocument,
  compiled: Compiled,
  now: Temporal.Instant,
  next: Temporal.Instant | null,
): string {
  const freeze = compiled.freezes.find((candidate) => frozen(candidate, now));
  const opens = next === null ? 'it does not open again' : `it opens at ${shown(next, compiled.zone)}`;
  if (freeze)
    return `window ${window.name} is frozen until ${shown(freeze.ends, compiled.zone)} (${freeze.reason}); ${opens}`;

  return `window ${window.name} is closed; ${opens}`;
}

function shown(instant: Temporal.Instant, zone: string): string {
  return instant.toZonedDateTimeISO(zone).toString({ smallestUnit: 'minute', offset: 'auto' });
}

function frozen(freeze: Freeze, at: Temporal.Instant): boolean {
  return !isAfter(freeze.begins, at) && isAfter(freeze.ends, at);
}

function isAfter(a: Temporal.Instant, b: Temporal.Instant): boolean {
  return Temporal.Instant.compare(a, b) > 0;
}

function dateIn(instant: Temporal.Instant, zone: string): Temporal.PlainDate {
  return instant.toZonedDateTimeISO(zone).toPlainDate();
}
