// The earliest date of those that somebody names, and whose it is.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { type DuePolicy, type DueQuestion, dueCandidates, dueOf } from './due.ts';
import { realCves } from './testing/real-facts.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const policy = (name: string, days: Readonly<Record<string, number>>): DuePolicy => ({
  name,
  after: Object.fromEntries(Object.entries(days).map(([decision, count]) => [decision, count * DAY_MS])),
});
const ask = (question: Partial<DueQuestion> = {}): DueQuestion => ({
  decision: { decision: 'immediate', severity: 'critical' },
  facts: { kev: null },
  firstSeen: '2026-11-23T16:40:00Z',
  ...{ policies: [], severity: {} },
  ...question,
});
const kev = (dueDate: string | null) => ({ kev: { dateAdded: '2025-05-01', dueDate, ransomware: null } });

describe('when a finding is due', () => {
  it('names every date and its owner, the earliest first', () => {
    const question = ask({
      facts: kev('2025-05-22'),
      policies: [policy('linux-servers', { immediate: 2, scheduled: 30 })],
      severity: { critical: 15 },
    });

    expect(dueCandidates(question)).toEqual([
      { date: '2025-05-22', by: 'KEV', afterMs: null },
      { date: '2026-11-25', by: 'policy linux-servers', afterMs: 2 * DAY_MS },
      { date: '2026-12-08', by: 'severity rule critical 15d', afterMs: 15 * DAY_MS },
    ]);
    expect(dueOf(question)).toEqual({ date: '2025-05-22', by: 'KEV' });
  });

  it('is the strictest of several policies', () => {
    const policies = [policy('b', { immediate: 3 }), policy('a', { immediate: 3 }), policy('c', { immediate: 5 })];

    expect(dueOf(ask({ policies }))).toEqual({ date: '2026-11-26', by: 'policy a' });
  });

  it('has no date where nobody names one', () => {
    expect(dueOf(ask({ policies: [policy('a', { scheduled: 30 })] }))).toBeNull();
    expect(dueOf(ask({ facts: kev(null) }))).toBeNull();
    expect(dueOf(ask({ decision: { decision: 'unknown', severity: null }, severity: { critical: 15 } }))).toBeNull();
  });

  it('keeps the dates of KEV as they are, also where no rule of days explains them', () => {
    const days = realCves().flatMap(({ kev: entry }) =>
      entry?.dueDate ? [Temporal.PlainDate.from(entry.dateAdded).until(entry.dueDate).days] : [],
    );

    expect(days).toHaveLength(263);
    expect(new Set(days).size).toBeGreaterThan(4);
    for (const { kev: entry } of realCves())
      if (entry) expect(dueOf(ask({ facts: { kev: entry } }))?.date).toBe(entry.dueDate);
  });

  it('stays a date that can be written, whatever a policy asks for', () => {
    const policies = [policy('forever', { immediate: 999_999_999 })];

    expect(dueOf(ask({ policies }))).toEqual({ date: '9999-12-31', by: 'policy forever' });
  });

  it('is never later for one more date', () => {
    const dates = fc.record({
      policies: fc.array(fc.nat(400), { maxLength: 4 }),
      more: fc.nat(400),
      severity: fc.option(fc.nat(90)),
    });
    fc.assert(
      fc.property(dates, ({ policies, more, severity }) => {
        const asked = (list: readonly number[]) =>
          dueOf(
            ask({
              policies: list.map((days, index) => policy(`p${index}`, { immediate: days })),
              severity: severity === null ? {} : { critical: severity },
            }),
          )?.date ?? '9999';

        expect(asked([...policies, more]) <= asked(policies)).toBe(true);
      }),
    );
  });
});
