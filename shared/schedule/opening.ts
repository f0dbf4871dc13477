// One opening of a window: from which instant to which, in a zone, with daylight saving time and freezes. Pure.
import type { WindowDocument } from '../policy/documents.ts';
import { parseDuration } from '../time/duration.ts';

export interface Opening {
  readonly opens: Temporal.Instant;
  readonly closes: Temporal.Instant;
}

export interface Freeze extends Opening {
  readonly reason: string;
}

/**
 * The opening of the occurrence on `date`. A start in the hour that a zone skips opens at the first instant after the
 * gap; in the hour that is repeated, the first time. `for` is elapsed time, so a window of 3h lasts 3h in every night.
 */
export function openingOn(window: WindowDocument, date: Temporal.PlainDate, zone: string): Opening {
  const offset = { milliseconds: window.offset === undefined ? 0 : parseDuration(window.offset) };
  const local = date.toPlainDateTime(Temporal.PlainTime.from(window.start)).add(offset);
  const opens = instantOf(local, zone);

  return { opens, closes: opens.add({ milliseconds: parseDuration(window.for) }) };
}

function instantOf(local: Temporal.PlainDateTime, zone: string): Temporal.Instant {
  const earlier = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  if (earlier.toPlainDateTime().equals(local)) return earlier.toInstant();

  // The local time does not exist: `earlier` lies before the gap, and the zone's next change is the end of it.
  return earlier.getTimeZoneTransition('next')?.toInstant() ?? local.toZonedDateTime(zone).toInstant();
}

/** Freezes as instants: from the start of the first day to the end of the last, in the window's zone. */
export function freezesOf(window: WindowDocument, zone: string): readonly Freeze[] {
  return window.freeze.map(({ from, to, reason }) => ({
    opens: startOfDay(Temporal.PlainDate.from(from), zone),
    closes: startOfDay(Temporal.PlainDate.from(to).add({ days: 1 }), zone),
    reason,
  }));
}

/** What a freeze leaves of an opening: nothing when it would open inside one; it closes where a freeze begins. */
export function thaw(opening: Opening, freezes: readonly Freeze[]): Opening | null {
  let { closes } = opening;

  for (const freeze of freezes) {
    if (isWithin(opening.opens, freeze)) return null;
    if (isWithin(freeze.opens, { opens: opening.opens, closes })) closes = freeze.opens;
  }

  return { opens: opening.opens, closes };
}

/** True in [opens, closes): the closing instant itself is outside. */
export function isWithin(instant: Temporal.Instant, { opens, closes }: Opening): boolean {
  return Temporal.Instant.compare(opens, instant) <= 0 && Temporal.Instant.compare(instant, closes) < 0;
}

function startOfDay(date: Temporal.PlainDate, zone: string): Temporal.Instant {
  return date.toZonedDateTime(zone).startOfDay().toInstant();
}
