import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { escaped, folded, icalendar } from './icalendar.ts';

const at = Temporal.Instant.from('2026-11-23T20:15:30.123Z');
const event = {
  uid: 'a@selvage',
  from: '2026-12-08',
  until: '2026-12-10',
  summary: 'Vendor; "x", y',
  description: 'a\nb',
};

describe('when a calendar is written', () => {
  it('it is whole, dated, and ends its lines as the standard says', () => {
    expect(icalendar([event], at)).toBe(
      [
        'BEGIN:VCALENDAR',
        'VERSION:2.0',
        'PRODID:-//Selvage//Release calendar//EN',
        'CALSCALE:GREGORIAN',
        'METHOD:PUBLISH',
        'BEGIN:VEVENT',
        'UID:a@selvage',
        'DTSTAMP:20261123T201530Z',
        'DTSTART;VALUE=DATE:20261208',
        'DTEND;VALUE=DATE:20261211',
        'SUMMARY:Vendor\\; "x"\\, y',
        'DESCRIPTION:a\\nb',
        'TRANSP:TRANSPARENT',
        'END:VEVENT',
        'END:VCALENDAR',
        '',
      ].join('\r\n'),
    );
  });

  it('it has a component also where nothing is to be expected, and no event', () => {
    const lines = icalendar([], at).split('\r\n');

    expect(lines.filter((line) => /^BEGIN:V(?!CALENDAR)/.test(line))).toEqual(['BEGIN:VTIMEZONE']);
    expect(lines.filter((line) => line.startsWith('BEGIN:'))).toHaveLength(
      lines.filter((line) => line.startsWith('END:')).length,
    );
    expect(icalendar([event], at)).not.toContain('VTIMEZONE');
  });

  it('a name cannot begin a line of its own', () => {
    const text = icalendar([{ ...event, summary: 'x\r\nEND:VCALENDAR\rBEGIN:VEVENT\u0000\u001b[31m' }], at);

    expect(text.split('\r\n').filter((line) => line === 'END:VCALENDAR')).toHaveLength(1);
    expect(text.split('\r\n').filter((line) => line.startsWith('BEGIN:VEVENT'))).toHaveLength(1);
    expect([...text].filter((each) => each < ' ' && !'\r\n'.includes(each))).toEqual([]);
  });

  it('no line has more than 75 octets, and unfolded it is what it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400, size: 'max' }), (text) => {
        const line = `SUMMARY:${escaped(text)}`;
        const parts = folded(line).split('\r\n');

        for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(75);
        for (const part of parts.slice(1)) expect(part.startsWith(' ')).toBe(true);
        expect(parts.map((part, index) => (index === 0 ? part : part.slice(1))).join('')).toBe(line);
      }),
    );
  });

  it('lines are full before they are folded, and a character is never cut', () => {
    expect(folded('x'.repeat(75))).toBe('x'.repeat(75));
    expect(folded('x'.repeat(76))).toBe(`${'x'.repeat(75)}\r\n x`);
    expect(folded('x'.repeat(150))).toBe(`${'x'.repeat(75)}\r\n ${'x'.repeat(74)}\r\n x`);
    expect(folded(`${'x'.repeat(74)}ä`)).toBe(`${'x'.repeat(74)}\r\n ä`);
  });

  it('what is escaped is read back', () => {
    const unescaped = (text: string) =>
      text.replace(/\\([\\;,nN])/g, (_, found: string) => (/n/i.test(found) ? '\n' : found));
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~\n]{0,80}$/), (text) => {
        expect(unescaped(escaped(text))).toBe(text);
      }),
    );
  });
});
