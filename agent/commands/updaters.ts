// What takeover, release and the runner need of this host's other updaters, built; and the lock both commands take.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { makeFolder } from '@selvage/shared/files/durable.ts';
import { refuseForeignFolder } from '@selvage/shared/files/own-folder.ts';
import { OPEN_FOLDER } from '../runner/deps.ts';
import { runnerFolders } from '../runner/folders.ts';
import { takeLock } from '../runner/lock.ts';
import type { OtherUpdaters } from '../runner/others.ts';
import { durableFiles } from '../runner/state-file.ts';
import type { Settings } from '../settings.ts';
import { updaterHost } from '../updaters/host.ts';
import { lookForUpdaters } from '../updaters/list.ts';
import { inTheWay } from '../updaters/takeover/plan.ts';
import { release } from '../updaters/takeover/release.ts';
import { readTakeover, takeoverFacts, takeoverFile } from '../updaters/takeover/state.ts';
import { type TakeoverDoor, takeOver } from '../updaters/takeover/take.ts';
import type { Context } from './context.ts';

export function takeoverDoor({ run, clock }: Pick<Context, 'run' | 'clock'>, settings: Settings): TakeoverDoor {
  const { root, zone, runnerDir } = settings;

  return {
    host: () => updaterHost({ root, zone, run, clock }),
    file: takeoverFile(runnerDir),
    now: () => clock.now(),
    files: durableFiles,
  };
}

/** For the runner, which holds its lock when it acts. */
export function otherUpdaters(context: Pick<Context, 'run' | 'clock'>, settings: Settings): OtherUpdaters {
  return othersOf(takeoverDoor(context, settings));
}

export function othersOf(door: TakeoverDoor): OtherUpdaters {
  return {
    inTheWay: async () => inTheWay(await lookForUpdaters(door.host())).map(({ name }) => name),
    takeover: async () => takeoverFacts(await readTakeover(door.file)),
    finish: async () => {
      const saved = await readTakeover(door.file);
      if (saved?.state === 'taking') await takeOver(door);
      if (saved?.state === 'releasing') await release(door, saved.towards);
    },
    takeOver: async () => (await takeOver(door)).remaining,
    handBack: async () => void (await release(door, 'fallback')),
  };
}

/** Alone with the runner's folder. Throws USAGE for an ordinary user and PACKAGE_MANAGER_LOCKED while a runner is at work. */
export async function alone<T>(settings: Settings, name: string, work: () => Promise<T>): Promise<T> {
  if (settings.root === '/' && process.geteuid?.() !== 0) {
    throw new CodedError('USAGE', `${name} changes units of the system: only root can`, {
      next: `sudo selvage-agent ${name}; or look only: selvage-agent ${name} --dry-run`,
    });
  }
  const folders = runnerFolders(settings);
  await makeFolder(folders.runner, OPEN_FOLDER);
  if (settings.root === '/') await refuseForeignFolder(folders.runner);
  const lock = await takeLock(folders.lock);
  if (lock === null) {
    throw new CodedError('PACKAGE_MANAGER_LOCKED', 'a runner is at work; nothing was changed', {
      next: 'run it again when the runner has ended',
    });
  }

  try {
    return await work();
  } finally {
    await lock.release();
  }
}
