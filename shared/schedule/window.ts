// Maintenance windows: is one open now, until when, and when is the next. Used by the runner before each irreversible step
// and by the collector to show what is coming. Pure: the instant and the host's zone are arguments.
import type { WindowDocument } from '../policy/documents.ts';
import { parseDuration } from '../time/duration.ts';
import { freezesOf, isWithin, type Opening, openingOn, thaw } from './opening.ts';
import { datesBetween } from './recurrence.ts';

export type WindowState =
  | { readonly open: true; readonly opened: Temporal.Instant; readonly closes: Temporal.Instant }
  | { readonly open: false; readonly next: Temporal.Instant | null; readonly reason: string };

/** Days looked ahead for the next opening; a rule that has none until then is shown as "no opening". */
const HORIZON_DAYS = 5 * 366;
/** Dates are looked up in pieces, so that the usual answer (within days) does not walk five years. */
const STEP_DAYS = 40;
const DAY_MS = 86_400_000;

/** The zone a window is read in: its own, or the host's where it says `host`. */
export function zoneOf(window: WindowDocument, hostZone: string): string {
  return window.timezone === 'host' ? hostZone : window.timezone;
}

/**
 * Whether the window is open at `now` in the host's IANA zone. Where openings overlap, the one that closes last counts.
 * Throws DOCUMENT_INVALID (a bad rule or duration) and RangeError (an unknown zone): who asks must treat both as closed.
 */
export function windowAt(window: WindowDocument, now: Temporal.Instant, hostZone: string): WindowState {
  const zone = zoneOf(window, hostZone);
  const open = openingsAround(window, now, zone)
    .filter((opening) => isWithin(now, opening))
    .sort((a, b) => Temporal.Instant.compare(b.closes, a.closes))[0];
  if (open) return { open: true, opened: open.opens, closes: open.closes };

  const [next] = nextOpenings(window, now, 1, hostZone);
  const frozen = freezesOf(window, zone).find((freeze) => isWithin(now, freeze));

  return {
    open: false,
    next: next?.opens ?? null,
    reason: frozen ? `frozen: ${frozen.reason}` : next ? `opens ${next.opens}` : 'has no further opening',
  };
}

/** The next `count` openings that begin after `from`, in order; fewer when the rule ends or a freeze covers the rest. */
export function nextOpenings(
  window: WindowDocument,
  from: Temporal.Instant,
  count: number,
  hostZone: string,
): readonly Opening[] {
  const zone = zoneOf(window, hostZone);
  const freezes = freezesOf(window, zone);
  const found: Opening[] = [];
  let first = from
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .subtract({ days: offsetDays(window) });
  const last = first.add({ days: HORIZON_DAYS });

  while (found.length < count && Temporal.PlainDate.compare(first, last) <= 0) {
    const until = first.add({ days: STEP_DAYS - 1 });

    for (const date of datesBetween(window, first, until)) {
      const opening = thaw(openingOn(window, date, zone), freezes);
      if (opening && Temporal.Instant.compare(opening.opens, from) > 0) found.push(opening);
    }
    first = until.add({ days: 1 });
  }

  return found.slice(0, count);
}

/** Every opening that could contain `now`: those that began within `for` before it. */
function openingsAround(window: WindowDocument, now: Temporal.Instant, zone: string): readonly Opening[] {
  const today = now.toZonedDateTimeISO(zone).toPlainDate();
  const back = Math.ceil(parseDuration(window.for) / DAY_MS) + offsetDays(window);
  const freezes = freezesOf(window, zone);

  return datesBetween(window, today.subtract({ days: back }), today).flatMap((date) => {
    const opening = thaw(openingOn(window, date, zone), freezes);

    return opening === null ? [] : [opening];
  });
}

/** Whole days by which an offset may move an opening past its date, plus one for its time of day. */
function offsetDays(window: WindowDocument): number {
  return 1 + Math.ceil((window.offset === undefined ? 0 : parseDuration(window.offset)) / DAY_MS);
}
