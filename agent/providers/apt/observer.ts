// The observing half of the apt provider: what is installed, how true the lists are, what waits. Runs unprivileged, changes
// nothing on the host: apt works in the agent's own folders (see ./workspace.ts) as the unprivileged user.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Repository } from '@selvage/shared/model/package.ts';
import { type ListedRepository, listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Observer, RefreshOptions } from '../provider.ts';
import { readHostOptions, type UnprivilegedUser } from './apt-config.ts';
import { believe, type Problem } from './belief.ts';
import { DPKG_FOLDER, readInstalled } from './dpkg-database.ts';
import type { AskApt } from './index-records.ts';
import { type Listed, readListed } from './lists.ts';
import { withOrigins } from './origins.ts';
import { createAskApt, readPending } from './pending.ts';
import { type RefreshDeps, refreshLists, writeObserverConfig } from './refresh.ts';
import { type RefreshState, readRefreshState, writeRefreshState } from './refresh-state.ts';
import { readSources } from './source-files.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

export interface AptObserverOptions {
  /** `/` on a real host; in a lab the folder that holds `etc/apt` and `var/lib/dpkg`. */
  readonly root: string;
  /** The agent's folder for package lists; `apt/` below it is made and owned by this observer. */
  readonly stateDir: string;
  readonly run: Run;
  readonly clock: Clock;
  /** Whom apt runs as when the agent is root; null when the agent is an ordinary user itself. */
  readonly unprivileged: UnprivilegedUser | null;
  /** Milliseconds for which a list is believed after its last refresh (settings lists.maxAge). */
  readonly maxAge: number;
}

export function createAptObserver(options: AptObserverOptions): Observer {
  const { root, stateDir, clock, unprivileged } = options;

  const deps = async (workspace: Workspace): Promise<RefreshDeps> => {
    const host = await readHostOptions(options.run, root, workspace.scratch);

    return { run: options.run, clock, user: unprivileged, root, workspace, host };
  };
  const repositories = async (workspace: Workspace) => {
    const listed = listRepositories(await readSources(root));
    const state = await readRefreshState(workspace.state);

    return Promise.all(listed.map((repository) => describe(repository, workspace, state)));
  };
  const describe = async (repository: ListedRepository, workspace: Workspace, state: RefreshState) => {
    const record = state.get(repository.id) ?? null;
    const believed = (listed: Listed) =>
      believe({ repository, record, ...listed, now: clock.now(), maxAge: options.maxAge });

    try {
      return believed(await readListed(workspace.lists, repository));
    } catch (error) {
      const { code, message } = asCoded(error);
      const problem = { code, reason: message };

      return { ...believed({ release: null, signed: false }), problem, lastError: problem } satisfies Repository;
    }
  };

  return {
    name: 'apt',
    detect: () => exists(join(root, DPKG_FOLDER, 'status')),
    installed: () => readInstalled(root),
    repositories: async () => repositories(await openWorkspace(stateDir, unprivileged)),
    refresh: async (refresh: RefreshOptions) => {
      const workspace = await openWorkspace(stateDir, unprivileged);
      const entries = await readSources(root);
      const attempt = clock.now();
      const outcomes = await refreshLists(await deps(workspace), entries, refresh);
      await remember(workspace, listRepositories(entries), outcomes, attempt);

      return repositories(workspace);
    },
    withOrigins: async (installed) => {
      const workspace = await openWorkspace(stateDir, unprivileged);
      const listed = listRepositories(await readSources(root));
      const heads = await Promise.all(
        listed.map(async (one) => {
          const release = (await readListed(workspace.lists, one).catch(() => null))?.release ?? null;

          return release === null ? [] : [{ ...one, origin: release.origin, label: release.label }];
        }),
      );
      const ask: AskApt = async (...args) => {
        const own = await deps(workspace);
        await writeObserverConfig(own);

        return createAskApt(own)(...args);
      };

      return withOrigins({ lists: workspace.lists, repositories: heads.flat(), installed, ask });
    },
    pending: async () => {
      const workspace = await openWorkspace(stateDir, unprivileged);
      const known = await repositories(workspace);

      return readPending({
        root,
        workspace,
        repositories: known,
        installed: () => readInstalled(root),
        prepare: async () => {
          const own = await deps(workspace);
          await writeObserverConfig(own);

          return own;
        },
      });
    },
  };
}

/** Writes down what a refresh did; repositories that are no longer configured are forgotten. */
async function remember(
  workspace: Workspace,
  listed: readonly ListedRepository[],
  outcomes: ReadonlyMap<string, Problem | null>,
  attempt: Temporal.Instant,
): Promise<void> {
  const before = await readRefreshState(workspace.state);
  const records = await Promise.all(
    listed.map(async (repository) => {
      const old = before.get(repository.id);
      const error = outcomes.get(repository.id) ?? null;
      // What cannot be read here is told as the repository's problem when it is described.
      const date = (await readListed(workspace.lists, repository).catch(() => null))?.release?.date ?? null;
      const lastSuccess = error ? (old?.lastSuccess ?? null) : attempt;
      const newestDate = newer(old?.newestDate ?? null, error ? null : date);

      return [repository.id, { lastAttempt: attempt, lastSuccess, newestDate, error }] as const;
    }),
  );

  await writeRefreshState(workspace.state, new Map(records));
}

function newer(one: Temporal.Instant | null, other: Temporal.Instant | null): Temporal.Instant | null {
  if (!one || !other) return one ?? other;

  return Temporal.Instant.compare(one, other) < 0 ? other : one;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);

    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
