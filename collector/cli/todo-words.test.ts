import { describe, expect, it } from 'vitest';
import { dueText, expectedText } from './todo-words.ts';

type Row = Parameters<typeof dueText>[0];

const now = Temporal.Instant.from('2026-11-23T23:00:00Z');
const due = (date: string) => dueText({ due: { date }, overdueDays: null } as Row, true, now);

describe('when a day is ahead', () => {
  it('has no year while it can be no other, and one from where it could', () => {
    expect(due('2026-12-08')).toBe('Tue 8 Dec');
    expect(due('2027-01-04')).toBe('Mon 4 Jan');
    expect(due('2027-12-08')).toBe('Wed 8 Dec 2027');
  });

  it('says so of the last host too', () => {
    const last = (at: string) =>
      expectedText({ lastHost: { at, reason: null } } as Row, { zone: 'Europe/Berlin', now });

    expect(last('2026-11-30T23:30:00Z')).toBe('Tue 1 Dec 00:30');
    expect(last('2027-12-07T12:00:00Z')).toBe('Tue 7 Dec 2027 13:00');
  });
});
