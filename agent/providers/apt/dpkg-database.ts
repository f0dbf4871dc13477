// Reads dpkg's database from disk without dpkg: status, the journal of a running dpkg, and when files last changed.
// It takes no lock and writes nothing; a database that moves while it is read is read again once.
import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';
import { parseStatus, readStanza, type StatusPackage } from '@selvage/shared/packages/dpkg-status.ts';

export const DPKG_FOLDER = 'var/lib/dpkg';
/** 256 MiB; the status of a host with 3,000 packages is about 3 MiB. */
const MAX_STATUS_BYTES = 256 * 1024 * 1024;
/** A database that moves is read again at once; dpkg changes it a few times a second at most. */
const READS = 5;
const SHOWN_NAMES = 3;

/**
 * Installed packages below `root`. Throws PACKAGE_DATABASE_INVALID when there is none, when it cannot be understood to
 * its last line, and when it changed during both readings.
 */
export async function readInstalled(root: string): Promise<readonly InstalledPackage[]> {
  const folder = join(root, DPKG_FOLDER);

  for (let reading = 1; ; reading++) {
    const before = await fingerprint(folder);
    try {
      const packages = await readOnce(folder);
      if (before === (await fingerprint(folder))) return packages;
    } catch (error) {
      // What was torn by a writer reads well the next time; what is torn still is an error.
      if (reading === READS || before === (await fingerprint(folder))) throw error;
    }
    if (reading === READS) {
      throw new CodedError('PACKAGE_DATABASE_INVALID', `${folder}/status changed while it was read, ${READS} times`);
    }
  }
}

async function readOnce(folder: string): Promise<readonly InstalledPackage[]> {
  const path = join(folder, 'status');
  const bytes = await readBounded(path, MAX_STATUS_BYTES);
  if (!bytes) throw new CodedError('PACKAGE_DATABASE_INVALID', `there is no ${path}`);

  const text = decode(bytes);
  const { packages, named } = await withJournal(folder, parseStatus(text, path));
  const times = await fileTimes(join(folder, 'info'));
  refuseShortened(path, text, named, times);

  return packages.map(({ multiArch, ...entry }) => ({
    ...entry,
    installedAt: times.get(multiArch ? `${entry.name}:${entry.arch}` : entry.name) ?? times.get(entry.name) ?? null,
  }));
}

/**
 * A status cut between two entries reads like a whole one with fewer packages. But dpkg keeps a file list for every package
 * it knows, down to the ones of which only settings are left, and removes it when it forgets the package.
 */
function refuseShortened(
  path: string,
  text: string,
  named: readonly string[],
  lists: ReadonlyMap<string, string>,
): void {
  const known = new Set([...named, ...[...text.matchAll(/^Package:[ \t]*(\S+)/gim)].map(([, name]) => name)]);
  const lost = [...lists.keys()].filter((key) => !known.has(key.split(':')[0]));
  if (lost.length === 0) return;

  const names = lost.slice(0, SHOWN_NAMES).join(', ');
  throw new CodedError(
    'PACKAGE_DATABASE_INVALID',
    `${path} lacks ${lost.length} packages that have file lists (${names}${lost.length > SHOWN_NAMES ? ', …' : ''})`,
    { next: 'compare it with status-old beside it; where a package is really gone, remove its files from info/' },
  );
}

/**
 * While dpkg runs (or after it was killed) its latest changes lie in `updates/NNNN`, a stanza each, newer by number;
 * dpkg-query reads them over the status too.
 */
async function withJournal(
  folder: string,
  packages: readonly StatusPackage[],
): Promise<{ readonly packages: readonly StatusPackage[]; readonly named: readonly string[] }> {
  const updates = join(folder, 'updates');
  const names = (await list(updates)).filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
  let merged = packages;
  const named: string[] = [];

  for (const name of names) {
    const path = join(updates, name);
    const bytes = await readBounded(path, MAX_STATUS_BYTES);
    if (!bytes) throw new CodedError('PACKAGE_DATABASE_INVALID', `${path} went away while the database was read`);

    for (const stanza of parseStanzas(decode(bytes), { file: path, comments: true })) {
      const entry = readStanza(stanza, path);
      const changed = stanza.fields.get('package');
      const arch = stanza.fields.get('architecture');
      if (changed !== undefined) named.push(changed);
      const same = (other: StatusPackage) =>
        other.name === changed && (other.arch === arch || !(other.multiArch && entry?.multiArch !== false));
      merged = [...merged.filter((other) => !same(other)), ...(entry ? [entry] : [])];
    }
  }

  return { packages: merged, named };
}

/** Package (with architecture where dpkg writes one) → time of the last change of its file list. */
async function fileTimes(info: string): Promise<ReadonlyMap<string, string>> {
  const times = new Map<string, string>();
  const names = (await list(info)).filter((name) => name.endsWith('.list'));

  for (const name of names) {
    // In one go: a thousand of them by the thread pool take ten times as long.
    const facts = statSync(join(info, name), { throwIfNoEntry: false });
    if (!facts) continue;
    const time = Temporal.Instant.fromEpochMilliseconds(Math.floor(facts.mtimeMs));
    times.set(name.slice(0, -'.list'.length), time.toString());
  }

  return times;
}

/** Changes whenever a writer touched the status or its journal. */
async function fingerprint(folder: string): Promise<string> {
  const facts = await stat(join(folder, 'status'), { bigint: true }).catch(absent);
  const journal = await list(join(folder, 'updates'));

  return [facts?.ino, facts?.size, facts?.mtimeNs, ...journal].join(' ');
}

async function list(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(absent)) ?? [];
}

function absent(error: unknown): null {
  if (hasErrno(error, 'ENOENT')) return null;
  throw error;
}

/** The fields that are read are ASCII; a maintainer's name in an old encoding must not hide the package. */
function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
