// What is put before a person, and in which order.
import { describe, expect, it } from 'vitest';
import { type NeedFacts, needsOf } from './needs.ts';

type Feed = NeedFacts['feeds'][number];

const feed = (name: string, more: Partial<Feed> = {}): Feed => ({
  ...{ name, ageDays: 1, stale: false, needed: true, error: null, ...more },
});
const nothing: NeedFacts = {
  ...{ ready: true, unknown: [], unwatched: [], feeds: [feed('osv-debian')], silent: [], outside: [], imports: [] },
  ...{
    coverage: { pending: 0, unclear: 0, missing: 0 },
    alarms: [],
    notOffered: [],
    urgentWithoutFix: 0,
    unsigned: [],
  },
};
const messages = (facts: Partial<NeedFacts>) => needsOf({ ...nothing, ...facts }).map(({ message }) => message);

describe('when feeds are old', () => {
  it('the oldest comes first, and one of unknown date before all', () => {
    const feeds = [
      feed('epss', { stale: true, ageDays: 9 }),
      feed('kev', { stale: true, ageDays: 30 }),
      feed('cve-records', { stale: true, ageDays: null }),
      feed('osv-debian', { stale: true, ageDays: 400 }),
    ];

    expect(messages({ feeds })).toEqual([
      '4 feeds not fresh: cve-records of unknown date, osv-debian 400 d old, kev 30 d old, …',
    ]);
  });

  it('one that no machine here needs asks nobody for anything', () => {
    const feeds = [feed('osv-debian'), feed('osv-rocky', { stale: true, ageDays: 90, needed: false })];

    expect(messages({ feeds })).toEqual([]);
    expect(messages({ feeds: feeds.map((one) => ({ ...one, needed: true })) })).toEqual([
      '1 feed not fresh: osv-rocky 90 d old',
    ]);
  });

  it('one that failed is named with its error while its data is fresh', () => {
    expect(messages({ feeds: [feed('kev', { error: 'no answer' })] })).toEqual([
      '1 feed not fresh: kev 1 d old (no answer)',
    ]);
  });
});

describe('when something is immediate, and no update helps', () => {
  const row = (source: string, decision: NeedFacts['notOffered'][number]['decision']) => ({
    source,
    decision,
    findings: 3,
  });

  it('packages whose fix is not offered are named, and only those', () => {
    const notOffered = [row('openssl', 'immediate'), row('xz-utils', 'immediate'), row('zlib', 'out-of-cycle')];

    expect(needsOf({ ...nothing, notOffered })).toEqual([
      {
        ...{ kind: 'no-way', count: 2, some: ['openssl', 'xz-utils'], next: 'selvage todo --all' },
        message: '2 packages with immediate findings: fixed by the maker, not offered here: openssl, xz-utils',
      },
    ]);
  });

  it('findings without a fix are counted, with the command that lists them', () => {
    expect(needsOf({ ...nothing, urgentWithoutFix: 1 })).toMatchObject([
      {
        ...{ kind: 'no-way', count: 1, next: 'selvage finding list --decision immediate --state no-fix' },
        message: '1 immediate finding that nobody has fixed: switch off, fence in or accept',
      },
    ]);
    expect(messages({})).toEqual([]);
  });
});

describe('when changes of policy wait for a signature', () => {
  const one = { number: 3, titles: ['RiskAcceptance xz', 'Window nights'], approvers: ['bob'], signatures: null };
  const other = { number: 7, titles: ['Window days'], approvers: [], signatures: null };

  it('one is named with whose signature it needs and the command that shows it', () => {
    expect(needsOf({ ...nothing, unsigned: [one] })).toMatchObject([
      {
        ...{ kind: 'unsigned', count: 1, next: 'selvage policy sign 3' },
        message: '1 proposal waits for a signature: 3 (RiskAcceptance xz and 1 more, for bob)',
      },
    ]);
  });

  it.each([
    [{ needed: 2, have: 1, from: ['bob', 'carol'], problem: null }, '1 of 2 signatures, needs one of: bob, carol'],
    [{ needed: 3, have: 1, from: ['bob', 'carol'], problem: null }, '1 of 3 signatures, needs 2 of: bob, carol'],
    [{ needed: 2, have: 2, from: ['carol'], problem: null }, '2 of 2 signatures, needs: carol'],
    [{ needed: 2, have: 1, from: [], problem: null }, '1 of 2 signatures, needs one of: nobody who is left'],
    [
      { needed: 2, have: 1, from: ['bob'], problem: 'overtaken by version 5 of policy' },
      '1 of 2 signatures; overtaken by version 5 of policy',
    ],
  ])('where several must sign it says how many have, and who else may', (signatures, text) => {
    const [need] = needsOf({ ...nothing, unsigned: [{ ...one, signatures }] });

    expect(need?.message).toBe(`1 proposal waits for a signature: 3 (RiskAcceptance xz and 1 more: ${text})`);
  });

  it('what can be signed no more leads to the command that takes it off the list', () => {
    const signatures = { needed: 2, have: 1, from: [], problem: 'overtaken by version 5 of policy' };
    const [need] = needsOf({ ...nothing, unsigned: [{ ...one, signatures }] });

    expect(need?.next).toBe('selvage policy decline 3');
  });

  it('of several all are listed by one command', () => {
    expect(needsOf({ ...nothing, unsigned: [one, other] })).toMatchObject([
      {
        ...{ count: 2, next: 'selvage policy proposals' },
        message: '2 proposals wait for a signature: 3 (RiskAcceptance xz and 1 more, for bob), 7 (Window days)',
      },
    ]);
  });
});
