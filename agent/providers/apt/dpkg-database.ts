// Reads dpkg's database from disk without dpkg: status, the journal of a running dpkg, and when files last changed.
// It takes no lock and writes nothing; a database that moves while it is read is read again once.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';
import { parseStatus, readStanza, type StatusPackage } from '@selvage/shared/packages/dpkg-status.ts';
import { type HeldDatabase, holdDatabase, namesIn, textOf } from './dpkg-files.ts';

export const DPKG_FOLDER = 'var/lib/dpkg';
/** A database that moves is read again at once; dpkg changes it a few times a second at most. */
const READS = 5;
const SHOWN_NAMES = 3;

/**
 * Installed packages below `root`, all of one moment. Throws PACKAGE_DATABASE_INVALID when there is no database, when it cannot
 * be understood to its last line, and when it changed during every reading.
 */
export async function readInstalled(root: string): Promise<readonly InstalledPackage[]> {
  const folder = join(root, DPKG_FOLDER);

  for (let reading = 1; reading <= READS; reading++) {
    const held = await holdDatabase(folder);
    if (!held) continue;
    try {
      const packages = await readHeld(held, folder);
      if (await held.settled()) return packages;
    } catch (error) {
      // What was torn by a writer reads well the next time; what is torn still is an error.
      if (reading === READS || (await held.settled())) throw error;
    } finally {
      await held.close();
    }
  }

  throw new CodedError('PACKAGE_DATABASE_INVALID', `${folder}/status changed while it was read, ${READS} times`);
}

async function readHeld(held: HeldDatabase, folder: string): Promise<readonly InstalledPackage[]> {
  const { path } = held.status;
  const text = await textOf(held.status);
  const { packages, named } = await withJournal(held.journal, parseStatus(text, path));
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
  journal: HeldDatabase['journal'],
  packages: readonly StatusPackage[],
): Promise<{ readonly packages: readonly StatusPackage[]; readonly named: readonly string[] }> {
  let merged = packages;
  const named: string[] = [];

  for (const file of journal) {
    const { path } = file;
    for (const stanza of parseStanzas(await textOf(file), { file: path, comments: true })) {
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
  const names = (await namesIn(info)).filter((name) => name.endsWith('.list'));

  for (const name of names) {
    // In one go: a thousand of them by the thread pool take ten times as long.
    const facts = statSync(join(info, name), { throwIfNoEntry: false });
    if (!facts) continue;
    const time = Temporal.Instant.fromEpochMilliseconds(Math.floor(facts.mtimeMs));
    times.set(name.slice(0, -'.list'.length), time.toString());
  }

  return times;
}
