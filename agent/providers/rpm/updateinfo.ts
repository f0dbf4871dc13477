// Advisories that the package manager of this host has in its own cache, reduced to what concerns installed packages. Unprivileged; it
// reads caches of root only, asks no network and starts no package manager.
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import {
  MAX_NOTICE_CVES,
  MAX_NOTICE_PACKAGES,
  MAX_NOTICES,
  type Notice,
  type Updateinfo,
} from '@selvage/shared/model/updateinfo.ts';
import { createUpdateinfoReader, type UpdateNotice } from '@selvage/shared/packages/updateinfo.ts';

/** Caches of metadata: folder of a repository below, how its name is told from the folder's. */
const CACHES: readonly { readonly folder: string; readonly repository: (name: string) => string }[] = [
  // `baseos-0123456789abcdef`
  { folder: 'var/cache/dnf', repository: (name) => name.replace(/-[0-9a-f]{16}$/, '') },
  { folder: 'var/cache/libdnf5', repository: (name) => name.replace(/-[0-9a-f]{16}$/, '') },
  { folder: 'var/cache/zypp/raw', repository: (name) => name },
];
const FILE = /(^|-)updateinfo\.xml(\.(gz|zst|xz))?$/;
/** Repositories and files looked at in one cache. */
const MAX_ENTRIES = 500;
/** Bytes packed, and unpacked: those of a whole RHEL are 5 MB and 100 MB. */
const MAX_PACKED_BYTES = 64 * 1024 * 1024;
const MAX_XML_BYTES = 512 * 1024 * 1024;
/** Milliseconds. */
const XZ_DEADLINE_MS = 30_000;
const MAX_PROBLEMS = 20;
/** Type of an advisory that counts even where it names no CVE. */
const SECURITY = 'security';

export interface UpdateinfoParts {
  readonly root: string;
  readonly run: Run;
  /** Names of the enabled repositories: what is left of others is old. */
  readonly repositories: readonly string[];
  readonly installed: readonly InstalledPackage[];
}

/** Never throws for one repository: that it could not be read is said, and the whole is then not complete. */
export async function readUpdateinfo(parts: UpdateinfoParts): Promise<Updateinfo> {
  const { root, repositories, installed } = parts;
  const wanted = new Set(installed.map(({ name, arch }) => `${name}.${arch}`));
  const notices = new Map<string, Notice>();
  const problems: { repository: string; reason: string }[] = [];
  let asOf: number | null = null;

  const say = (repository: string, reason: string) => {
    if (problems.length >= MAX_PROBLEMS) return;
    problems.push({ repository: repository.slice(0, 200), reason: reason.slice(0, 500) });
  };

  for (const { repository, folder } of await foldersOf(root, repositories, (reason) => say('', reason))) {
    const problem = (reason: string) => say(repository, reason);
    try {
      const file = await newestIn(folder);
      if (file === null) continue;
      asOf = Math.max(asOf ?? 0, file.modified);
      await readFileOf(file.path, parts.run, {
        notice: (one) => keep(notices, reduced(one, wanted)),
        problem: (id, reason) => problem(`${id}: ${reason}`),
      });
    } catch (error) {
      problem(asCoded(error).message);
    }
  }
  const told = bounded([...notices.values()]);
  if (told.length < notices.size) {
    problems.splice(MAX_PROBLEMS - 1);
    problems.push({ repository: '', reason: `only the newest ${told.length} of ${notices.size} advisories are told` });
  }

  return {
    asOf: asOf === null ? null : Temporal.Instant.fromEpochMilliseconds(Math.floor(asOf)).toString(),
    complete: problems.length === 0,
    problems,
    notices: told,
  };
}

/** Only what concerns this host; null for what does not. */
function reduced(one: UpdateNotice, wanted: ReadonlySet<string>): Notice | null {
  if (one.type !== SECURITY && one.cves.length === 0) return null;
  const packages = one.packages.filter(({ name, arch }) => wanted.has(`${name}.${arch}`));
  if (packages.length === 0) return null;

  return { ...one, cves: one.cves.slice(0, MAX_NOTICE_CVES), packages };
}

/** The same advisory in several repositories is one. */
function keep(notices: Map<string, Notice>, one: Notice | null): void {
  if (one === null) return;
  const before = notices.get(one.id);
  const packages = [...(before?.packages ?? []), ...one.packages];
  const distinct = new Map(packages.map((each) => [JSON.stringify(Object.values(each)), each]));
  notices.set(one.id, {
    ...one,
    cves: [...new Set([...(before?.cves ?? []), ...one.cves])].sort().slice(0, MAX_NOTICE_CVES),
    packages: [...distinct.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
  });
}

/** The newest, as many as may be told, in an order that does not depend on the order of files. */
function bounded(notices: readonly Notice[]): Notice[] {
  const newest = [...notices].sort((a, b) => {
    const [left, right] = [`${a.issued ?? ''} ${a.id}`, `${b.issued ?? ''} ${b.id}`];
    return left < right ? 1 : -1;
  });
  let packages = 0;
  const end = newest.findIndex((one, index) => {
    packages += one.packages.length;
    return index >= MAX_NOTICES || packages > MAX_NOTICE_PACKAGES;
  });

  return end < 0 ? newest : newest.slice(0, end);
}

async function foldersOf(root: string, repositories: readonly string[], problem: (reason: string) => void) {
  const found: { repository: string; folder: string }[] = [];
  for (const { folder, repository } of CACHES) {
    try {
      for (const name of (await namesIn(join(root, folder))).slice(0, MAX_ENTRIES).sort()) {
        const id = repository(name);
        if (repositories.includes(id)) found.push({ repository: id, folder: join(root, folder, name, 'repodata') });
      }
    } catch (error) {
      problem(`/${folder}: ${asCoded(error).message}`);
    }
  }

  return found;
}

/** A repository that changes leaves no file of before, but a cache that was cut off may have two. */
async function newestIn(folder: string): Promise<{ readonly path: string; readonly modified: number } | null> {
  let newest: { path: string; modified: number } | null = null;
  for (const name of (await namesIn(folder)).slice(0, MAX_ENTRIES)) {
    if (!FILE.test(name)) continue;
    const path = join(folder, name);
    const facts = await lstat(path);
    if (!facts.isFile()) throw new CodedError('FILE_UNSAFE', `${path} is no regular file`);
    if (facts.size > MAX_PACKED_BYTES) throw new CodedError('FILE_TOO_LARGE', `${path} has ${facts.size} bytes`);
    if (newest === null || facts.mtimeMs > newest.modified) newest = { path, modified: facts.mtimeMs };
  }

  return newest;
}

async function readFileOf(
  path: string,
  run: Run,
  handler: Parameters<typeof createUpdateinfoReader>[0],
): Promise<void> {
  const reader = createUpdateinfoReader(handler);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let size = 0;
  const take = (bytes: Uint8Array) => {
    size += bytes.length;
    if (size > MAX_XML_BYTES)
      throw new CodedError('FILE_TOO_LARGE', `${path} unpacks to more than ${MAX_XML_BYTES} bytes`);
    reader.write(decoder.decode(bytes, { stream: true }));
  };

  if (path.endsWith('.xz')) await throughXz(path, run, take);
  else for await (const bytes of unpacked(path)) take(bytes as Uint8Array);
  reader.write(decoder.decode());
  reader.end();
}

function unpacked(path: string): AsyncIterable<unknown> {
  const file = createReadStream(path, { flags: 'r' });
  const through = path.endsWith('.gz') ? createGunzip() : path.endsWith('.zst') ? createZstdDecompress() : null;
  if (through === null) return file;
  file.on('error', (error) => through.destroy(error));

  return file.pipe(through) satisfies Readable;
}

/** Node has no xz; every host of rpm does. What the reader throws ends nothing here, so that it is kept until the program has ended. */
async function throughXz(path: string, run: Run, take: (bytes: Uint8Array) => void): Promise<void> {
  let failed: unknown = null;
  const stop = new AbortController();
  const running = run({
    ...{ file: 'xz', args: ['-dc', '--', path], check: true, signal: stop.signal },
    deadlineMs: XZ_DEADLINE_MS,
    outputLimit: MAX_XML_BYTES,
    onBytes: (bytes) => {
      if (failed !== null) return;
      try {
        take(bytes);
      } catch (error) {
        failed = error;
        stop.abort();
      }
    },
  });
  try {
    await running;
  } catch (error) {
    throw failed ?? error;
  }
  if (failed !== null) throw failed;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
