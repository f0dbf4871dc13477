// Kills the runner at every durable write and every call of the installer, before and after it, and starts it again until it
// rests. Never twice, never lost, never outside the window.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { describe, expect, it } from 'vitest';
import { runOnce } from './runner.ts';
import { durableFiles, type Files } from './state-file.ts';
import { type Bench, bench, IN_WINDOW, installedPackage, OPENSSL } from './testing/bench.ts';

class Killed extends Error {}

interface Cut {
  /** Counts every point that is passed. */
  points: number;
  readonly names: string[];
  /** The point to die at, null: none. */
  at: number | null;
  readonly dead: () => boolean;
}

/** Everything after the cut fails too: a dead process does nothing more. */
function cutter(at: number | null): Cut & { pass(name: string): void } {
  let dead = false;
  const cut = {
    points: 0,
    names: [] as string[],
    at,
    dead: () => dead,
    pass: (name: string) => {
      if (dead) throw new Killed(name);
      cut.names.push(name);
      if (cut.points++ === cut.at) {
        dead = true;
        throw new Killed(name);
      }
    },
  };

  return cut;
}

function cutFiles(cut: ReturnType<typeof cutter>): Files {
  const around = async (name: string, work: () => Promise<void>) => {
    cut.pass(`before ${name}`);
    await work();
    cut.pass(`after ${name}`);
  };

  return {
    write: (path, data, options) =>
      around(`write ${path.split('/').at(-1)}`, () => durableFiles.write(path, data, options)),
    remove: (path) => around(`remove ${path.split('/').at(-1)}`, () => durableFiles.remove(path)),
  };
}

/** The package manager itself lives on when the runner dies: what was begun is finished (or left half-done). */
function cutInstaller({ installer }: Bench, cut: ReturnType<typeof cutter>, half: boolean): void {
  const { install, repair, loadMirror } = installer;
  installer.loadMirror = async () => {
    cut.pass('before loadMirror');

    return loadMirror();
  };
  installer.install = async (packages, progress) => {
    cut.pass('before install');
    installer.during = async () => {
      if (!half) return;
      installer.packages = [installedPackage({ version: OPENSSL.version, state: 'half-configured' })];
      cut.pass('during install');
    };
    await install(packages, progress);
    cut.pass('after install');
  };
  installer.repair = async (progress) => {
    cut.pass('before repair');
    await repair(progress);
    cut.pass('after repair');
  };
}

/** Like a process: whatever it catches on its way out, it is gone. */
async function start(subject: Bench, cut: ReturnType<typeof cutter>): Promise<void> {
  try {
    await runOnce(subject.deps({ files: cutFiles(cut) }));
  } catch (error) {
    if (!cut.dead()) throw error;
  }
}

async function life(at: number | null, half: boolean): Promise<{ subject: Bench; cut: ReturnType<typeof cutter> }> {
  const subject = bench();
  subject.clock.setWall(IN_WINDOW);
  const cut = cutter(at);
  const { install, repair, loadMirror } = subject.installer;
  cutInstaller(subject, cut, half);
  await start(subject, cut);
  Object.assign(subject.installer, { install, repair, loadMirror, during: async () => undefined });
  if (at !== null) {
    await start(subject, cutter(null));
    await start(subject, cutter(null));
  }

  return { subject, cut };
}

describe.each([false, true])('when the runner is killed (package manager half-done: %s)', (half) => {
  it('at every point: never twice, never lost, and the numbers have no gap', async () => {
    const { cut: whole } = await life(null, half);
    expect(whole.points).toBeGreaterThan(20);

    for (let at = 0; at < whole.points; at++) {
      const { subject, cut } = await life(at, half);
      const where = `killed ${cut.names.at(-1)} (${at})`;
      const results = subject.results();
      const installs = subject.installer.acts.filter((act) => act.act === 'install').length;

      expect(results.at(-1)?.outcome, where).toBe('installed');
      expect(
        results.filter((result) => result.outcome === 'installed'),
        where,
      ).toHaveLength(1);
      expect(
        results.map((result) => result.number),
        where,
      ).toEqual(results.map((_, index) => index + 1));
      expect(installs, where).toBe(1);
      expect(subject.installer.packages, where).toMatchObject([{ version: OPENSSL.version, state: 'installed' }]);
      expect(existsSync(join(subject.runner, 'journal.json')), where).toBe(false);
    }
  });
});

describe('when the runner is killed and the window closes before it starts again', () => {
  it('finishes what was begun, and begins nothing', async () => {
    const { cut: whole } = await life(null, true);

    for (let at = 0; at < whole.points; at++) {
      const subject = bench();
      subject.clock.setWall(IN_WINDOW);
      const cut = cutter(at);
      const { install, repair, loadMirror } = subject.installer;
      cutInstaller(subject, cut, true);
      await start(subject, cut);
      Object.assign(subject.installer, { install, repair, loadMirror, during: async () => undefined });
      subject.clock.setWall('2026-11-24T05:00:00Z');
      await start(subject, cutter(null));
      await start(subject, cutter(null));
      const where = `killed ${cut.names.at(-1)} (${at})`;

      for (const act of subject.installer.acts.filter(({ act }) => act === 'install')) {
        expect(act.at, where).toBe(IN_WINDOW);
      }
      expect(
        subject.installer.packages.every((item) => item.state === 'installed'),
        where,
      ).toBe(true);
      expect(subject.results().filter((result) => result.outcome === 'installed').length, where).toBe(
        subject.installer.acts.some(({ act }) => act === 'install') ? 1 : 0,
      );
    }
  });
});

describe('when the package manager of a killed runner is still at work', () => {
  it('waits for it, touches nothing, and reports afterwards', async () => {
    const subject = bench();
    subject.clock.setWall(IN_WINDOW);
    const cut = cutter(null);
    const { install } = subject.installer;
    subject.installer.install = async () => {
      cut.at = cut.points;
      cut.pass('during install');
    };
    await start(subject, cut);
    subject.installer.install = install;
    subject.installer.fail.interrupted = new CodedError('PACKAGE_MANAGER_LOCKED', 'process 4711 holds the lock');

    expect(await runOnce(subject.deps())).toEqual([]);
    expect(existsSync(join(subject.runner, 'journal.json'))).toBe(true);
    subject.installer.packages = [installedPackage({ version: OPENSSL.version })];
    expect(await runOnce(subject.deps())).toMatchObject([{ outcome: 'installed' }]);
    expect(subject.installer.acts).toEqual([]);
  });
});
