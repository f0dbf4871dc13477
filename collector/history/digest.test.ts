// Who changed what, as far as it can be told: verdicts, differences that nothing tells of, and that the order of arrival is no matter.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { digest } from './digest.ts';
import { differences } from './explain.ts';
import type { ChangeRow } from './rows.ts';
import { RESULT_LATE_MS } from './verdict.ts';

const HOUR = 3_600_000;
const ENROLLED = 100 * HOUR;
const NOW = 200 * HOUR;

let count = 0;
const change = (name: string, from: string | null, to: string | null, arch = 'amd64'): ToldChange => ({
  name,
  arch,
  from,
  to,
});

function row(over: Partial<ChangeRow>): ChangeRow {
  count += 1;

  return {
    ...{ id: `row-${count}`, source: 'apt', at: 150 * HOUR, endedAt: 150 * HOUR + 5000, since: null, certain: true },
    ...{ actor: null, command: null, run: null, problem: null, changes: [change('a', '1', '2')], toldAt: NOW },
    verdict: 'outside',
    ...over,
  };
}

const result = (over: Partial<ChangeRow> = {}) => row({ source: 'result', run: 'web/1', verdict: 'selvage', ...over });
const step = (changes: readonly ToldChange[], over: Partial<ChangeRow> = {}) =>
  row({ source: 'inventory', since: 149 * HOUR, at: 151 * HOUR, endedAt: null, changes, ...over });
const digested = (incoming: readonly ChangeRow[], kept: readonly ChangeRow[] = [], now = NOW) =>
  digest({ kept, incoming, enrolledAt: ENROLLED, now });
const verdicts = (...incoming: readonly ChangeRow[]) =>
  Object.fromEntries(digested(incoming).put.map(({ source, verdict }) => [source, verdict]));

describe('when a log tells of a transaction', () => {
  it('it is outside, unless it was before the enrollment', () => {
    expect(verdicts(row({}))).toEqual({ apt: 'outside' });
    expect(verdicts(row({ at: ENROLLED - 1 }))).toEqual({ apt: 'log' });
  });

  it('it is Selvage that a signed result of the same run says so of', () => {
    expect(verdicts(row({ run: 'web/1' }), result())).toMatchObject({ apt: 'selvage' });
    // An older agent leaves no mark; the result says the same.
    expect(verdicts(row({}), result())).toMatchObject({ apt: 'selvage' });
  });

  it('a mark whose result is not here yet is believed for a day, and then no more', () => {
    const marked = row({ run: 'web/1', toldAt: NOW });
    expect(verdicts(marked)).toEqual({ apt: 'open' });
    const [open] = digested([marked]).put;
    const late = digested([], open ? [open] : [], NOW + RESULT_LATE_MS);
    expect(late).toMatchObject({ put: [{ verdict: 'outside' }], fresh: [{ verdict: 'outside' }] });
  });

  it.each([
    ['other packages', row({ run: 'web/1', changes: [change('evil', null, '1')] })],
    ['one package more', row({ run: 'web/1', changes: [change('a', '1', '2'), change('evil', null, '1')] })],
    ['another version', row({ run: 'web/1', changes: [change('a', '1', '3')] })],
    ['another time', row({ run: 'web/1', at: 180 * HOUR, endedAt: 180 * HOUR })],
  ])('a forged mark of a known run with %s is outside', (_, forged) => {
    expect(verdicts(forged, result())).toMatchObject({ apt: 'outside' });
  });

  it('its mark may be hours away from the result: the clock of a host may have been set back between them', () => {
    expect(verdicts(row({ run: 'web/1', at: 140 * HOUR, endedAt: 140 * HOUR }), result())).toMatchObject({
      apt: 'selvage',
    });
    expect(verdicts(row({ run: null, at: 140 * HOUR, endedAt: 140 * HOUR }), result())).toMatchObject({
      apt: 'outside',
    });
  });

  it('the result of another run does not speak for it', () => {
    expect(verdicts(row({ run: 'web/2' }), result())).toMatchObject({ apt: 'open' });
  });

  it('what dpkg says of an apt transaction is not told twice, whatever it calls the architecture', () => {
    const dpkg = row({ source: 'dpkg', changes: [change('a', '1', '2', 'all')] });
    expect(verdicts(row({}), dpkg)).toEqual({ apt: 'outside', dpkg: 'same' });
    expect(verdicts(dpkg)).toEqual({ dpkg: 'outside' });
  });

  it('a repair by dpkg alone belongs to the run whose result tells of these packages', () => {
    const repair = row({ source: 'dpkg', changes: [change('a', '2', '2')], command: 'dpkg --install' });
    expect(verdicts(repair, result({ endedAt: 151 * HOUR }))).toMatchObject({ dpkg: 'selvage' });
  });

  it('what was fresh is told once', () => {
    const first = row({});
    expect(digested([first]).fresh).toHaveLength(1);
    expect(digested([first], digested([first]).put)).toEqual({ put: [], drop: [], fresh: [] });
  });

  it('one that went on while it was read grows, and never shrinks', () => {
    const small = row({ endedAt: null });
    const large = { ...small, endedAt: 150 * HOUR, changes: [change('a', '1', '2'), change('b', '1', '2')] };
    const { put } = digested([large], digested([small]).put);
    expect(put).toMatchObject([{ id: small.id, endedAt: 150 * HOUR, changes: [{ name: 'a' }, { name: 'b' }] }]);
    expect(digested([small], put).put).toEqual([]);
  });
});

describe('when a host tells of a transaction again', () => {
  it('what it told before stays, however much it tells now', () => {
    const evil = row({ changes: [change('evil', null, '1')] });
    const other = { ...evil, changes: [change('a', '1', '2'), change('b', '1', '2')] };
    expect(digested([other], digested([evil]).put).put).toMatchObject([
      { changes: [{ name: 'evil' }, { name: 'a' }, { name: 'b' }] },
    ]);
  });
});

describe('when two inventories differ', () => {
  it('what nothing tells of stays, between both', () => {
    expect(digested([step([change('a', '1', '2')])]).put).toMatchObject([{ verdict: 'outside', since: 149 * HOUR }]);
  });

  it('what is told is explained: in one step, over two, by a result, of another architecture word', () => {
    const explained = (changes: readonly ToldChange[], ...by: readonly ChangeRow[]) =>
      digested([step(changes), ...by]).put.filter(({ source }) => source === 'inventory').length === 0;
    expect(explained([change('a', '1', '2')], row({}))).toBe(true);
    expect(explained([change('a', '1', '2')], result())).toBe(true);
    expect(explained([change('a', '1', '2', 'all')], row({}))).toBe(true);
    expect(explained([change('a', '1', '3')], row({}), row({ changes: [change('a', '2', '3')] }))).toBe(true);
    expect(explained([change('a', '1', null)], row({}), row({ changes: [change('a', '2', null)] }))).toBe(true);
    expect(explained([change('a', '0', '2')], row({ source: 'rpm', changes: [change('a', null, '2')] }))).toBe(true);
    // Not these: another version, another package, another architecture, another time.
    expect(explained([change('a', '1', '3')], row({}))).toBe(false);
    expect(explained([change('b', '1', '2')], row({}))).toBe(false);
    expect(explained([change('a', '1', '2', 'i386')], row({}))).toBe(false);
    expect(explained([change('a', '1', '2')], row({ at: 140 * HOUR, endedAt: 140 * HOUR }))).toBe(false);
  });

  it('only the part that is not told stays', () => {
    const { put } = digested([step([change('a', '1', '2'), change('ghost', null, '1')]), row({})]);
    expect(put.find(({ source }) => source === 'inventory')?.changes).toEqual([change('ghost', null, '1')]);
  });

  it('a log that arrives later explains it away', () => {
    const kept = digested([step([change('a', '1', '2')])]).put;
    expect(digested([row({})], kept).drop).toEqual(kept.map(({ id }) => id));
  });

  it('a transaction that had begun before the first of them explains what came after it', () => {
    const long = row({ at: 148 * HOUR, endedAt: 150 * HOUR });
    expect(digested([step([change('a', '1', '2')]), long]).put).toHaveLength(1);
  });

  it('in the hour that comes twice an hour more is allowed', () => {
    const early = { at: 148.5 * HOUR, endedAt: 148.5 * HOUR };
    const left = (over: Partial<ChangeRow>) =>
      digested([step([change('a', '1', '2')]), row({ ...early, ...over })]).put.length;
    expect(left({ certain: true })).toBe(2);
    expect(left({ certain: false })).toBe(1);
  });

  it('versions of one package that are there beside each other come and go one by one', () => {
    const kernel = (version: string) => ({ name: 'kernel', arch: 'x86_64', version });
    expect(differences([kernel('1'), kernel('2')], [kernel('2'), kernel('3'), kernel('4')])).toEqual([
      change('kernel', '1', null, 'x86_64'),
      change('kernel', null, '3', 'x86_64'),
      change('kernel', null, '4', 'x86_64'),
    ]);
    expect(differences([kernel('1')], [kernel('2')])).toEqual([change('kernel', '1', '2', 'x86_64')]);
    expect(differences([kernel('1')], [kernel('1')])).toEqual([]);
  });
});

describe('when logs, results and inventories arrive in any order', () => {
  const name = fc.constantFrom('a', 'b');
  const version = fc.constantFrom('1', '2', '3', null);
  const changes = fc.uniqueArray(
    fc.record({ name, arch: fc.constantFrom('amd64', 'all'), from: version, to: version }),
    {
      minLength: 1,
      maxLength: 3,
      selector: ({ name: of }) => of,
    },
  );
  const hour = fc.integer({ min: 98, max: 106 });
  const rows = fc
    .array(
      fc.record({
        source: fc.constantFrom<ChangeRow['source']>('apt', 'dpkg', 'result', 'inventory', 'rpm'),
        ...{ hour, length: fc.constantFrom(0, 1, null), certain: fc.boolean(), changes },
        run: fc.constantFrom('web/1', 'web/2', null),
      }),
      { minLength: 1, maxLength: 10 },
    )
    .map((list) =>
      list.map(({ source, hour: begins, length, certain, changes: of, run }, index): ChangeRow => {
        const isStep = source === 'inventory';

        return row({
          ...{ id: `${index}`, source, at: begins * HOUR, certain, changes: of },
          since: isStep ? (begins - 2) * HOUR : null,
          endedAt: length === null || isStep ? null : (begins + length) * HOUR,
          run: source === 'result' ? (run ?? 'web/1') : source === 'apt' ? run : null,
        });
      }),
    );
  /** Rows and halves of them, each maybe twice, in some order and in batches of some size. */
  const deliveries = rows.chain((list) =>
    fc.record({
      list: fc.constant(list),
      order: fc.shuffledSubarray(
        [
          ...list,
          ...list,
          ...list
            .filter(({ source }) => source !== 'inventory')
            .map((one) => ({ ...one, changes: one.changes.slice(0, 1), endedAt: null })),
        ],
        { minLength: 0 },
      ),
      size: fc.integer({ min: 1, max: 4 }),
    }),
  );
  const take = (kept: ReadonlyMap<string, ChangeRow>, batch: readonly ChangeRow[]) => {
    const { put, drop } = digested(batch, [...kept.values()]);
    const next = new Map(kept);
    for (const one of put) next.set(one.id, one);
    for (const id of drop) next.delete(id);

    return next;
  };
  const shown = (kept: ReadonlyMap<string, ChangeRow>) =>
    Object.fromEntries([...kept].map(([id, { verdict, changes: of, endedAt }]) => [id, { verdict, of, endedAt }]));

  it('the same rows with the same verdicts are there in the end', () => {
    fc.assert(
      fc.property(deliveries, ({ list, order, size }) => {
        let kept: ReadonlyMap<string, ChangeRow> = new Map();
        // All of them at last: what was cut short by the order is told in the end.
        const all = [...order, ...list];
        for (let at = 0; at < all.length; at += size) kept = take(kept, all.slice(at, at + size));
        expect(shown(kept)).toEqual(shown(take(new Map(), list)));
      }),
      { numRuns: 1000 },
    );
  });
});
