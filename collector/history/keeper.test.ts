// From committed messages of a host to its history, on a real store: what is taken in, when, at which price, and that no order of
// arrival and no crash makes a difference.
import type { Told } from '@selvage/shared/model/changes.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { report } from '../gateway/testing/messages.ts';
import { at, change, changesOf, hashOfResult, id, make, told } from './testing/history-lab.ts';
import { RESULT_LATE_MS } from './verdict.ts';

describe('when a host sends its first inventory', () => {
  it('what its logs tell from before is history, not witnessed, and nobody is told', async () => {
    const { inventory, rows, entries, seen } = await make();
    await inventory(
      5,
      { a: '2' },
      changesOf([told(1, -90, [change('a', '1', '2')]), told(2, 1, [change('b', null, '1')])]),
    );

    expect(await rows()).toEqual([
      { source: 'apt', verdict: 'log', changes: ['a 1 2'] },
      { source: 'apt', verdict: 'outside', changes: ['b - 1'] },
    ]);
    expect(await entries()).toMatchObject([{ details: { transactions: 1, untold: 0, actors: ['anna (1000)'] } }]);
    expect(seen.filter(({ type }) => type === 'host.changedOutside')).toMatchObject([
      { transactions: 1, packages: 1, by: 'anna (1000)' },
    ]);
  });

  it('its packages are no difference to anything', async () => {
    const { inventory, rows, entries } = await make();
    await inventory(5, { a: '1', b: '1' }, null);

    expect(await rows()).toEqual([]);
    expect(await entries()).toEqual([]);
  });
});

describe('when packages change', () => {
  it('what no log tells of is seen between the two inventories that it lies between', async () => {
    const { inventory, store, post } = await make();
    await inventory(10, { a: '1' }, changesOf([]));
    // The same again an hour later: the difference came after it.
    const states = (await store.read.inventory.sections(id)).map(({ name, sha256 }) => ({
      name,
      sha256,
      code: '',
      reason: '',
    }));
    await post(report(states, at(70)));
    await inventory(130, { a: '2' }, changesOf([]));

    const [row] = await store.read.changes.near(id, 0);
    expect(row).toMatchObject({ source: 'inventory', since: Date.parse(at(70)), at: Date.parse(at(130)), actor: null });
  });

  it('an inventory without packages in between hides nothing', async () => {
    const { inventory, rows } = await make();
    await inventory(10, { a: '1' }, changesOf([]));
    await inventory(20, null, changesOf([]));
    await inventory(30, { a: '1', ghost: '1' }, changesOf([]));

    expect(await rows()).toEqual([{ source: 'inventory', verdict: 'outside', changes: ['ghost - 1'] }]);
  });

  it('a log that comes with a later inventory explains it away; the ledger keeps what was known', async () => {
    const { inventory, rows, entries } = await make();
    await inventory(10, { a: '1' }, changesOf([]));
    await inventory(30, { a: '2' }, null);
    expect(await rows()).toMatchObject([{ source: 'inventory' }]);
    await inventory(40, { a: '2' }, changesOf([told(1, 20, [change('a', '1', '2')])]));

    expect(await rows()).toEqual([{ source: 'apt', verdict: 'outside', changes: ['a 1 2'] }]);
    expect((await entries()).map(({ details }) => [details.transactions, details.untold])).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});

describe('when Selvage installs', () => {
  const marked = told(1, 20, [change('a', '1', '2')], { run: 'web/1', actor: null });

  it('neither the log, nor the difference, nor dpkg is somebody else, whatever comes first', async () => {
    for (const resultFirst of [true, false]) {
      const { inventory, ran, rows, entries } = await make();
      await inventory(10, { a: '1' }, changesOf([]));
      if (resultFirst) await ran(1, 20, 'web/1', [change('a', '1', '2')]);
      await inventory(30, { a: '2' }, changesOf([marked]));
      if (!resultFirst) await ran(1, 20, 'web/1', [change('a', '1', '2')]);

      expect((await rows()).map(({ source, verdict }) => [source, verdict]).sort()).toEqual([
        ['apt', 'selvage'],
        ['result', 'selvage'],
      ]);
      expect(await entries()).toEqual([]);
    }
  });

  it.each([true, false])(
    'no log may speak with the identity of a signed result (the result first: %s)',
    async (first) => {
      const { inventory, ran, rows, store } = await make();
      const signed = [change('a', '1', '2')];
      if (first) await ran(1, 20, 'web/1', signed);
      // The connection knows the hash before it hands the result on.
      const hash = first ? (await store.read.results.after(id, 0, 1))[0]?.payloadSha256 : await hashOfResult(signed);
      const forged = told(1, 20, [...signed, change('evil', null, '1')], { id: `${hash}`.slice(0, 32) });
      await inventory(30, { a: '2', evil: '1' }, changesOf([forged]));
      if (!first) await ran(1, 20, 'web/1', signed);

      expect(await rows()).toEqual(
        expect.arrayContaining([
          { source: 'result', verdict: 'selvage', changes: ['a 1 2'] },
          { source: 'apt', verdict: 'outside', changes: ['a 1 2', 'evil - 1'] },
        ]),
      );
    },
  );

  it('a result that only planned or waited explains nothing', async () => {
    const { inventory, ran, rows } = await make();
    await inventory(10, { a: '1' }, changesOf([]));
    await ran(1, 20, 'web/1', [change('a', '1', '2')], 'planned');
    await inventory(30, { a: '2' }, changesOf([]));

    expect(await rows()).toMatchObject([{ source: 'inventory', verdict: 'outside' }]);
  });

  it('a mark whose result never comes is somebody else a day later, without any message of the host', async () => {
    const { inventory, rows, clock, idle, entries } = await make();
    await inventory(30, { a: '2' }, changesOf([marked]));
    expect(await rows()).toMatchObject([{ verdict: 'open' }]);
    expect(await entries()).toEqual([]);
    for (let hours = 0; hours < RESULT_LATE_MS / 3_600_000 + 2; hours++) {
      await clock.advance(3_600_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const verdicts = async () => {
      // Whoever looks late sleeps from then on: time goes on until it has looked.
      await clock.advance(3_600_000);

      return (await rows()).map(({ verdict }) => verdict);
    };
    await expect.poll(verdicts).toEqual(['outside']);
    await idle();
    expect(await entries()).toHaveLength(1);
  });
});

describe('when nothing changes', () => {
  it('nothing is read and nothing is written but the report', async () => {
    const { inventory, store } = await make();
    const list = changesOf([told(1, 20, [change('a', '1', '2')])]);
    await inventory(30, { a: '2' }, list);
    const before = await store.read.changes.state(id);
    const asked: string[] = [];
    const { content } = store.read.inventory;
    const counting: typeof content = (...of) => {
      asked.push(of[1]);

      return content(...of);
    };
    Object.assign(store.read.inventory, { content: counting });
    for (const minutes of [40, 50, 60]) await inventory(minutes, { a: '2' }, list);

    expect(asked).toEqual([]);
    expect(await store.read.changes.state(id)).toEqual({ ...before, packagesAt: before?.packagesAt });
  });
});

describe('when the collector is killed before it took in what was committed', () => {
  it('the next one takes it in', async () => {
    const { inventory, ran, stop, start, rows } = await make();
    await inventory(10, { a: '1' }, changesOf([]));
    await stop();
    await inventory(30, { a: '2', ghost: '1' }, changesOf([told(1, 20, [change('a', '1', '2')])]));
    await ran(1, 25, 'web/1', [change('b', '1', '2')]);
    expect(await rows()).toEqual([]);
    await start();

    expect((await rows()).map(({ source, changes }) => [source, ...changes])).toEqual([
      ['apt', 'a 1 2'],
      ['result', 'b 1 2'],
      ['inventory', 'ghost - 1'],
    ]);
  });
});

describe('when messages arrive in any order that streams allow', () => {
  /** What happens on the host, one after the other, each with an inventory after it or not. */
  const acts = fc.array(
    fc.record({
      by: fc.constantFrom('apt', 'selvage', 'nobody'),
      name: fc.constantFrom('a', 'b'),
      inventory: fc.boolean(),
      /** The logs could not be read for this inventory. */
      logs: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  );

  it('the same history is there in the end', async () => {
    await fc.assert(
      fc.asyncProperty(acts, fc.array(fc.nat({ max: 12 }), { minLength: 6, maxLength: 6 }), async (list, delays) => {
        const play = async (when: (index: number) => number) => {
          const { inventory, ran, rows, stop } = await make();
          const versions: Record<string, string> = { a: '0', b: '0' };
          const log: Told[] = [];
          const results: { due: number; deliver: () => Promise<void> }[] = [];
          let minutes = 10;
          let number = 0;
          const deliver = async (step: number) => {
            for (const one of results.filter(({ due }) => due <= step)) await one.deliver();
            results.splice(0, results.length, ...results.filter(({ due }) => due > step));
          };
          await inventory(minutes, versions, changesOf([]));
          for (const [index, { by, name, inventory: take, logs }] of list.entries()) {
            minutes += 60;
            const [from, to] = [versions[name] ?? null, `${index + 1}`];
            versions[name] = to;
            const changes = [change(name, from, to)];
            const run = `web/${index}`;
            if (by === 'apt') log.push(told(index, minutes, changes));
            if (by === 'selvage') {
              const mine = ++number;
              const started = minutes;
              log.push(told(index, minutes, changes, { run, actor: null }));
              results.push({ due: when(index), deliver: () => ran(mine, started, run, changes) });
            }
            if (take) await inventory(minutes + 30, { ...versions }, logs ? changesOf(log) : null);
            await deliver(index);
          }
          await inventory(minutes + 60, versions, changesOf(log));
          await deliver(Infinity);
          await stop();

          return (await rows()).map((row) => JSON.stringify(row)).sort();
        };
        const seen = await play((index) => index + (delays[index] ?? 0));
        expect(seen).toEqual(await play(() => -1));
        // And it is right: nobody's changes are all there is of differences, Selvage's are none of the others'.
        const silent = list.some(({ by }) => by === 'nobody');
        if (!silent) expect(seen.filter((row) => row.includes('"inventory"'))).toEqual([]);
        expect(seen.filter((row) => row.includes('"selvage"')).length).toBe(
          2 * list.filter(({ by }) => by === 'selvage').length,
        );
        expect(seen.filter((row) => row.includes('"apt","verdict":"outside"')).length).toBe(
          list.filter(({ by }) => by === 'apt').length,
        );
      }),
      { numRuns: 15 },
    );
  });
});
