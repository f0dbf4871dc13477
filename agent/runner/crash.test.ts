// Kills the runner at every durable write and every call of the installer, before and after it, and starts it again until it
// rests. Never twice, never lost, never outside the window.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { describe, expect, it } from 'vitest';
import { STATES, type State, TRANSITIONS } from './machine.ts';
import { runOnce } from './runner.ts';
import { durableFiles, type Files } from './state-file.ts';
import { type Bench, bench, IN_WINDOW, installedPackage, type MemoryInstaller, OPENSSL } from './testing/bench.ts';

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
      around(`write ${nameOf(path, data)}`, () => durableFiles.write(path, data, options)),
    remove: (path) => around(`remove ${path.split('/').at(-1)}`, () => durableFiles.remove(path)),
  };
}

/** The journal is named by the state that is written into it. */
function nameOf(path: string, data: Uint8Array | string): string {
  const name = path.split('/').at(-1) ?? '';

  return name === 'journal.json' ? JSON.parse(String(data)).state : name;
}

/** The package manager itself lives on when the runner dies: what was begun is finished (or left half-done). */
function cutInstaller({ installer }: Bench, cut: ReturnType<typeof cutter>, half: boolean): void {
  const { install, repair, loadMirror, prepare } = installer;
  installer.loadMirror = async () => {
    cut.pass('before loadMirror');

    return loadMirror();
  };
  installer.prepare = async (packages, options) => {
    cut.pass('before prepare');
    await prepare(packages, options);
    cut.pass('after prepare');
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
async function start(subject: Bench, cut: ReturnType<typeof cutter>, files = cutFiles(cut)): Promise<void> {
  try {
    await runOnce(subject.deps({ files }));
  } catch (error) {
    if (!cut.dead()) throw error;
  }
}

function restore({ installer }: Bench, { install, repair, loadMirror, prepare }: MemoryInstaller): void {
  Object.assign(installer, { install, repair, loadMirror, prepare, during: async () => undefined });
}

async function life(at: number | null, half: boolean): Promise<{ subject: Bench; cut: ReturnType<typeof cutter> }> {
  const subject = bench();
  subject.clock.setWall(IN_WINDOW);
  const cut = cutter(at);
  const whole = { ...subject.installer };
  cutInstaller(subject, cut, half);
  await start(subject, cut);
  restore(subject, whole);
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
      const whole = { ...subject.installer };
      cutInstaller(subject, cut, true);
      await start(subject, cut);
      restore(subject, whole);
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

/** The point in a life at which packages are half installed. */
let halfDone: number | undefined;

/** A start that finds a half-done installation, killed at `at`, and two more after it. */
async function recoveringLife(at: number | null): Promise<{ subject: Bench; cut: ReturnType<typeof cutter> }> {
  halfDone ??= (await life(null, true)).cut.names.indexOf('during install');
  const subject = bench();
  subject.clock.setWall(IN_WINDOW);
  const first = cutter(halfDone);
  const whole = { ...subject.installer };
  cutInstaller(subject, first, true);
  await start(subject, first);
  restore(subject, whole);
  const cut = cutter(at);
  cutInstaller(subject, cut, false);
  await start(subject, cut);
  restore(subject, whole);
  await start(subject, cutter(null));
  await start(subject, cutter(null));

  return { subject, cut };
}

/** A run whose window closes while it saves what a rollback needs, killed at `at`, and one more in the next window. */
async function stoppedLife(at: number | null): Promise<{ subject: Bench; cut: ReturnType<typeof cutter> }> {
  const subject = bench();
  subject.clock.setWall(IN_WINDOW);
  const cut = cutter(at);
  const files = cutFiles(cut);
  const write: Files['write'] = async (path, data, options) => {
    if (path.endsWith('-1.json')) subject.clock.setWall('2026-11-24T05:00:00Z');
    await files.write(path, data, options);
  };
  const whole = { ...subject.installer };
  cutInstaller(subject, cut, false);
  await start(subject, cut, { ...files, write });
  restore(subject, whole);
  subject.clock.setWall('2026-11-24T05:00:00Z');
  await start(subject, cutter(null));
  expect(subject.installer.acts).toEqual([]);
  subject.clock.setWall('2026-11-25T01:30:00Z');
  await start(subject, cutter(null));

  return { subject, cut };
}

describe.each([
  ['in a start that repairs what an earlier one left', recoveringLife],
  ['in a run that stops before it installs', stoppedLife],
] as const)('when the runner is killed %s', (_, again) => {
  it('at every point: never twice, never lost', async () => {
    const { cut: whole } = await again(null);
    expect(whole.points).toBeGreaterThan(8);

    for (let at = 0; at < whole.points; at++) {
      const { subject, cut } = await again(at);
      const where = `killed ${cut.names.at(-1)} (${at})`;
      const results = subject.results();

      expect(
        results.filter((result) => result.outcome === 'installed'),
        where,
      ).toHaveLength(1);
      expect(
        results.map((result) => result.number),
        where,
      ).toEqual(results.map((_, index) => index + 1));
      expect(subject.installer.acts.filter(({ act }) => act === 'install').length, where).toBe(1);
      expect(existsSync(join(subject.runner, 'journal.json')), where).toBe(false);
    }
  });
});

describe('when the table of states is held against the points of death', () => {
  /** A point at which a run is in that state. A new state without one does not compile, and fails here. */
  const DIES: Readonly<Record<State, readonly ['whole' | 'recovering' | 'stopped', string]>> = {
    Selected: ['whole', 'before loadMirror'],
    Planned: ['whole', 'before prepare'],
    Checked: ['whole', 'after prepare'],
    IntentRecorded: ['whole', 'after write IntentRecorded'],
    RollbackSaved: ['whole', 'after write RollbackSaved'],
    InstallStarted: ['whole', 'before install'],
    InstallEnded: ['whole', 'after write InstallEnded'],
    Interrupted: ['recovering', 'before repair'],
    Repaired: ['recovering', 'after repair'],
    Examined: ['whole', 'before write ResultSigned'],
    Stopped: ['stopped', 'after remove journal.json'],
    ResultSigned: ['whole', 'after write ResultSigned'],
    Reported: ['whole', 'before remove journal.json'],
    Cleared: ['whole', 'after remove journal.json'],
  };

  it('there is one in every state, so on both sides of every transition', async () => {
    const lives = {
      whole: (await life(null, false)).cut.names,
      recovering: (await recoveringLife(null)).cut.names,
      stopped: (await stoppedLife(null)).cut.names,
    };
    const missing = STATES.filter((state) => {
      const [kind, point] = DIES[state];

      return !lives[kind].includes(point);
    });
    const points = TRANSITIONS.map(({ from, to }) => [DIES[from].join(' '), DIES[to].join(' ')]);

    expect(missing).toEqual([]);
    expect(points.filter(([from, to]) => from === to)).toEqual([]);
    expect(new Set(STATES.map((state) => DIES[state].join(' '))).size).toBe(STATES.length);
  });
});
