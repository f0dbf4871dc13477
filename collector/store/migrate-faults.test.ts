// A database of the first release, with live rows, is brought up to date while the power goes away or the disk is full.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRun } from '@selvage/shared/exec/run.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { SMALL_DISK_PARTS, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { recordWrites } from '../../scripts/faults/power-cut/record.ts';
import { checkStates } from '../../scripts/faults/power-cut/states.ts';
import { entryHash, GENESIS, verifyChain } from '../audit/chain.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { AT, hashOf, hostId, LATER } from './samples.ts';
import { openStore } from './store.ts';

const CHILD = fileURLToPath(new URL('./testing/open-child.ts', import.meta.url));
const SEED = Number(process.env.SELVAGE_FAULT_SEED ?? 1);
const STATES = Number(process.env.SELVAGE_FAULT_STATES ?? 60);
const HOSTS = 40;
const clock = fakeClock(AT);

/** As a collector of the first release left it: in WAL mode, closed. */
function firstRelease(file: string): void {
  const connection = new SQLite(file);
  connection.pragma('journal_mode = wal');
  migrate(connection, { migrations: MIGRATIONS.slice(0, 1), clock, file });
  const host = connection.prepare(
    `insert into hosts (id, name, state, mode, machineId, enrolledAt, certificate, certificateExpires, runnerKey)
     values (?, ?, 'active', 'managed', ?, ?, ?, ?, 'PEM')`,
  );
  const stream = connection.prepare("insert into streams (host, stream, sequence) values (?, 'results:s', ?)");
  const audit = connection.prepare('insert into audit values (?, ?, ?, ?, ?, ?, ?, ?)');
  let previous = GENESIS;
  for (let number = 1; number <= HOSTS; number++) {
    host.run(hostId(number), `host-${number}`, `m-${number}`, AT, hashOf(`${number}`), LATER);
    stream.run(hostId(number), number);
    const entry = {
      sequence: number,
      at: AT,
      actor: 'collector',
      action: 'host.enrolled',
      subject: `${number}`,
      details: {},
      previous,
    };
    previous = entryHash(entry);
    audit.run(number, AT, entry.actor, entry.action, entry.subject, '{}', entry.previous, previous);
  }
  connection.close();
}

/** Everything of the first release, in the newest schema. */
async function isWhole(file: string): Promise<void> {
  const store = await openStore({ file, clock, existing: true });
  const hosts = await store.read.hosts.list();
  const entries = await store.read.audit.after(0, 1000);
  const positions = await Promise.all(hosts.map(({ id }) => store.read.streams.position(id, 'results:s')));
  await store.close();

  expect(hosts.map(({ name, quarantine }) => [name, quarantine])).toHaveLength(HOSTS);
  expect(positions.reduce((sum, position) => sum + position, 0n)).toBe(BigInt((HOSTS * (HOSTS + 1)) / 2));
  expect(verifyChain(entries).checked).toBe(HOSTS);
  const connection = new SQLite(file, { readonly: true });
  expect(connection.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
  connection.close();
}

needs(['strace'], 'when the power goes away while a database is brought up to date', () => {
  it('every row is there in the newest schema after the next start', async () => {
    const folder = temporaryFolder('migrate-power');
    const file = join(folder, 'selvage.db');
    firstRelease(file);
    const recording = await recordWrites({
      folder,
      file: process.execPath,
      args: [CHILD, file],
      ignore: (path) => path.endsWith('-shm'),
    });
    expect(recording.operations.at(-1)).toEqual({ type: 'line', text: 'open' });

    await checkStates(recording, { seed: SEED, limit: STATES }, ({ folder: state }) =>
      isWhole(join(state, 'selvage.db')),
    );
  });
});

needs([...SMALL_DISK_PARTS], 'when the disk is full while a database is brought up to date', () => {
  it('says so and leaves the database as it was; with room again it is brought up to date', async () => {
    const disk = await smallDisk({ bytes: 2 * 1024 * 1024 });
    // SQLite follows the link of /proc by itself, so whoever opens the file must be inside.
    const [, keeper = ''] = /^[/]proc[/](\d+)[/]root/.exec(disk.path) ?? [];
    const inside = disk.path.slice(`/proc/${keeper}/root`.length);
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
    const run = createRun(process.env);
    const within = async (...args: readonly string[]) => {
      const { stdout } = await run({
        file: 'nsenter',
        args: ['-t', keeper, '--mount', ...user, '--', ...args],
        deadlineMs: 120_000,
      });

      return stdout;
    };
    const here = join(temporaryFolder('migrate-full'), 'selvage.db');
    firstRelease(here);
    mkdirSync(join(disk.path, 'db'));
    await within('cp', here, join(inside, 'db'));
    disk.fill();
    expect(await within(process.execPath, CHILD, join(inside, 'db/selvage.db'))).toBe('DISK_FULL\n');

    disk.free();
    expect(await within(process.execPath, CHILD, join(inside, 'db/selvage.db'))).toBe('open\n');
    await within('cp', '-r', join(inside, 'db'), `${here}-after`);
    await isWhole(join(`${here}-after`, 'selvage.db'));
  });
});
