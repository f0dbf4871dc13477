// An iCalendar of expected releases, RFC 5545. Pure.

export interface CalendarEvent {
  /** The same for the same event in the next file. */
  readonly uid: string;
  /** Whole days in UTC, the last one included. */
  readonly from: string;
  readonly until: string;
  readonly summary: string;
  readonly description: string;
}

/** Octets of a line without its end, RFC 5545 section 3.1. */
const MAX_OCTETS = 75;
const PRODUCT = '-//Selvage//Release calendar//EN';

/** A calendar needs at least one component, section 3.6: the zone that whole days here are of. */
const NOTHING = [
  'BEGIN:VTIMEZONE',
  'TZID:Etc/UTC',
  'BEGIN:STANDARD',
  'DTSTART:19700101T000000',
  'TZOFFSETFROM:+0000',
  'TZOFFSETTO:+0000',
  'END:STANDARD',
  'END:VTIMEZONE',
];

/** `stamp`: when this was worked out. */
export function icalendar(events: readonly CalendarEvent[], stamp: Temporal.Instant): string {
  const at = `${stamp.round('second').toString().replace(/[-:]/g, '').replace(/\.\d+/, '')}`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    `PRODID:${PRODUCT}`,
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    ...events.flatMap(({ uid, from, until, summary, description }) => [
      'BEGIN:VEVENT',
      `UID:${escaped(uid)}`,
      `DTSTAMP:${at}`,
      `DTSTART;VALUE=DATE:${from.replaceAll('-', '')}`,
      // The end is not part of it, section 3.6.1.
      `DTEND;VALUE=DATE:${Temporal.PlainDate.from(until).add({ days: 1 }).toString().replaceAll('-', '')}`,
      `SUMMARY:${escaped(summary)}`,
      `DESCRIPTION:${escaped(description)}`,
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
    ]),
    ...(events.length === 0 ? NOTHING : []),
    'END:VCALENDAR',
  ];

  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

/** Section 3.3.11: backslash, semicolon, comma, line ends; other control characters may not be in it at all. */
export function escaped(text: string): string {
  const lines = text.replace(/\r\n?/g, '\n');
  const allowed = [...lines]
    .filter((each) => (each >= ' ' && each !== '\u007f') || each === '\n' || each === '\t')
    .join('');

  return allowed.replace(/[\\;,]/g, (found) => `\\${found}`).replace(/\n/g, '\\n');
}

/** Never within a character: continued lines begin with a space, which counts. */
export function folded(line: string): string {
  const parts: string[] = [];
  let part = '';
  let octets = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > MAX_OCTETS) {
      parts.push(part);
      part = ' ';
      octets = 1;
    }
    part += character;
    octets += size;
  }

  return [...parts, part].join('\r\n');
}
