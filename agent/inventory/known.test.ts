import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { whatIsKnown } from './known.ts';
import { collectUpdates } from './sections/updates.ts';
import { observing, repository, testContext } from './testing/context.ts';

const old = { code: 'REPOSITORY_OLD', reason: 'last refreshed ten days ago' } as const;

describe('when it is asked whether "N updates" may be said', () => {
  it('may, as of the oldest refresh, when every repository may be believed', () => {
    const later = repository({ id: 'b', lastRefresh: '2026-11-23T11:30:00.5Z' });

    expect(whatIsKnown([later, repository()])).toEqual({ known: true, asOf: '2026-11-23T11:00:00Z' });
  });

  it('may not when one of three may not be believed, and names it', () => {
    const answer = whatIsKnown([repository(), repository({ id: 'bad', problem: old }), repository({ id: 'c' })]);

    expect(answer).toEqual({ known: false, asOf: '2026-11-23T11:00:00Z', reasons: [{ repository: 'bad', ...old }] });
  });

  it('is as old as nothing when one was never refreshed', () => {
    const never = { code: 'REPOSITORY_NEVER_FETCHED', reason: 'x' } as const;

    for (const list of [
      [repository({ lastRefresh: null, problem: never }), repository()],
      [repository(), repository({ lastRefresh: null, problem: never })],
    ]) {
      expect(whatIsKnown(list)).toMatchObject({ known: false, asOf: null });
    }
  });

  it('may not on a host without any repository', () => {
    expect(whatIsKnown([])).toMatchObject({
      known: false,
      reasons: [{ repository: null, code: 'REPOSITORY_NEVER_FETCHED' }],
    });
  });

  it('never may while a single problem stands, wherever it stands', () => {
    const problems = fc.array(fc.constantFrom(null, old), { minLength: 1, maxLength: 8 });

    fc.assert(
      fc.property(problems, (list) => {
        const answer = whatIsKnown(list.map((problem) => repository({ problem })));

        expect(answer.known).toBe(list.every((problem) => problem === null));
      }),
    );
  });
});

describe('when the section of updates is taken', () => {
  it('does not even ask for updates while something is unknown', async () => {
    const observer = observing({ repositories: [repository({ problem: old })] });

    expect(await collectUpdates(testContext({ observers: [observer] }))).toMatchObject({ known: false });
    expect(observer.asked).not.toContain('pending');
  });

  it('says zero when zero is true', async () => {
    const observer = observing({ repositories: [repository()] });

    expect(await collectUpdates(testContext({ observers: [observer] }))).toEqual({
      known: true,
      asOf: '2026-11-23T11:00:00Z',
      pending: [],
    });
  });
});
