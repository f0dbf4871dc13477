import { riskAcceptanceSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { acceptanceAlarms } from './acceptances.ts';
import { SEVERITIES } from './alarms.ts';

const acceptance = riskAcceptanceSample({ from: '2026-11-01', review: '2027-01-15', until: '2027-04-30' });
const at = (text: string) =>
  acceptanceAlarms([acceptance], Temporal.Instant.from(text)).map(({ kind, severity }) => [kind, severity]);

describe('when a risk acceptance comes to its dates', () => {
  it('the review is said two weeks ahead and pressed from its day on', () => {
    expect(at('2026-12-31T23:59:59Z')).toEqual([]);
    expect(at('2027-01-01T00:00:00Z')).toEqual([['risk-acceptance-review', 'warning']]);
    expect(at('2027-01-15T00:00:00Z')).toEqual([['risk-acceptance-review', 'urgent']]);
  });

  it('the end is said thirty days ahead, pressed in the last week, and stays said when it has ended', () => {
    const ends = (text: string) => at(text).filter(([kind]) => kind === 'risk-acceptance');

    expect(ends('2027-03-31T23:59:59Z')).toEqual([]);
    expect(ends('2027-04-01T00:00:00Z')).toEqual([['risk-acceptance', 'warning']]);
    expect(ends('2027-04-24T00:00:00Z')).toEqual([['risk-acceptance', 'urgent']]);
    expect(ends('2028-01-01T00:00:00Z')).toEqual([['risk-acceptance', 'urgent']]);
  });

  it('time alone ends none and makes none milder', () => {
    const severity = (days: number) => {
      const now = Temporal.Instant.from('2026-11-01T00:00:00Z').add({ hours: days * 24 });

      return Math.max(-1, ...acceptanceAlarms([acceptance], now).map((alarm) => SEVERITIES.indexOf(alarm.severity)));
    };
    const over = Array.from({ length: 400 }, (_, day) => severity(day));

    expect(over).toEqual(over.toSorted((one, other) => one - other));
  });
});
