// Small readings that feeds share: ids of CVEs, times, bounded texts. Pure; what cannot be read is null, never a guess.
import type { Timestamp } from '@selvage/shared/model/ids.ts';

/** As the CVE programme writes it: a year and at least four digits. */
export const CVE_ID = /^CVE-\d{4}-\d{4,19}$/;
const CVE_IN_TEXT = /\bCVE-\d{4}-\d{4,19}\b/gi;
/** CVEs of one announcement; a month of Windows updates names some 200. */
const MAX_CVES = 5000;
/** Times outside of this are mistakes: nothing was announced before computers, and a feed has no future. */
const FIRST_YEAR = 1980;
const LAST_YEAR = 2100;

/** Each once, in upper case, in their order. */
export function cvesIn(...texts: readonly (string | null | undefined)[]): readonly string[] {
  const found = new Set<string>();
  for (const text of texts) {
    for (const [id] of (text ?? '').matchAll(CVE_IN_TEXT)) {
      found.add(id.toUpperCase());
      if (found.size >= MAX_CVES) return [...found];
    }
  }

  return [...found];
}

/** As most feeds write a time, and as it is kept: in UTC, without needless fractions; a leap second is none of these. */
const PLAIN_TIME = /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{0,8}[1-9])?Z$/;

/**
 * RFC 3339, `2024-02-14 00:00:00` (rpm's, in UTC), a date, or seconds since 1970. Null for what is none or is outside of 1980 to 2100.
 */
export function timeOf(text: string | null | undefined): Timestamp | null {
  if (text === null || text === undefined || text.length > 64) return null;
  // Some hundred thousand of them: making an instant of each would be a fifth of reading a feed.
  if (isPlainTime(text)) return text;
  const trimmed = text.trim();
  if (/^\d{9,11}$/.test(trimmed)) return within(() => Temporal.Instant.fromEpochMilliseconds(Number(trimmed) * 1000));
  const date = /^(\d{4}-\d{2}-\d{2})$/.exec(trimmed)?.[1];
  if (date) return within(() => Temporal.Instant.from(`${date}T00:00:00Z`));
  const parts = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?$/i.exec(
    trimmed,
  );
  if (!parts) return null;
  const zone = parts[3] === undefined || parts[3].toUpperCase() === 'UTC' ? 'Z' : parts[3];

  return within(() => Temporal.Instant.from(`${parts[1]}T${parts[2]}${zone}`));
}

/** Days beyond the 28th are left to the calendar. */
function isPlainTime(text: string): text is Timestamp {
  const [, year = '', month = '', day = ''] = PLAIN_TIME.exec(text) ?? [];

  if (year === '' || day < '01' || day > '28' || month < '01' || month > '12') return false;

  return Number(year) >= FIRST_YEAR && Number(year) < LAST_YEAR;
}

/** Length of a time to its second: up to there times in UTC sort as text, with fractions they do not. */
const SECOND_LENGTH = 19;

/** The order of two times. */
export function compareTimes(one: Timestamp, other: Timestamp): number {
  const [first, second] = [one.slice(0, SECOND_LENGTH), other.slice(0, SECOND_LENGTH)];
  if (first !== second && one.endsWith('Z') && other.endsWith('Z')) return first < second ? -1 : 1;

  return one === other ? 0 : Temporal.Instant.compare(one, other);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const ZONES: Readonly<Record<string, string>> = {
  ...{ ut: 'Z', utc: 'Z', gmt: 'Z', z: 'Z', est: '-05:00', edt: '-04:00' },
  ...{ cst: '-06:00', cdt: '-05:00', mst: '-07:00', mdt: '-06:00', pst: '-08:00', pdt: '-07:00' },
};
const MAIL_TIME =
  /^(?:[A-Za-z]{3,9},\s*)?(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4}|\d{2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[A-Za-z]{1,5})?/;

/**
 * RFC 5322 (mails, RSS): `Tue, 13 Aug 2024 17:00:00 GMT`, and its section 4.3: years of two digits, and zones of letters that nobody knows
 * for certain (CEST, BST), which count as UTC. Null as above.
 */
export function mailTimeOf(text: string | null | undefined): Timestamp | null {
  const parts = text && text.length <= 100 ? MAIL_TIME.exec(text.trim()) : null;
  if (!parts) return null;
  const [, day = '', month = '', written = '', hour = '', minute, second = '00', zone = 'gmt'] = parts;
  const number = MONTHS.indexOf(month.toLowerCase()) + 1;
  const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : (ZONES[zone.toLowerCase()] ?? 'Z');
  if (number === 0) return null;
  const year = written.length === 4 ? written : `${Number(written) < 50 ? 20 : 19}${written}`;
  const two = (value: string | number) => String(value).padStart(2, '0');

  return within(() =>
    Temporal.Instant.from(`${year}-${two(number)}-${two(day)}T${two(hour)}:${minute}:${second}${offset}`),
  );
}

/** A calendar date as it stands, or the date of a time; null for what is none. */
export function dateOf(text: string | null | undefined): string | null {
  return timeOf(text)?.slice(0, 10) ?? null;
}

/** In one line and at most so long; a cut is marked. */
export function shortened(text: string, max: number): string {
  // Cut before spaces are made one: a text of megabytes is not looked at whole.
  const line = text
    .slice(0, max * 4)
    .replace(/\s+/g, ' ')
    .trim();

  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}

function within(read: () => Temporal.Instant): Timestamp | null {
  try {
    const time = read();
    const year = time.toZonedDateTimeISO('UTC').year;

    return year >= FIRST_YEAR && year < LAST_YEAR ? (time.toString() as Timestamp) : null;
  } catch {
    // A date that no calendar has (30 February): not known, like any other text.
    return null;
  }
}
