// What lies in the agent's own lists folder for a repository: its index, signed or not. The folder belongs to an
// unprivileged user, so nothing in it is followed or trusted beyond showing.
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { ListedRepository } from '@selvage/shared/packages/apt-repositories.ts';
import { parseRelease, type Release } from './release.ts';

export interface Listed {
  readonly release: Release | null;
  /** apt stores a verified index as InRelease, or as Release beside Release.gpg; an unverified one as Release alone. */
  readonly signed: boolean;
}

/** apt's own bound (Acquire::MaxReleaseFileSize). */
const MAX_RELEASE_BYTES = 10 * 1024 * 1024;

/** Throws PARSE when the index has no head that can be understood, FILE_UNSAFE when it is no plain file. */
export async function readListed(lists: string, repository: ListedRepository): Promise<Listed> {
  const inRelease = await read(lists, `${repository.prefix}InRelease`);
  if (inRelease) return { release: inRelease, signed: true };

  const release = await read(lists, `${repository.prefix}Release`);
  const signature = release && (await changeTime(join(lists, `${repository.prefix}Release.gpg`)));

  return { release, signed: signature !== null };
}

/** Nanoseconds of the last change of the index in the folder; null when there is none. A rename changes it. */
export async function indexChanged(lists: string, repository: ListedRepository): Promise<bigint | null> {
  return (
    (await changeTime(join(lists, `${repository.prefix}InRelease`))) ??
    (await changeTime(join(lists, `${repository.prefix}Release`)))
  );
}

/** Removes lists of repositories that are no longer configured; apt would do it only in a run that sees every source. */
export async function removeStrangers(lists: string, repositories: readonly ListedRepository[]): Promise<void> {
  for (const entry of await readdir(lists, { withFileTypes: true })) {
    const isKnown = repositories.some(({ prefix }) => entry.name.startsWith(prefix));
    if (entry.isDirectory() || entry.name === 'lock' || isKnown) continue;
    await rm(join(lists, entry.name), { force: true });
  }
}

async function read(lists: string, name: string): Promise<Release | null> {
  const bytes = await readBounded(join(lists, name), MAX_RELEASE_BYTES);

  return bytes === null ? null : parseRelease(new TextDecoder().decode(bytes), name);
}

async function changeTime(path: string): Promise<bigint | null> {
  try {
    return (await lstat(path, { bigint: true })).ctimeNs;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
