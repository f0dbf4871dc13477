import { setImmediate } from 'node:timers/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { verifyChain } from '../audit/chain.ts';
import type { Writers } from './ports.ts';
import { AT, hostId, hostSample, LATER } from './samples.ts';
import { openStore } from './store.ts';
import { freshStores } from './testing/fresh-store.ts';
import { Transactions } from './transactions.ts';

const fresh = freshStores('transactions');
const folder = temporaryFolder('transactions-own');
const code = (expected: string) => expect.objectContaining({ code: expected });
const entry = (subject: string) => ({ at: AT, actor: 'collector', action: 'test', subject });

it('is synced before it resolves unless it is derived, whatever ran before it', async () => {
  const connection = new SQLite(`${folder}/sync.sqlite`);
  connection.pragma('journal_mode = wal');
  connection.pragma('synchronous = full');
  const transactions = new Transactions(connection, 1000);
  const sync = async () => connection.pragma('synchronous', { simple: true });
  const failing = transactions.run(() => Promise.reject(new CodedError('FORBIDDEN', 'no')), { derived: true });
  await expect(failing).rejects.toThrow(code('FORBIDDEN'));
  // 2 is FULL, 1 is NORMAL (sqlite.org/pragma.html#pragma_synchronous).
  const found = await Promise.all([
    transactions.run(sync),
    transactions.run(sync, { derived: true }),
    transactions.run(sync, { derived: true }),
    transactions.run(sync),
  ]);
  await transactions.close();
  connection.close();

  expect(found).toEqual([2, 1, 1, 2]);
});

describe('when a transaction ends', () => {
  it('is all there when it resolves', async () => {
    const store = await fresh();
    const answer = await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.audit.append(entry('host-1'));
      // Its own changes are visible inside, not outside.
      expect(await w.hosts.list()).toHaveLength(1);
      expect(await store.read.hosts.list()).toHaveLength(0);

      return 'done';
    });

    expect(answer).toBe('done');
    expect(await store.read.hosts.list()).toHaveLength(1);
    expect((await store.read.audit.head())?.subject).toBe('host-1');
  });

  it.each([
    ['an error of the caller', new Error('mine')],
    ['a coded error', new CodedError('FORBIDDEN', 'no')],
    ['a value that is no error', 'text'],
  ])('leaves nothing behind after %s, and passes it on untouched', async (_, thrown) => {
    const store = await fresh();
    const failing = store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.audit.append(entry('host-1'));
      throw thrown;
    });

    await expect(failing).rejects.toBe(thrown);
    expect(await store.read.hosts.list()).toEqual([]);
    expect(await store.read.audit.head()).toBeNull();
  });

  it('leaves nothing behind when the work throws before its first await', async () => {
    const store = await fresh();
    const failing = store.transaction(() => {
      throw new CodedError('FORBIDDEN', 'no');
    });

    await expect(failing).rejects.toThrow(code('FORBIDDEN'));
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    expect(await store.read.hosts.list()).toHaveLength(1);
  });

  it('rolls back only the statement that failed when the work handles its error', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.hosts.add(hostSample(1)).catch(() => undefined);
      await w.hosts.add(hostSample(2));
    });

    expect(await store.read.hosts.list()).toHaveLength(2);
  });
});

describe('when many transactions are asked for at once', () => {
  it('runs them one after the other in order, and a failing one takes only itself away', async () => {
    const store = await fresh();
    const order: number[] = [];
    const asked = Array.from({ length: 100 }, (_, number) =>
      store.transaction(async (w) => {
        order.push(number);
        const { sequence } = await w.audit.append(entry(`first ${number}`));
        // Gives others every chance to come in between.
        await setImmediate();
        if (number === 42) throw new CodedError('FORBIDDEN', 'no');
        const next = await w.audit.append(entry(`second ${number}`));
        expect(next.sequence).toBe(sequence + 1);
        order.push(number);
      }),
    );
    const answers = await Promise.allSettled(asked);
    const entries = await store.read.audit.after(0, 1000);

    expect(answers.flatMap(({ status }, number) => (status === 'rejected' ? [number] : []))).toEqual([42]);
    expect(entries.filter(({ subject }) => subject.endsWith(' 42'))).toEqual([]);
    expect(verifyChain(entries).checked).toBe(198);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('keeps one that nobody awaits apart from the next', async () => {
    const store = await fresh();
    void store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await setImmediate();
      await w.hosts.revoke(hostId(1), LATER);
    });
    const seen = await store.transaction((w) => w.hosts.byId(hostId(1)));

    expect(seen?.state).toBe('revoked');
  });
});

describe('when reading goes on beside a write', () => {
  it('shows the state before until the commit, without waiting', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    const held = Promise.withResolvers<void>();
    const writing = store.transaction(async (w) => {
      await w.hosts.revoke(hostId(1), LATER);
      await held.promise;
    });
    const reads = await Promise.all(Array.from({ length: 50 }, () => store.read.hosts.byId(hostId(1))));

    expect(new Set(reads.map((host) => host?.state))).toEqual(new Set(['active']));
    held.resolve();
    await writing;
    expect((await store.read.hosts.byId(hostId(1)))?.state).toBe('revoked');
  });
});

describe('when a transaction is used wrongly', () => {
  it('refuses one inside another, and the outer one can go on', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      const inner = store.transaction((nested) => nested.hosts.add(hostSample(2)));
      await expect(inner).rejects.toThrow(code('STATE'));
      await w.hosts.add(hostSample(1));
    });

    expect((await store.read.hosts.list()).map(({ name }) => name)).toEqual(['host-1']);
  });

  it('lets what a transaction has set off begin its own once it is over', async () => {
    const store = await fresh();
    const over = Promise.withResolvers<void>();
    let later: Promise<void> = Promise.resolve();
    await store.transaction(async (w) => {
      later = over.promise.then(() => store.transaction((next) => next.hosts.add(hostSample(2))));
      await w.hosts.add(hostSample(1));
    });
    over.resolve();
    await later;

    expect(await store.read.hosts.list()).toHaveLength(2);
  });

  it('refuses rooms that were kept beyond the end', async () => {
    const store = await fresh();
    const kept: Writers[] = [];
    await store.transaction(async (w) => {
      kept.push(w);
    });

    await expect(kept[0]?.hosts.add(hostSample(1))).rejects.toThrow(code('STATE'));
    // Also while another transaction is open: it must not land in that one.
    await store.transaction(async (w) => {
      await expect(kept[0]?.hosts.add(hostSample(1))).rejects.toThrow(code('STATE'));
      await w.hosts.list();
    });
    expect(await store.read.hosts.list()).toEqual([]);
  });

  it('refuses the whole transaction when an await was forgotten', async () => {
    const store = await fresh();
    const forgetful = store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      void w.audit.append(entry('lost'));
    });

    await expect(forgetful).rejects.toThrow(code('STATE'));
    await store.transaction((w) => w.audit.append(entry('next')));
    expect(await store.read.hosts.list()).toEqual([]);
    expect((await store.read.audit.after(0, 10)).map(({ subject }) => subject)).toEqual(['next']);
  });

  it('lets nothing of a call that was left running into the next transaction', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    const left: Promise<unknown>[] = [];
    const failing = store.transaction(async (w) => {
      left.push(w.hosts.add(hostSample(2)), w.audit.append(entry('left')), w.hosts.revoke(hostId(1), LATER));
      throw new CodedError('FORBIDDEN', 'no');
    });
    const next = store.transaction(async (w) => {
      for (let turn = 0; turn < 100; turn++) await w.streams.position(hostId(1), 'left');
    });

    await expect(failing).rejects.toThrow(code('FORBIDDEN'));
    await next;
    expect((await Promise.allSettled(left)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect((await store.read.hosts.list()).map(({ name, state }) => [name, state])).toEqual([['host-1', 'active']]);
    expect(await store.read.audit.head()).toBeNull();
  });

  it('ends one that never ends, so that the others get their turn', async () => {
    const file = `${folder}/hangs.sqlite`;
    const store = await openStore({ file, clock: fakeClock(AT), transactionDeadlineMs: 2000 });
    const goOn = Promise.withResolvers<void>();
    let late: Promise<unknown> = Promise.resolve();
    const hanging = store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      late = goOn.promise.then(() => w.hosts.add(hostSample(3)));
      await late;
    });
    const next = store.transaction((w) => w.hosts.add(hostSample(2)));

    await expect(hanging).rejects.toThrow(code('STORE_FAILED'));
    await next;
    goOn.resolve();
    await expect(late).rejects.toThrow(code('STATE'));
    expect((await store.read.hosts.list()).map(({ name }) => name)).toEqual(['host-2']);
    await store.close();
  });
});

describe('when the store closes', () => {
  it('ends what was asked for before, refuses what comes after, and may be closed twice', async () => {
    const file = `${folder}/closes.sqlite`;
    const store = await openStore({ file, clock: fakeClock(AT) });
    const last = store.transaction(async (w) => {
      await setImmediate();
      await w.hosts.add(hostSample(1));
    });
    await Promise.all([store.close(), store.close()]);
    await last;

    await expect(store.transaction((w) => w.hosts.list())).rejects.toThrow(code('STATE'));
    await expect(store.read.hosts.list()).rejects.toThrow(code('STATE'));
    const again = await openStore({ file, clock: fakeClock(AT) });
    expect(await again.read.hosts.list()).toHaveLength(1);
    await again.close();
  });
});

describe('when the database itself ends a transaction', () => {
  it('never commits the rest of it on its own', async () => {
    // A full disk makes SQLite roll back by itself; max_page_count stands for it.
    const connection = new SQLite(`${folder}/full.sqlite`);
    connection.exec('create table filled (bytes blob)');
    connection.pragma('max_page_count = 10');
    const transactions = new Transactions(connection, 1000);
    const full = transactions.run(async () => {
      connection.exec('insert into filled values (zeroblob(100000))');
    });
    await expect(full).rejects.toThrow(code('DISK_FULL'));

    const silent = transactions.run(async () => {
      connection.exec('rollback');
    });
    await expect(silent).rejects.toThrow(code('STORE_FAILED'));
    expect(connection.inTransaction).toBe(false);
    connection.close();
  });
});
