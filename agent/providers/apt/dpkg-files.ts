// The files of dpkg's database, held open while they are read: the status and the journal of a running dpkg.
// Says whether all of them were there at one moment; never what stands in them.
import type { BigIntStats } from 'node:fs';
import { type FileHandle, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, openBounded, readOpened } from '@selvage/shared/files/durable.ts';

/** 256 MiB; the status of a host with 3,000 packages is about 3 MiB. */
const MAX_STATUS_BYTES = 256 * 1024 * 1024;
/** dpkg writes its status anew after 250 changes; more files than this are not its journal. */
const MAX_JOURNAL_FILES = 1000;

interface HeldFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly facts: BigIntStats;
}

/** A database whose files are open. `settled` tells whether they still are what their names stand for. */
export interface HeldDatabase {
  readonly status: HeldFile;
  /** Oldest change first. */
  readonly journal: readonly HeldFile[];
  settled(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens the status and the journal below `folder`. Names alone would not do: dpkg uses the numbers of its journal again, and a
 * kernel the number of an inode that was freed. A file that is open keeps its own, so what names it later is the same file.
 * Null when a file went away meanwhile. Throws PACKAGE_DATABASE_INVALID without a status or with too many changes.
 */
export async function holdDatabase(folder: string): Promise<HeldDatabase | null> {
  const held: HeldFile[] = [];
  const handles: FileHandle[] = [];
  const hold = async (path: string) => {
    const handle = await openBounded(path);
    if (!handle) return null;
    handles.push(handle);
    const file = { path, handle, facts: await handle.stat({ bigint: true }) };
    held.push(file);
    return file;
  };
  // All of them, also where one of them was never looked at, or cannot be closed.
  const close = async () => {
    await Promise.all(handles.splice(0).map((handle) => handle.close()));
  };

  try {
    const names = await journalNames(folder);
    const status = await hold(join(folder, 'status'));
    if (!status) throw new CodedError('PACKAGE_DATABASE_INVALID', `there is no ${join(folder, 'status')}`);
    for (const name of names) {
      if (await hold(join(folder, 'updates', name))) continue;
      await close();
      return null;
    }
    const journal = held.slice(1);
    const settled = async () =>
      (await journalNames(folder)).join() === names.join() && (await Promise.all(held.map(isUntouched))).every(Boolean);

    return { status, journal, settled, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The text of a held file. What is read of it is ASCII; a maintainer's name in an old encoding must not hide the package. */
export async function textOf({ handle, path }: HeldFile): Promise<string> {
  const bytes = await readOpened(handle, path, MAX_STATUS_BYTES);

  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The latest changes lie in `updates/NNNN`, newer by number; other names are what dpkg is only about to write. */
async function journalNames(folder: string): Promise<readonly string[]> {
  const names = (await namesIn(join(folder, 'updates'))).filter((name) => /^\d+$/.test(name));
  if (names.length > MAX_JOURNAL_FILES) {
    throw new CodedError('PACKAGE_DATABASE_INVALID', `${folder}/updates has ${names.length} files`);
  }

  return names.sort((a, b) => Number(a) - Number(b));
}

/** Still what its name stands for, and not written to since it was opened. */
async function isUntouched({ path, facts }: HeldFile): Promise<boolean> {
  const now = await stat(path, { bigint: true }).catch(absent);

  return now?.dev === facts.dev && now.ino === facts.ino && now.size === facts.size && now.mtimeNs === facts.mtimeNs;
}

/** Names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(absent)) ?? [];
}

function absent(error: unknown): null {
  if (hasErrno(error, 'ENOENT')) return null;
  throw error;
}
