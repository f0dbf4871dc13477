// A host that invents changes, on a real store: what it costs is bounded, and nothing true is lost for it.
import type { Changes, Told } from '@selvage/shared/model/changes.ts';
import { describe, expect, it } from 'vitest';
import { MAX_ENTRIES_A_DAY } from './ledger.ts';
import { MAX_ROWS } from './take-in.ts';
import { at, change, changesOf, DAY, id, make, told } from './testing/history-lab.ts';

describe('when a host invents changes', () => {
  it('rows are bounded, the oldest of before its enrollment go first, and it is said', async () => {
    const { inventory, store, clock } = await make();
    await clock.advance(DAY);
    const old = Array.from({ length: 400 }, (_, number) => told(number, number - 1000, [change('a', '1', '2')]));
    await inventory(10, { a: '1' }, changesOf(old));
    for (let round = 1; round <= 3; round++) {
      const list = Array.from({ length: 400 }, (_, number) =>
        told(round * 1000 + number, round * 400 + number, [change('b', null, '1')]),
      );
      await inventory(round * 400 + 400, { a: '1' }, changesOf(list));
    }

    const rows = await store.read.changes.near(id, 0);
    expect(rows).toHaveLength(MAX_ROWS);
    expect(rows.filter(({ verdict }) => verdict === 'log')).toEqual([]);
    expect((await store.read.changes.state(id))?.cutAt).toBe(rows[0] && rows[0].at - 60_000);
  });

  it('times to come push out nothing that is true, and are not the newest', async () => {
    const { inventory, store, clock } = await make();
    const heard = clock.now().epochMilliseconds;
    for (let round = 1; round <= 3; round++) {
      const list = Array.from({ length: 400 }, (_, number) =>
        told(round * 1000 + number, 0, [change('b', null, '1')], { at: '2999-01-01T00:00:00Z', endedAt: null }),
      );
      await inventory(round, { a: '1' }, changesOf(list));
    }
    expect((await store.read.changes.state(id))?.lastOutside).toBe(heard);
    await clock.advance(DAY);
    const now = clock.now().toString();
    await inventory(4, { a: '1' }, changesOf([told(1, 0, [change('true', '1', '2')], { at: now, endedAt: now })]));

    expect((await store.read.changes.near(id, 0)).filter(({ changes }) => changes[0]?.name === 'true')).toHaveLength(1);
    expect((await store.read.changes.lastOutsideOf(id))?.changes).toMatchObject([{ name: 'true' }]);
    expect((await store.read.changes.state(id))?.cutAt).toBe(heard);
  });

  it('packages in them are bounded too: a few rows may hold thousands each', async () => {
    const { inventory, store, clock } = await make();
    await clock.advance(DAY);
    for (let number = 1; number <= 4; number++) {
      const many = Array.from({ length: 7900 }, (_, index) => change(`p${index}`, null, `${number}`));
      await inventory(number + 1, { a: '1' }, changesOf([told(number, number, many)]));
    }

    expect((await store.read.changes.near(id, 0)).map(({ at: ms }) => ms)).toEqual(
      [2, 3, 4].map((minutes) => Date.parse(at(minutes))),
    );
    expect((await store.read.changes.state(id))?.cutAt).toBe(Date.parse(at(1)));
  });

  it('the ledger takes a few entries a day, and counts what it did not take', async () => {
    const { inventory, entries, clock } = await make();
    const list: Told[] = [];
    for (let number = 1; number <= MAX_ENTRIES_A_DAY + 5; number++) {
      list.push(told(number, number, [change(`p${number}`, null, '1')]));
      await inventory(number + 1, { a: '1' }, changesOf(list));
    }
    expect(await entries()).toHaveLength(MAX_ENTRIES_A_DAY);

    await clock.advance(86_400_000);
    list.push(told(99, 99, [change('last', null, '1')]));
    await inventory(100, { a: '1' }, changesOf(list));
    expect((await entries()).at(-1)).toMatchObject({ details: { transactions: 1, notEnteredBefore: 5 } });
  });

  it('logs that were rewritten leave what they told before', async () => {
    const { inventory, rows } = await make();
    await inventory(30, { a: '1' }, changesOf([told(1, 20, [change('evil', null, '1')])]));
    await inventory(40, { a: '1' }, changesOf([]));

    expect(await rows()).toEqual([{ source: 'apt', verdict: 'outside', changes: ['evil - 1'] }]);
  });

  it('a section that cannot be read here is a gap that is said', async () => {
    const { inventory, store } = await make();
    const problems: Changes['problems'] = [
      { log: '/var/log/zypp/history', code: 'FILE_UNREADABLE', reason: 'only root may read it' },
    ];
    await inventory(30, { a: '1' }, changesOf([], { complete: false, problems }));

    expect(await store.read.changes.state(id)).toMatchObject({
      complete: false,
      problems: [{ log: '/var/log/zypp/history', reason: 'only root may read it' }],
    });
  });
});
