// The power goes away while the store works: every state that the disk may be in afterwards is opened with the real store.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { recordWrites } from '../../scripts/faults/power-cut/record.ts';
import { type CrashState, checkStates } from '../../scripts/faults/power-cut/states.ts';
import { verifyChain } from '../audit/chain.ts';
import { AT, hostId } from './samples.ts';
import { openStore } from './store.ts';

const CHILD = fileURLToPath(new URL('./testing/power-child.ts', import.meta.url));
const SEED = Number(process.env.SELVAGE_FAULT_SEED ?? 1);
const STATES = Number(process.env.SELVAGE_FAULT_STATES ?? 120);
const ALL = 1_000_000;
const clock = fakeClock(AT);

/** Everything acknowledged is there; at most the transaction that was under way besides, and that one whole. */
async function keepsItsPromises({ folder, printed }: CrashState): Promise<void> {
  const file = join(folder, 'selvage.db');
  const store = await openStore({ file, clock });
  const host = hostId(1);
  const position = Number(await store.read.streams.position(host, 'results:s'));
  const entries = await store.read.audit.after(0, ALL);
  const results = await store.read.results.ofHost(host, ALL);
  const latest = await store.read.inventory.latest(host);
  const derived = (await store.read.software.matchedFeeds()).get('power') ?? 0;
  await store.close();
  const connection = new SQLite(file, { readonly: true });
  const verdict = connection.pragma('integrity_check', { simple: true });
  const orphans = connection.pragma('foreign_key_check');
  connection.close();

  const acknowledged = printed.length;
  expect([acknowledged, acknowledged + 1]).toContain(position);
  expect(verifyChain(entries).checked).toBe(2 * position);
  expect(results.map(({ result }) => result.number)).toEqual(
    Array.from({ length: position }, (_, at) => position - at),
  );
  // Nothing is worked out of what is not there, and what is there has all that was written before it.
  expect([position - 1, position]).toContain(derived);
  expect(latest === null).toBe(position === 0);
  expect([verdict, orphans]).toEqual(['ok', []]);
}

needs(['strace'], 'when the power goes away while the store writes', () => {
  it('has everything it acknowledged, and no half of a transaction', async () => {
    const folder = temporaryFolder('power');
    const file = join(folder, 'selvage.db');
    await (await openStore({ file, clock })).close();
    const recording = await recordWrites({
      folder,
      file: process.execPath,
      args: [CHILD, file],
      // SQLite builds it anew from the log; it lies in shared memory and is never synced.
      ignore: (path) => path.endsWith('-shm'),
    });

    expect(await checkStates(recording, { seed: SEED, limit: STATES }, keepsItsPromises)).toBe(STATES);
  });
});
