// Instants as people read them, in this machine's zone.
import type { Clock } from '@selvage/shared/time/clock.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';

interface Viewer {
  readonly clock: Clock;
  readonly zone: string;
}

/** `2026-11-23 10:44 (in 7h 59m)`; `never` for null. */
export function ago(instant: string | null, viewer: Viewer): string {
  if (instant === null) return 'never';
  const ms = Temporal.Instant.from(instant).epochMilliseconds - viewer.clock.now().epochMilliseconds;
  const distance = formatDuration(Math.abs(ms));

  return `${at(instant, viewer)} (${ms >= 0 ? `in ${distance}` : `${distance} ago`})`;
}

/** `3h ago`, for narrow columns; `never` for null. */
export function since(instant: string | null, viewer: Viewer): string {
  if (instant === null) return 'never';
  const ms = viewer.clock.now().epochMilliseconds - Temporal.Instant.from(instant).epochMilliseconds;
  const [largest] = formatDuration(ms).split(' ');

  return ms < 1000 ? 'now' : `${largest} ago`;
}

/** `in 8h` or `3h ago`, for narrow columns. */
export function until(instant: string, viewer: Viewer): string {
  const ms = Temporal.Instant.from(instant).epochMilliseconds - viewer.clock.now().epochMilliseconds;
  const [largest] = formatDuration(ms).split(' ');

  return ms <= 0 ? since(instant, viewer) : `in ${largest}`;
}

/** `2026-11-23 10:44`. */
export function at(instant: string, { zone }: Viewer): string {
  const { year, month, day, hour, minute } = Temporal.Instant.from(instant).toZonedDateTimeISO(zone);
  const two = (value: number) => String(value).padStart(2, '0');

  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}`;
}
