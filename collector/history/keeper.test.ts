// From committed messages of a host to its history, on a real store: what is taken in, when, at which price, and that no order of
// arrival and no crash makes a difference.
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Changes, Told, ToldChange } from '@selvage/shared/model/changes.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INVENTORY, RESULTS, report, result, section } from '../gateway/testing/messages.ts';
import { intakeLab } from '../intake/testing/intake-lab.ts';
import { hostSample } from '../store/samples.ts';
import { keepHistory } from './keeper.ts';
import { MAX_ENTRIES_A_DAY } from './ledger.ts';
import { MAX_ROWS } from './take-in.ts';
import { RESULT_LATE_MS } from './verdict.ts';

const { host, make: makeLab } = intakeLab('history');
const id = host.id as HostId;
const ENROLLED = Temporal.Instant.from(hostSample(1).enrolledAt);
const at = (minutes: number) => ENROLLED.add({ minutes }).toString() as Timestamp;

const installed = (versions: Readonly<Record<string, string>>): InstalledPackage[] =>
  Object.entries(versions).map(([name, version]) => ({
    ...{ provider: 'apt', name, version, arch: 'amd64', source: name, sourceVersion: version },
    ...{ state: 'installed', held: false, installedAt: null },
  }));
const change = (name: string, from: string | null, to: string | null): ToldChange => ({
  name,
  arch: 'amd64',
  from,
  to,
});
const DAY = 86_400_000;
const hex = (number: number) => number.toString(16).padStart(32, '0');
const told = (number: number, minutes: number, changes: Told['changes'], over: Partial<Told> = {}): Told => ({
  ...{ id: hex(number), source: 'apt', at: at(minutes), endedAt: at(minutes), certain: true, actor: 'anna (1000)' },
  ...{ command: 'apt install', run: null, problem: null, changes },
  ...over,
});
const changesOf = (list: readonly Told[], over: Partial<Changes> = {}): Changes => ({
  ...{ complete: true, problems: [], told: list.toReversed() },
  ...over,
});

/** Of the result that a lab is going to get. */
async function hashOfResult(upgrade: readonly ToldChange[]): Promise<string | undefined> {
  const { ran, store } = await make();
  await ran(1, 20, 'web/1', upgrade);

  return (await store.read.results.after(id, 0, 1))[0]?.payloadSha256;
}

async function make() {
  const lab = await makeLab();
  let sequence = 0;
  let keeper = keepHistory({ ...lab, log: silentLog, events: lab.events }, { pauseMs: 0 });
  const send = (body: Parameters<typeof lab.send>[2]) => lab.send(INVENTORY, ++sequence, body);

  return {
    ...lab,
    post: send,
    idle: () => keeper.idle(),
    stop: () => keeper.close(),
    start: () => {
      keeper = keepHistory({ ...lab, log: silentLog, events: lab.events }, { pauseMs: 0 });

      return keeper.idle();
    },
    /** One inventory: packages (null: they could not be taken) and what the logs tell. */
    inventory: async (minutes: number, versions: Readonly<Record<string, string>> | null, changes: Changes | null) => {
      const states = [];
      for (const [name, data] of [
        ['packages', versions && installed(versions)],
        ['changes', changes],
      ] as const) {
        if (data === null) {
          states.push({ name, sha256: null, code: 'PACKAGE_MANAGER_LOCKED', reason: 'dpkg is at work' });
          continue;
        }
        const message = section(name, data);
        await send(message);
        states.push({ name, sha256: message.sha256, code: '', reason: '' });
      }
      await send(report(states, at(minutes)));
      await keeper.idle();
    },
    ran: async (
      number: number,
      minutes: number,
      run: string,
      upgrade: readonly ToldChange[],
      outcome = 'installed',
    ) => {
      const transaction = { install: [], upgrade, downgrade: [], remove: [], downloadBytes: null };
      const extra = { run, outcome, transaction, startedAt: at(minutes), finishedAt: at(minutes) };
      await lab.send(RESULTS, number, result(host, number, { extra }));
      await keeper.idle();
    },
    rows: async () =>
      (await lab.store.read.changes.near(id, 0)).map(({ source, verdict, changes }) => ({
        ...{ source, verdict },
        changes: changes.map(({ name, from, to }) => `${name} ${from ?? '-'} ${to ?? '-'}`),
      })),
    entries: async () =>
      (await lab.store.read.audit.after(0, 1000)).filter(({ action }) => action === 'host.changed-outside'),
  };
}

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
    await expect.poll(async () => (await rows()).map(({ verdict }) => verdict)).toEqual(['outside']);
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
