import { copyFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRun } from '@selvage/shared/exec/run.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { verifyChain } from '../audit/chain.ts';
import { AT } from './samples.ts';
import { openStore } from './store.ts';

const KILLED = 128 + 9;
const ALL = 1_000_000;
const folder = temporaryFolder('crash');
const clock = fakeClock(AT);
const run = createRun({});

/** Lets the child write until `acknowledgements` came, then kills it; the highest sequence it acknowledged. */
async function writeUntilKilled(file: string, acknowledgements: number, onAck?: (count: number) => void) {
  let pid = 0;
  let count = 0;
  let highest = 0;
  const { exitCode, stderr } = await run({
    file: process.execPath,
    args: [fileURLToPath(new URL('./testing/crash-child.ts', import.meta.url)), file],
    deadlineMs: 120_000,
    onLine: (line) => {
      const [word, value] = line.split(' ');
      if (word === 'pid') pid = Number(value);
      if (word !== 'ack') return;
      highest = Number(value);
      count++;
      onAck?.(count);
      if (count === acknowledgements) process.kill(pid, 'SIGKILL');
    },
  });
  expect(stderr).toBe('');
  expect(exitCode).toBe(KILLED);

  return highest;
}

async function ledgerOf(file: string) {
  const store = await openStore({ file, clock });
  const entries = await store.read.audit.after(0, ALL);
  await store.close();

  return entries;
}

function integrity(file: string) {
  const connection = new SQLite(file, { readonly: true });
  const verdict = connection.pragma('integrity_check', { simple: true });
  connection.close();

  return verdict;
}

describe('when the collector is killed while it writes', () => {
  it('has everything it acknowledged, and no half of a transaction', async () => {
    const file = join(folder, 'killed.sqlite');
    let acknowledged = 0;

    for (const acknowledgements of [1, 7, 150, 900]) {
      acknowledged = Math.max(acknowledged, await writeUntilKilled(file, acknowledgements));
      const entries = await ledgerOf(file);

      expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
      expect(entries.length % 2).toBe(0);
      expect(verifyChain(entries).checked).toBe(entries.length);
      expect(integrity(file)).toBe('ok');
    }
  });
});

describe('when the disk is copied at the moment of a power cut', () => {
  it('has everything that was acknowledged before, from database and write-ahead log', async () => {
    const file = join(folder, 'live.sqlite');
    const store = await openStore({ file, clock });
    const entry = { at: AT, actor: 'collector', action: 'crash.test', subject: 's'.repeat(3000) };
    await store.transaction((w) => w.audit.append(entry));

    for (const cut of [1, 2, 3]) {
      const { sequence } = await store.transaction((w) => w.audit.append(entry));
      // A transaction that is open at the cut must leave nothing behind.
      let copied = '';
      await store.transaction(async (w) => {
        await w.audit.append(entry);
        copied = join(folder, `cut-${cut}.sqlite`);
        await copyFile(file, copied);
        await copyFile(`${file}-wal`, `${copied}-wal`);
      });

      expect((await ledgerOf(copied)).at(-1)?.sequence).toBe(sequence);
      expect(integrity(copied)).toBe('ok');
    }
    await store.close();
  });

  it('has all whole transactions before a torn end of the log', async () => {
    const file = join(folder, 'torn.sqlite');
    const store = await openStore({ file, clock });
    const entry = { at: AT, actor: 'collector', action: 'crash.test', subject: 's' };
    const { size: before } = await walOf(file);
    await store.transaction((w) => w.audit.append(entry));
    const { size: between } = await walOf(file);
    await store.transaction((w) => w.audit.append(entry));
    const { size: after } = await walOf(file);
    expect([before < between, between < after]).toEqual([true, true]);

    for (const [size, entries] of [
      [between, 1],
      [between + 1, 1],
      [after - 1, 1],
      [after, 2],
    ] as const) {
      const copied = join(folder, `torn-${size}.sqlite`);
      await copyFile(file, copied);
      await copyFile(`${file}-wal`, `${copied}-wal`);
      await truncate(`${copied}-wal`, size);

      expect(await ledgerOf(copied)).toHaveLength(entries);
    }
    await store.close();
  });
});

async function walOf(file: string) {
  return stat(`${file}-wal`);
}
