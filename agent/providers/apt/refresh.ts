// One refresh of the agent's own package lists with the real apt-get, as an unprivileged user. It takes no lock of the
// host, runs no hook of it and changes nothing outside the workspace; it is no transaction, so it may be ended at any time.
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { writeDurable } from '@selvage/shared/files/durable.ts';
import { type ListedRepository, listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { renderSources, type SourceEntry } from '@selvage/shared/packages/apt-sources.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { RefreshOptions } from '../provider.ts';
import { type AptOption, type UnprivilegedUser, underConfig, writeAptConfig } from './apt-config.ts';
import type { Problem } from './belief.ts';
import { partialSizes, watchBudget } from './byte-budget.ts';
import { indexChanged, removeStrangers } from './lists.ts';
import { saysFull } from './no-space.ts';
import { splitRuns } from './refresh-runs.ts';
import { readUpdateOutput, type UpdateVerdict } from './update-output.ts';
import type { Workspace } from './workspace.ts';

export interface RefreshDeps {
  readonly run: Run;
  readonly clock: Clock;
  readonly user: UnprivilegedUser | null;
  readonly root: string;
  readonly workspace: Workspace;
  /** Kept options of the host, from readHostOptions. */
  readonly host: readonly AptOption[];
}

/** A few kilobytes of progress; the files themselves never come through the pipe. */
const OUTPUT_LIMIT = 4 * 1024 * 1024;
/** Of apt-get itself: done, and failed with an error that it printed. */
const OWN_EXITS: readonly number[] = [0, 100];

/** Written before the host's own options: what the host says about time-outs and retries wins. */
const DEFAULTS: readonly AptOption[] = [
  { name: 'Acquire::Retries', value: '1' },
  { name: 'Acquire::http::Timeout', value: '20' },
  { name: 'Acquire::https::Timeout', value: '20' },
];
/** Written last. Whether an index is too old or from the future is judged by Selvage, also where the host does not care. */
const ENFORCED: readonly AptOption[] = [
  { name: 'Acquire::Check-Valid-Until', value: 'false' },
  { name: 'Acquire::Check-Date', value: 'false' },
  { name: 'Acquire::AllowInsecureRepositories', value: 'false' },
  { name: 'Acquire::AllowWeakRepositories', value: 'false' },
  { name: 'Acquire::AllowDowngradeToInsecureRepositories', value: 'false' },
  // apt 2.6 waits for ever after a server error when it may delay a retry.
  { name: 'Acquire::Retries::Delay', value: 'false' },
  { name: 'Acquire::GzipIndexes', value: 'true' },
  { name: 'Acquire::cdrom::AutoDetect', value: 'false' },
  { name: 'Acquire::cdrom::NoMount', value: 'true' },
];
/** For a run that sees only some of the sources. */
const PARTIAL: readonly AptOption[] = [
  { name: 'APT::Get::List-Cleanup', value: 'false' },
  // The cache is built when it is asked for, over all lists.
  { name: 'pkgCacheFile::Generate', value: 'false' },
];

/** Files of one refresh: they name a part of the sources, so nobody else may ever read by them. */
interface PartFiles {
  readonly config: string;
  readonly sources: string;
}

/** Configuration of the apt that reads the agent's own lists; with `part`, of one that fetches only those sources. */
export async function writeObserverConfig(deps: RefreshDeps, part?: PartFiles): Promise<void> {
  const { root, host, workspace, user } = deps;
  const { lists, cache } = workspace;
  const base = { root, lists, cache, host: [...DEFAULTS, ...host] };

  if (part === undefined) await writeAptConfig(workspace.config, { ...base, options: ENFORCED }, user);
  else {
    const options = [...ENFORCED, ...PARTIAL];
    await writeAptConfig(part.config, { ...base, options, sourceList: part.sources }, user);
  }
}

/** What happened to each repository: null is a success. A general failure of apt is that of every one without its own. */
export async function refreshLists(
  deps: RefreshDeps,
  entries: readonly SourceEntry[],
  options: RefreshOptions,
): Promise<ReadonlyMap<string, Problem | null>> {
  const runs = splitRuns(entries);
  const started = deps.clock.monotonic();
  const outcomes = new Map<string, Problem | null>();
  const files = partFiles(deps.workspace);
  let brought = 0;

  try {
    for (const [index, run] of runs.entries()) {
      // Sources may hold passwords: only the user that apt runs as may read them.
      await writeDurable(files.sources, renderSources(run), deps.user ? { owner: deps.user } : {});
      await writeObserverConfig(deps, files);

      // A hung server uses up its share of the time, not that of the others.
      const left = options.deadline - (deps.clock.monotonic() - started);
      const deadline = Math.max(1, left / (runs.length - index));
      const budget = options.byteBudget - brought;
      const part = await refreshPart(deps, files.config, listRepositories(run), { deadline, byteBudget: budget });
      brought += part.bytes;
      for (const [id, problem] of part.outcomes) outcomes.set(id, outcomes.get(id) ?? problem);
    }
  } finally {
    await Promise.all([files.config, files.sources].map((path) => rm(path, { force: true })));
  }

  await removeStrangers(deps.workspace.lists, listRepositories(entries));

  return outcomes;
}

function partFiles(workspace: Workspace): PartFiles {
  const name = `${workspace.parts}-${randomUUID()}`;

  return { config: `${name}.conf`, sources: `${name}.sources` };
}

async function refreshPart(
  deps: RefreshDeps,
  config: string,
  repositories: readonly ListedRepository[],
  options: RefreshOptions,
): Promise<{ readonly outcomes: ReadonlyMap<string, Problem | null>; readonly bytes: number }> {
  const before = await changes(deps, repositories);
  const { lines, ended, bytes } = await runUpdate(deps, config, options);
  const after = await changes(deps, repositories);
  const { verdicts, general } = readUpdateOutput(lines, repositories);

  const outcomes = new Map(
    repositories.map(({ id }) => {
      const there = after.get(id) !== null;
      const committed = there && after.get(id) !== before.get(id);

      return [id, judge(verdicts.get(id), { there, committed, general, ended })] as const;
    }),
  );

  return { outcomes, bytes };
}

function judge(
  verdict: UpdateVerdict | undefined,
  facts: {
    readonly there: boolean;
    readonly committed: boolean;
    readonly general: readonly string[];
    readonly ended: Problem | null;
  },
): Problem | null {
  if (verdict?.error) return verdict.error;
  // apt moves files into the lists at the end of a run, and those of a repository together: what was moved is whole.
  if (facts.ended) return facts.committed || (verdict?.hit && facts.there) ? null : facts.ended;
  if (facts.general.length > 0) {
    const code = facts.general.some(saysFull) ? 'DISK_FULL' : 'PACKAGE_MANAGER_FAILED';

    return { code, reason: facts.general.join('; ') };
  }
  if (!verdict?.reached) return { code: 'REPOSITORY_UNREACHABLE', reason: 'apt-get said nothing about it' };

  return facts.there ? null : { code: 'REPOSITORY_NEVER_FETCHED', reason: 'apt-get kept no index of it' };
}

/** Runs apt-get to its end, its deadline or its budget. Throws only when it could not be started. */
async function runUpdate(
  deps: RefreshDeps,
  config: string,
  { deadline, byteBudget }: RefreshOptions,
): Promise<{ readonly lines: readonly string[]; readonly ended: Problem | null; readonly bytes: number }> {
  const lines: string[] = [];
  const watching = new AbortController();
  const stopping = new AbortController();
  let spent: Problem | null = null;
  let ended: Problem | null = null;
  const partial = join(deps.workspace.lists, 'partial');
  const budget = watchBudget({
    partial,
    before: await partialSizes(partial),
    budget: byteBudget,
    clock: deps.clock,
    stopped: watching.signal,
    exceeded: (bytes) => {
      spent = {
        code: 'BYTE_BUDGET',
        reason: `the refresh brought ${bytes} bytes, more than the ${byteBudget} allowed`,
      };
      stopping.abort(new CodedError('BYTE_BUDGET', spent.reason));
    },
  });

  try {
    const { exitCode } = await deps.run({
      // Also when this process is killed, the door ends apt-get: a hung one would hold the lock of the lists for ever.
      file: 'apt-get',
      ...underConfig(config, ['update', '-q']),
      cwd: '/',
      deadlineMs: deadline,
      outputLimit: OUTPUT_LIMIT,
      onLine: (line) => lines.push(line),
      signal: stopping.signal,
      ...deps.user,
    });
    // What it printed before something killed it (the kernel, say, for want of memory) reads like a success.
    if (!OWN_EXITS.includes(exitCode)) {
      ended = { code: 'PACKAGE_MANAGER_FAILED', reason: `apt-get was ended from outside (exit code ${exitCode})` };
    }
  } catch (error) {
    const isEnded = hasCode(error, 'PROCESS_DEADLINE') || hasCode(error, 'PROCESS_OUTPUT_LIMIT');
    if (!spent && !isEnded) throw error;
    ended = spent ?? { code: asCoded(error).code, reason: asCoded(error).message };
  } finally {
    watching.abort();
  }

  return { lines, ended, bytes: await budget };
}

async function changes(
  deps: RefreshDeps,
  repositories: readonly ListedRepository[],
): Promise<ReadonlyMap<string, bigint | null>> {
  return new Map(
    await Promise.all(
      repositories.map(async (repository) => {
        return [repository.id, await indexChanged(deps.workspace.lists, repository)] as const;
      }),
    ),
  );
}
