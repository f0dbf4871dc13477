// What a pass of the runner needs from outside, and what it opens for itself. Only a main builds the adapters.
import { makeFolder } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { keyHash, publicKeyOf } from '@selvage/shared/pki/keys.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Installer } from '../providers/provider.ts';
import type { Settings } from '../settings.ts';
import { type FirstSeen, openFirstSeen } from './first-seen.ts';
import { type RunnerFolders, runnerFolders } from './folders.ts';
import { type Journal, openJournal } from './journal.ts';
import type { OthersNow, OtherUpdaters } from './others.ts';
import type { CompareVersions } from './planner.ts';
import { openReserve, type Reserve } from './reserve.ts';
import { openResults, type Results, readKey } from './results.ts';
import type { HostFacts } from './selection.ts';
import { durableFiles, type Files } from './state-file.ts';
import { type FlooredClock, openFlooredClock } from './time-floor.ts';
import type { Uptime } from './uptime.ts';

export type Evidence = Omit<NonNullable<RunResult['evidence']>, 'packages'>;

export interface RunnerDeps {
  readonly settings: Pick<Settings, 'mode' | 'labels' | 'root' | 'stateDir' | 'runnerDir' | 'zone'>;
  /** Identity as the runner knows it; a ring is worked out from it, so it must not come from the connector at will. */
  readonly host: Omit<HostFacts, 'labels' | 'key'>;
  readonly installer: Installer;
  readonly compare: CompareVersions;
  /** Fresh: what still runs old code, and whether a reboot is needed. */
  readonly evidence: () => Promise<Evidence>;
  /** What else may update this host by itself. */
  readonly updaters: OtherUpdaters;
  readonly clock: Clock;
  readonly uptime: () => Uptime;
  readonly log: Log;
  /** Aborted: no further approval is begun. What was begun goes on to its end. */
  readonly stop?: AbortSignal;
  /** Default: durable writes. */
  readonly files?: Files;
}

export interface Parts {
  readonly deps: RunnerDeps;
  readonly host: HostFacts;
  readonly folders: RunnerFolders;
  /** Durable writes; on a full disk they take the reserve. */
  readonly files: Files;
  readonly reserve: Reserve;
  readonly clock: FlooredClock;
  readonly journal: Journal;
  readonly results: Results;
  readonly firstSeen: FirstSeen;
  /** Installed packages, read once until something may have changed them. */
  readonly installed: Kept<readonly InstalledPackage[]>;
  /** Other updaters, looked for once until a step needs it to be true now. */
  readonly others: Kept<OthersNow>;
}

/** A value that is worked out once and kept until it is dropped. */
export interface Kept<T> {
  get(): Promise<T>;
  drop(): void;
}

/** The results and lists are read by the unprivileged half, so its folders may be entered by others. */
export const OPEN_FOLDER = 0o755;

export async function openParts(deps: RunnerDeps): Promise<Parts> {
  const folders = runnerFolders(deps.settings);
  const reserve = openReserve(folders.reserve, deps.files ?? durableFiles);
  const { files } = reserve;
  await makeFolder(folders.runner, OPEN_FOLDER);
  await makeFolder(folders.results, OPEN_FOLDER);
  await makeFolder(folders.accepted);
  await makeFolder(folders.rollback);

  return {
    deps,
    host: { ...deps.host, labels: deps.settings.labels, key: keyHash(publicKeyOf(await readKey(folders.key))) },
    folders,
    files,
    reserve,
    clock: await openFlooredClock(deps.clock, deps.uptime, folders.clock, files),
    journal: openJournal(folders.journal, files),
    results: await openResults(folders, files),
    firstSeen: await openFirstSeen(folders.firstSeen, files),
    installed: kept(() => deps.installer.installed()),
    others: kept(async () => ({
      inTheWay: await deps.updaters.inTheWay(),
      takeover: await deps.updaters.takeover(),
    })),
  };
}

export function kept<T>(make: () => Promise<T>): Kept<T> {
  let value: Promise<T> | null = null;

  return {
    get: () => {
      value ??= make();

      return value;
    },
    drop: () => {
      value = null;
    },
  };
}
