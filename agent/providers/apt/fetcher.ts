// The unprivileged half that reaches the network: brings exactly the wanted packages and the signed indexes they are in, and
// lays them out as a mirror folder per repository. Nothing it writes is believed by the runner; apt verifies it again there.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno, makeFolder, readBounded } from '@selvage/shared/files/durable.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { type ListedRepository, listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Fetcher, FetchRequest } from '../provider.ts';
import { readHostOptions, type UnprivilegedUser, underConfig } from './apt-config.ts';
import { findFiles, type IndexedFile, type IndexTarget, parseTargets, TARGET_FORMAT } from './index-file.ts';
import { mirrorKey, suiteFolder } from './mirror.ts';
import { MIRROR_FILE, MIRROR_FOLDER, putFile, putFolder } from './mirror-files.ts';
import { createAptObserver } from './observer.ts';
import { writeObserverConfig } from './refresh.ts';
import { readSources } from './source-files.ts';
import { namedFull, refuseFull } from './space.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

export interface AptFetcherOptions {
  readonly root: string;
  readonly stateDir: string;
  /** Folder of the mirrors; only the fetcher writes it. */
  readonly packages: string;
  readonly run: Run;
  readonly clock: Clock;
  readonly unprivileged: UnprivilegedUser | null;
  readonly lists: { readonly maxAge: number; readonly byteBudget: number };
}

/** One repository with what is wanted of it. */
interface Part {
  readonly repository: ListedRepository;
  readonly targets: readonly IndexTarget[];
  readonly files: readonly IndexedFile[];
}

const REFRESH_DEADLINE_MS = 10 * 60_000;
const QUERY_DEADLINE_MS = 120_000;
const DOWNLOAD_DEADLINE_MS = 30 * 60_000;
/** Debian's main is 55 MB uncompressed. */
const MAX_INDEX_BYTES = 512 * 1024 * 1024;
/** Of an output that goes into a file. */
const SHOWN_OUTPUT = 4096;
const MAX_RELEASE_BYTES = 10 * 1024 * 1024;
const CAT_FILE = '/usr/lib/apt/apt-helper';

export function createAptFetcher(options: AptFetcherOptions): Fetcher {
  return {
    name: 'apt',
    fetch: async ({ packages }: FetchRequest) => {
      await makeFolder(options.packages, MIRROR_FOLDER);
      const workspace = await openWorkspace(options.stateDir, options.unprivileged);
      const parts = await locate(options, workspace, packages);
      const found = parts.flatMap((part) => part.files.map((file) => file.wanted));
      for (const part of parts) await writeMirror(options, workspace, part);
      await removeOthers(options.packages, new Set(parts.map((part) => mirrorKey(part.repository))));

      return { missing: packages.filter((wanted) => !found.includes(wanted)) };
    },
  };
}

/** In the lists as they are, and once more after a refresh when something is missing. */
async function locate(
  options: AptFetcherOptions,
  workspace: Workspace,
  packages: readonly PackageVersion[],
): Promise<readonly Part[]> {
  if (packages.length === 0) return [];
  await configure(options, workspace);
  const first = await locateInLists(options, workspace, packages);
  if (first.flatMap((part) => part.files).length === packages.length) return first;

  const { root, stateDir, run, clock, unprivileged, lists } = options;
  const observer = createAptObserver({ root, stateDir, run, clock, unprivileged, maxAge: lists.maxAge });
  await observer.refresh({ deadline: REFRESH_DEADLINE_MS, byteBudget: lists.byteBudget });
  await configure(options, workspace);

  return locateInLists(options, workspace, packages);
}

async function configure(options: AptFetcherOptions, workspace: Workspace): Promise<void> {
  const host = await readHostOptions(options.run, options.root, workspace.scratch);
  const { run, clock, unprivileged, root } = options;
  await writeObserverConfig({ run, clock, user: unprivileged, root, workspace, host });
}

async function locateInLists(
  options: AptFetcherOptions,
  workspace: Workspace,
  packages: readonly PackageVersion[],
): Promise<readonly Part[]> {
  const { stdout } = await apt(options, workspace, {
    file: 'apt-get',
    args: ['indextargets', '--format', TARGET_FORMAT, 'Created-By: Packages'],
  });
  const targets = parseTargets(stdout);
  const parts: Part[] = [];
  let left = packages;

  for (const repository of listRepositories(await readSources(options.root))) {
    const own = targets.filter((target) => target.file.startsWith(join(workspace.lists, repository.prefix)));
    const files: IndexedFile[] = [];
    for (const target of own) {
      const found = findFiles(await readIndex(options, workspace, target), left, target.file);
      files.push(...found);
      left = left.filter((wanted) => !found.some((file) => file.wanted === wanted));
    }
    if (files.length > 0) parts.push({ repository, targets: own, files });
    if (left.length === 0) break;
  }

  return parts;
}

/** Decompressed by apt itself, whatever it keeps its lists in. */
async function readIndex(options: AptFetcherOptions, workspace: Workspace, target: IndexTarget): Promise<string> {
  const { stdout } = await apt(options, workspace, {
    file: CAT_FILE,
    args: ['cat-file', target.file],
    outputLimit: MAX_INDEX_BYTES,
  });

  return stdout;
}

/** Writes a new folder beside the old one and then takes its place: a reader sees one or the other, or for a moment none. */
async function writeMirror(options: AptFetcherOptions, workspace: Workspace, part: Part): Promise<void> {
  const key = mirrorKey(part.repository);
  const place = join(options.packages, key);
  const fresh = join(options.packages, `.new-${key}`);
  const old = join(options.packages, `.old-${key}`);
  await rm(fresh, { recursive: true, force: true });
  await rm(old, { recursive: true, force: true });

  try {
    await putFolder(fresh);
    await copyIndexes(options, workspace, part, fresh);
    for (const file of part.files) await bring(options, workspace, part.repository, file, { fresh, place });
  } catch (error) {
    // What came half takes room that is missing elsewhere.
    await rm(fresh, { recursive: true, force: true });
    throw await namedFull(error, options.packages);
  }

  await rename(place, old).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT')) throw error;
  });
  await rename(fresh, place);
  await rm(old, { recursive: true, force: true });
}

/** The signed index as it came, and every Packages index of it that apt reads, by the name it has in the signed index. */
async function copyIndexes(
  options: AptFetcherOptions,
  workspace: Workspace,
  { repository, targets }: Part,
  fresh: string,
): Promise<void> {
  const suite = join(fresh, suiteFolder(repository));
  let signed = 0;

  for (const name of ['InRelease', 'Release', 'Release.gpg']) {
    const bytes = await readBounded(join(workspace.lists, `${repository.prefix}${name}`), MAX_RELEASE_BYTES);
    if (bytes === null) continue;
    await putFile(join(suite, name), bytes);
    signed += 1;
  }
  if (signed === 0) throw new CodedError('REPOSITORY_NEVER_FETCHED', `there is no index of ${repository.id}`);

  for (const target of targets) {
    await copyIndex(options, workspace, target, join(suite, target.metaKey));
  }
}

/** Straight into the file: as text, bytes that are no UTF-8 would become others, and the hash in the signed index with them. */
async function copyIndex(
  options: AptFetcherOptions,
  workspace: Workspace,
  target: IndexTarget,
  path: string,
): Promise<void> {
  await putFolder(dirname(path));
  await apt(options, workspace, {
    file: CAT_FILE,
    args: ['cat-file', target.file],
    outputFile: path,
    outputLimit: SHOWN_OUTPUT,
  });
  await chmod(path, MIRROR_FILE);
}

/** Takes the file of the mirror that is there already, when it is the right one; else downloads it with apt. */
async function bring(
  options: AptFetcherOptions,
  workspace: Workspace,
  repository: ListedRepository,
  file: IndexedFile,
  { fresh, place }: { readonly fresh: string; readonly place: string },
): Promise<void> {
  const target = join(fresh, file.path);
  await putFolder(dirname(target));
  if (await copyVerified(join(place, file.path), target, file)) return;

  const incoming = join(workspace.cache, `incoming-${file.sha256}.deb`);
  await rm(incoming, { force: true });
  const uri = `${repository.source.replace(/\/+$/, '')}/${file.path}`;
  // apt answers `file:` with a link to the original; `copy:` makes it a file like any other.
  const source = uri.replace(/^file:/, 'copy:');
  const { exitCode, stderr } = await apt(options, workspace, {
    file: CAT_FILE,
    args: ['download-file', source, incoming, `SHA256:${file.sha256}`],
    deadlineMs: DOWNLOAD_DEADLINE_MS,
    mayFail: true,
  });
  const copied = exitCode === 0 && (await copyVerified(incoming, target, file));
  await rm(incoming, { force: true });
  if (copied) return;
  await refuseFull(stderr, workspace.cache);
  throw new CodedError(
    'REPOSITORY_UNREACHABLE',
    `${repository.id} did not give ${file.path} as it lists it: ${stderr.trim() || 'other bytes'}`,
    { details: { repository: repository.id, path: file.path } },
  );
}

/** Copies while it counts and hashes; false when there is no such plain file or it is another one. */
async function copyVerified(from: string, to: string, { size, sha256 }: IndexedFile): Promise<boolean> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(absent);
  if (!source) return false;

  try {
    const facts = await source.stat();
    if (!facts.isFile() || facts.size !== size) return false;
    const hash = createHash('sha256');
    const target = await open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, MIRROR_FILE);
    try {
      for await (const chunk of source.createReadStream({ autoClose: false })) {
        hash.update(chunk);
        await target.writeFile(chunk);
      }
      await target.chmod(MIRROR_FILE);
      await target.sync();
    } finally {
      await target.close();
    }
    if (hash.digest('hex') === sha256) return true;
    await rm(to);

    return false;
  } finally {
    await source.close();
  }
}

/** Repositories of which nothing is wanted any more go, and what a killed fetcher left. */
async function removeOthers(packages: string, keys: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(packages)) {
    if (!keys.has(name)) await rm(join(packages, name), { recursive: true, force: true });
  }
}

async function apt(
  options: AptFetcherOptions,
  workspace: Workspace,
  call: {
    readonly file: string;
    readonly args: readonly string[];
    readonly deadlineMs?: number;
    readonly outputLimit?: number;
    readonly outputFile?: string;
    readonly mayFail?: boolean;
  },
) {
  const { mayFail, args, ...rest } = call;

  try {
    return await options.run({
      deadlineMs: QUERY_DEADLINE_MS,
      cwd: '/',
      ...underConfig(workspace.config, args),
      check: !mayFail,
      ...rest,
      ...(options.unprivileged ?? {}),
    });
  } catch (error) {
    // What apt works in is its cache; where its output goes is the caller's to say.
    if (hasCode(error, 'PROCESS_FAILED')) await refuseFull(String(error.details.stderr), workspace.cache);
    throw error;
  }
}

function absent(error: unknown): null {
  if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return null;
  throw error;
}
