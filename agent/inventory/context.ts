// What every section of the inventory may use: the host's files, processes and providers. Read at most once per inventory.
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import type { InstalledPackage, Repository } from '@selvage/shared/model/package.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Observer } from '../providers/provider.ts';
import type { Settings } from '../settings.ts';
import { createKnownOwners } from './known-owners.ts';
import type { Owners } from './owners.ts';
import { type ProcessFacts, readProcesses } from './processes.ts';

export interface InventoryOptions {
  readonly settings: Pick<Settings, 'root' | 'mode' | 'labels' | 'zone'>;
  /** Observers of the package managers this host has, from detectObservers(). */
  readonly observers: readonly Observer[];
  readonly run: Run;
  readonly clock: Clock;
  readonly agentVersion: string;
  /** The lock file of the installation, for the components the agent brings; null when there is none. */
  readonly lockfile: string | null;
  /** Where the hardware is remembered until the next boot or day; null: it is asked each time. */
  readonly hardwareFile: string | null;
  /** Where a takeover keeps its state; null or left out: nothing is said of one. */
  readonly takeoverFile?: string | null;
  /** Where the owners of paths are remembered until dpkg changes something; null: they are looked up each time. */
  readonly ownersFile: string | null;
  /** Where the kernel shows processes; another folder only in tests. */
  readonly proc?: string;
}

export interface InventoryContext extends Omit<InventoryOptions, 'proc'> {
  readonly proc: string;
  /** A path below the root whose packages are managed. */
  at(path: string): string;
  installed(): Promise<readonly InstalledPackage[]>;
  repositories(): Promise<readonly Repository[]>;
  processes(): Promise<readonly ProcessFacts[]>;
  /** The package of each path that has one. */
  owners(paths: readonly string[]): Promise<Owners>;
}

export function createContext(options: InventoryOptions): InventoryContext {
  const { root } = options.settings;
  const proc = options.proc ?? '/proc';
  const all = async <T>(ask: (observer: Observer) => Promise<readonly T[]>): Promise<readonly T[]> =>
    (await Promise.all(options.observers.map(ask))).flat();

  return {
    ...options,
    proc,
    at: (path) => join(root, path),
    installed: once(() => all((observer) => observer.installed())),
    repositories: once(() => all((observer) => observer.repositories())),
    processes: once(() => readProcesses(proc, root)),
    owners: ownersBy(
      createKnownOwners({ dpkg: join(root, 'var/lib/dpkg'), file: options.ownersFile, clock: options.clock }),
      options.observers,
    ),
  };
}

/** By dpkg's file lists, and of what they do not know by whoever else keeps packages here. */
function ownersBy(
  byLists: InventoryContext['owners'],
  observers: InventoryOptions['observers'],
): InventoryContext['owners'] {
  return async (paths) => {
    const found = new Map(await byLists(paths));
    for (const observer of observers) {
      const left = paths.filter((path) => !found.has(path));
      if (left.length === 0 || !observer.owners) continue;
      for (const [path, owner] of await observer.owners(left)) found.set(path, owner);
    }

    return found;
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;

  return () => {
    made ??= make();

    return made;
  };
}
