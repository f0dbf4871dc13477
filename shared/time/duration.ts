// Durations as people write them in documents and options: 90s, 10m, 3h, 7d, 2w or ISO 8601. Pure.
import { CodedError } from '../errors/coded-error.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNITS = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS } as const;
const SHORT = /^(\d{1,9})([smhdw])$/;
const ISO = /^P(?=.)(?:(\d{1,9})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/;

/**
 * Milliseconds of `90s`, `10m`, `3h`, `7d`, `2w` or an ISO 8601 duration of days, hours, minutes and seconds.
 * A day is 24 hours: a duration is elapsed time, not a calendar step. Throws DOCUMENT_INVALID.
 */
export function parseDuration(text: string): number {
  const short = SHORT.exec(text);
  if (short) return Number(short[1]) * UNITS[short[2] as keyof typeof UNITS];

  const iso = ISO.exec(text);
  if (!iso) throw new CodedError('DOCUMENT_INVALID', `"${text}" is not a duration such as 30m, 3h, 7d or PT3H`);

  const [days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0));

  return (days ?? 0) * DAY_MS + (hours ?? 0) * HOUR_MS + (minutes ?? 0) * MINUTE_MS + (seconds ?? 0) * SECOND_MS;
}

/** At most two units, largest first: `3h`, `1d 4h`, `12m 30s`, `800ms`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))}ms`;

  const parts: string[] = [];
  let rest = Math.round(ms / SECOND_MS) * SECOND_MS;

  for (const [unit, size] of [
    ['d', DAY_MS],
    ['h', HOUR_MS],
    ['m', MINUTE_MS],
    ['s', SECOND_MS],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }

  return parts.slice(0, 2).join(' ');
}
