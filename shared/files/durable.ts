// The one door to files that must survive a power cut or may have been planted by someone else.
// Writes are whole or absent; reads follow no link, take regular files only and are bounded. It never locks.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError } from '../errors/coded-error.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const ROOT = 0;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const TEMPORARY_BYTES = 6;

/** Error codes of the operating system, for guards: `hasErrno(error, 'ENOENT')`. */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/**
 * Replaces `path` by `data` so that after a power cut either the old or the new bytes are there, never a mixture.
 * The temporary file is made with O_EXCL and O_NOFOLLOW, so a planted link is never written through. With `owner` it is that
 * user's before it has its name; only for a folder in which nobody else can change names.
 * Throws DISK_FULL and FILE_UNWRITABLE (read-only, or the disk fails); other errors of the operating system pass through.
 */
export async function writeDurable(
  path: string,
  data: Uint8Array | string,
  options: { readonly mode?: number; readonly owner?: { readonly uid: number; readonly gid: number } } = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(TEMPORARY_BYTES).toString('hex')}.tmp`);
  let file: FileHandle | undefined;

  try {
    file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, options.mode ?? PRIVATE_FILE);
    await file.writeFile(data);
    await file.chmod(options.mode ?? PRIVATE_FILE);
    if (options.owner) await file.chown(options.owner.uid, options.owner.gid);
    await file.sync();
    await file.close();
    file = undefined;
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await file?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
      throw new CodedError('DISK_FULL', `no space to write ${path}`, { cause: error });
    }

    if (hasErrno(error, 'EROFS', 'EIO')) {
      throw new CodedError('FILE_UNWRITABLE', `${path} cannot be written`, { cause: error });
    }

    throw error;
  }
}

/** Moves `from` to `to` in the same folder, replacing what was there; it stays moved after a power cut. */
export async function renameDurable(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Removes a file durably; a missing one is fine. */
export async function removeDurable(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }

  await syncFolder(dirname(path));
}

/**
 * The bytes of a regular file, read once and bounded; null when there is none. Throws FILE_UNSAFE for a link, device,
 * FIFO or folder and FILE_TOO_LARGE when there are more than `maxBytes`, also when the file grows while it is read.
 */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | null> {
  const file = await openBounded(path);
  if (file === null) return null;

  try {
    return await readOpened(file, path, maxBytes);
  } finally {
    await file.close();
  }
}

/** Opens a regular file to read; null when there is none. Throws FILE_UNSAFE for a link. Whoever opens it closes it. */
export async function openBounded(path: string): Promise<FileHandle | null> {
  try {
    // O_NONBLOCK: opening a planted FIFO must not hang.
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    if (hasErrno(error, 'ELOOP', 'ENXIO')) {
      throw new CodedError('FILE_UNSAFE', `${path} is a link or not a regular file`, { cause: error });
    }

    throw error;
  }
}

/**
 * As readBounded, for what decides about this user's rights: throws FILE_UNSAFE also when the file belongs to anybody but this user
 * or the system's owner, has a second name, or others may write to it. A group counts when this is root.
 */
export async function readOwned(path: string, maxBytes: number): Promise<Uint8Array | null> {
  const file = await openBounded(path);
  if (file === null) return null;

  try {
    const { uid, mode, nlink } = await file.stat();
    const isRoot = process.geteuid?.() === ROOT;
    const owners = [process.geteuid?.(), ROOT, (await stat('/')).uid];
    if (!owners.includes(uid)) throw new CodedError('FILE_UNSAFE', `${path} belongs to the user with id ${uid}`);
    if ((mode & (isRoot ? OTHERS_WRITE | GROUP_WRITES : OTHERS_WRITE)) !== 0 || nlink !== 1) {
      throw new CodedError(
        'FILE_UNSAFE',
        `${path} can be written by others (mode ${(mode & 0o777).toString(8)}, ${nlink} names)`,
      );
    }

    return await readOpened(file, path, maxBytes);
  } finally {
    await file.close();
  }
}

/** The same of a file that is open already; `path` is for the messages. */
export async function readOpened(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const facts = await file.stat();
  if (!facts.isFile()) throw new CodedError('FILE_UNSAFE', `${path} is not a regular file`);
  if (facts.size > maxBytes) throw tooLarge(path, maxBytes);

  return readAtMost(file, path, facts.size, maxBytes);
}

async function readAtMost(file: FileHandle, path: string, size: number, maxBytes: number): Promise<Uint8Array> {
  // One byte more than expected shows that the file grew; it is read on until the bound.
  let buffer = new Uint8Array(Math.min(size, maxBytes) + 1);
  let length = 0;

  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) return buffer.slice(0, length);

    length += bytesRead;
    if (length > maxBytes) throw tooLarge(path, maxBytes);
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(buffer.length * 2, maxBytes + 1));
      larger.set(buffer);
      buffer = larger;
    }
  }
}

/**
 * Makes a folder and its parents, so that they are there after a power cut too: what is written durably into a folder whose own
 * name was lost is lost with it. An existing one is left as it is. Throws DISK_FULL.
 */
export async function makeFolder(path: string, mode: number = PRIVATE_FOLDER): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode });
    if (first === undefined) return;
    for (let made = resolve(path); ; made = dirname(made)) {
      await syncFolder(dirname(made));
      if (made === resolve(first) || made === dirname(made)) return;
    }
  } catch (error) {
    if (!hasErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
    throw new CodedError('DISK_FULL', `no space to make ${path}`, { cause: error });
  }
}

/** After files were moved in a folder: their names outlive a power cut from here on. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, O_RDONLY);

  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function tooLarge(path: string, maxBytes: number): CodedError {
  return new CodedError('FILE_TOO_LARGE', `${path} has more than ${maxBytes} bytes`);
}
