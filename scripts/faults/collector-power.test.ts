// The power goes away while a collector is made, backed up or restored: the real commands, and the real commands again after it.
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { expect, it } from 'vitest';
import { homeAt } from '../../collector/home.ts';
import { openHomeStore } from '../../collector/home-store.ts';
import { main } from '../../collector/main.ts';
import { hostSample } from '../../collector/store/samples.ts';
import { openStore } from '../../collector/store/store.ts';
import { recordWrites } from './power-cut/record.ts';
import { type CrashState, checkStates } from './power-cut/states.ts';

const SELVAGE = join(import.meta.dirname, '../../collector/bin/selvage.mjs');
const SEED = Number(process.env.SELVAGE_FAULT_SEED ?? 1);
const STATES = Number(process.env.SELVAGE_FAULT_STATES ?? 60);
const DEADLINE_MS = 300_000;
const INIT = ['init', '--name', '127.0.0.1', '--listen', '127.0.0.1', '--gateway-port', '0', '--api-port', '0'];

async function selvage(args: readonly string[], home: string) {
  let output = '';
  const sink = {
    write: (text: string) => {
      output += text;
    },
  };
  const exit = await main(args, { env: { SELVAGE_HOME: home }, stdout: sink, stderr: sink });

  return { exit, output };
}

/** The names of its hosts, when a collector would start there; otherwise the code of the refusal. */
async function startsWith(home: string): Promise<readonly string[] | string> {
  try {
    const store = await openHomeStore(homeAt(home), { clock: systemClock, log: silentLog });
    try {
      return (await store.read.hosts.list()).map(({ name }) => name);
    } finally {
      await store.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

async function record(folder: string, args: readonly string[]) {
  return recordWrites({
    folder,
    file: process.execPath,
    args: [SELVAGE, ...args],
    env: { SELVAGE_HOME: join(folder, 'home') },
    ignore: (path) => path.endsWith('-shm'),
  });
}

async function addHost(home: string, number: number): Promise<void> {
  const store = await openStore({ file: homeAt(home).collector.database, clock: systemClock });
  await store.transaction((w) => w.hosts.add(hostSample(number)));
  await store.close();
}

needs(['strace'], 'when the power goes away while the files of a collector are handled', () => {
  it(
    'an init that was cut off is done anew, and one that was said to be done is',
    async () => {
      const folder = temporaryFolder('power-init');
      const recording = await record(folder, INIT);
      await checkStates(recording, { seed: SEED, limit: STATES }, async ({ folder: state, printed }) => {
        const home = join(state, 'home');
        const again = await selvage(INIT, home);
        if (printed.length > 0) expect(again.output).toContain('ALREADY_EXISTS: there is a collector');
        else if (again.exit !== 0) expect(again.output).toContain('ALREADY_EXISTS: there is a collector');
        expect(await startsWith(home)).toEqual([]);
      });
    },
    DEADLINE_MS,
  );

  it(
    'a backup is whole or is not there',
    async () => {
      const folder = temporaryFolder('power-backup');
      const home = join(folder, 'home');
      expect(await selvage(INIT, home)).toMatchObject({ exit: 0 });
      await addHost(home, 1);
      const recording = await record(folder, ['backup', join(folder, 'backup')]);
      await checkStates(recording, { seed: SEED, limit: STATES }, async ({ folder: state, printed }) => {
        const backup = join(state, 'backup');
        if (!existsSync(backup)) {
          expect(printed).toEqual([]);
        } else {
          expect(await selvage(['restore', backup], join(state, 'other'))).toMatchObject({ exit: 0 });
          expect(await startsWith(join(state, 'other'))).toEqual(['host-1']);
        }
        expect(await startsWith(join(state, 'home'))).toEqual(['host-1']);
      });
    },
    DEADLINE_MS,
  );

  it(
    'a restore leaves the old collector, the new one, or one that refuses to start until it is run again',
    async () => {
      const folder = temporaryFolder('power-restore');
      const home = join(folder, 'home');
      const backup = join(folder, 'backup');
      expect(await selvage(INIT, home)).toMatchObject({ exit: 0 });
      await addHost(home, 1);
      expect(await selvage(['backup', backup], home)).toMatchObject({ exit: 0 });
      await addHost(home, 2);
      const recording = await record(folder, ['restore', backup]);
      await checkStates(recording, { seed: SEED, limit: STATES }, async (state) => restoredOrNot(state));
    },
    DEADLINE_MS,
  );
});

async function restoredOrNot({ folder, printed }: CrashState): Promise<void> {
  const home = join(folder, 'home');
  const found = await startsWith(home);
  const [before, after] = [['host-1', 'host-2'], ['host-1']];
  if (printed.length > 0) expect(found).toEqual(after);
  expect([before, after, 'STORE_CORRUPT']).toContainEqual(found);
  // No new collector in its place, whatever is missing.
  expect((await selvage(INIT, home)).output).toContain('ALREADY_EXISTS');
  if (found !== 'STORE_CORRUPT') return;

  // What was there is kept, and the way forward is open.
  const aside = readdirSync(home).find((name) => name.startsWith('replaced-')) ?? '';
  expect(existsSync(join(home, aside, 'collector/selvage.db'))).toBe(true);
  expect(await selvage(['restore', join(folder, 'backup')], home)).toMatchObject({ exit: 0 });
  expect(await startsWith(home)).toEqual(after);
  const kept = join(home, 'kept');
  mkdirSync(kept);
  renameSync(join(home, aside, 'collector'), join(kept, 'collector'));
  expect(await startsWith(dirname(join(kept, 'x')))).toEqual(before);
}
