// Reads what another user may plant, swap or change at any time: a folder of theirs is walked step by step by descriptors,
// never by paths, so that no link on the way is followed and nothing can be exchanged between check and use. Read only.
import { constants } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../errors/coded-error.ts';
import { hasErrno, readOpened } from './durable.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** Longest path below the folder, in steps: an archive has some eight. */
const MAX_STEPS = 32;

export interface ForeignFolder {
  /**
   * The bytes of a plain file, read once; null when there is none. Throws FILE_UNSAFE for a link, hard link, device, FIFO,
   * socket or folder, in its place or on the way; FILE_TOO_LARGE, also when it grows while it is read.
   */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** The plain file, opened; the caller closes it. Null when there is none. Throws FILE_UNSAFE. */
  open(path: string): Promise<FileHandle | null>;
  /** Names in a folder below, in no order; null when there is none. Throws FILE_UNSAFE and FILE_TOO_LARGE past `max`. */
  names(path: string, max: number): Promise<readonly string[] | null>;
  close(): Promise<void>;
}

/**
 * Opens a folder whose own place only we can change (the name of it, not what is in it). Null when there is none; throws
 * FILE_UNSAFE when it is no folder, and where the system has no /proc: then it could not be walked safely.
 */
export async function openForeign(path: string): Promise<ForeignFolder | null> {
  if (process.platform !== 'linux') throw unsafe(path, 'cannot be read safely on this system');
  const top = await openFolder(path, path);
  if (top === null) return null;

  const walk = async <T>(steps: readonly string[], use: (folder: FileHandle) => Promise<T>): Promise<T | null> => {
    if (steps.length > MAX_STEPS) throw unsafe(join(path, ...steps), 'lies too deep');
    let at = top;

    try {
      for (const [index, step] of steps.entries()) {
        const next = await openFolder(below(at, step), join(path, ...steps.slice(0, index + 1)));
        if (at !== top) await at.close();
        at = top;
        if (next === null) return null;
        at = next;
      }

      return await use(at);
    } finally {
      if (at !== top) await at.close();
    }
  };
  const openFile = (name: string): Promise<FileHandle | null> => {
    const steps = stepsOf(path, name);
    const last = steps.at(-1) ?? '';

    return walk(steps.slice(0, -1), (folder) => openPlain(below(folder, last), join(path, name)));
  };

  return {
    open: openFile,
    read: async (name, maxBytes) => {
      const file = await openFile(name);
      if (file === null) return null;

      try {
        return await readOpened(file, join(path, name), maxBytes);
      } finally {
        await file.close();
      }
    },
    names: (name, max) =>
      walk(name === '' ? [] : stepsOf(path, name), async (folder) => {
        const names: string[] = [];
        for await (const entry of await opendir(below(folder, '.'))) {
          if (names.length >= max)
            throw new CodedError('FILE_TOO_LARGE', `${join(path, name)} holds more than ${max} files`);
          names.push(entry.name);
        }

        return names;
      }),
    close: () => top.close(),
  };
}

/** One file below a folder as in `openForeign`. */
export async function readForeign(folder: string, path: string, maxBytes: number): Promise<Uint8Array | null> {
  const opened = await openForeign(folder);
  if (opened === null) return null;

  try {
    return await opened.read(path, maxBytes);
  } finally {
    await opened.close();
  }
}

/** Node has no openat(2); on Linux a path through the descriptor is the same. */
function below(folder: FileHandle, name: string): string {
  return `/proc/self/fd/${folder.fd}/${name}`;
}

function stepsOf(folder: string, path: string): readonly string[] {
  const steps = path.split('/');
  if (path.includes('\0') || steps.some((step) => step === '' || step === '.' || step === '..')) {
    throw unsafe(join(folder, path), 'is no plain name');
  }

  return steps;
}

async function openFolder(path: string, shown: string): Promise<FileHandle | null> {
  try {
    return await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    if (hasErrno(error, 'ELOOP', 'ENOTDIR')) throw unsafe(shown, 'is no folder', error);
    throw error;
  }
}

async function openPlain(path: string, shown: string): Promise<FileHandle | null> {
  let file: FileHandle;

  try {
    // O_NONBLOCK: opening a FIFO must not hang.
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    if (hasErrno(error, 'ELOOP', 'ENXIO', 'ENODEV')) throw unsafe(shown, 'is a link or not a regular file', error);
    throw error;
  }

  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw unsafe(shown, 'is not a regular file');
    // A second name may be that of a file which its planter could not read, and we can.
    if (facts.nlink !== 1) throw unsafe(shown, `has ${facts.nlink} names`);

    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function unsafe(path: string, why: string, cause?: unknown): CodedError {
  return new CodedError('FILE_UNSAFE', `${path} ${why}`, cause === undefined ? {} : { cause });
}
