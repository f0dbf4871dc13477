// Reads small files of the system that root or the kernel owns (/etc, /proc, /sys): bounded, links followed, never executed.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';

/** 16 MiB: /proc/net/tcp of a busy server and the maps of a large process stay below. */
const MAX_BYTES = 16 * 1024 * 1024;
const CHUNK = 64 * 1024;
/** Holds what the kernel says of a process in one line. */
const LINE_BYTES = 4096;

/** The text, or null when there is no such file. Errors of the operating system pass through. */
export async function readText(path: string, maxBytes: number = MAX_BYTES): Promise<string | null> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  });
  if (!file) return null;

  try {
    // Files in /proc have no size: they are read to their end.
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK);
      if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
      length += bytesRead;
      if (length > maxBytes) throw new CodedError('FILE_TOO_LARGE', `${path} has more than ${maxBytes} bytes`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * The first bytes of a file that the kernel makes as it is read (/proc/PID/stat …), null where `allowed` would say so. In one go:
 * some hundred processes by the thread pool take ten times as long.
 */
export function lineOfKernel(path: string): string | null {
  return allowedNow(() => {
    const file = openSync(path, 'r');

    try {
      return line.toString('utf8', 0, readSync(file, line, 0, LINE_BYTES, null));
    } finally {
      closeSync(file);
    }
  });
}

const line = Buffer.allocUnsafe(LINE_BYTES);

/**
 * Text of a small file of installed software, null where `allowed` would say so. Others than root may own it: what is no regular
 * file is not opened (a FIFO would hold us, a device may do something), and no more than the bound is read. Throws FILE_UNSAFE
 * and FILE_TOO_LARGE.
 */
export function textNow(path: string, maxBytes: number): string | null {
  return allowedNow(() => {
    refuseIrregular(statSync(path), path);
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);

    try {
      const facts = fstatSync(file);
      refuseIrregular(facts, path);
      const buffer = Buffer.allocUnsafe(Math.min(facts.size, maxBytes) + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = readSync(file, buffer, length, buffer.length - length, null);
      }
      if (length > maxBytes) throw new CodedError('FILE_TOO_LARGE', `${path} has more than ${maxBytes} bytes`);

      return buffer.toString('utf8', 0, length);
    } finally {
      closeSync(file);
    }
  });
}

function refuseIrregular(facts: Stats, path: string): void {
  if (!facts.isFile()) throw new CodedError('FILE_UNSAFE', `${path} is no regular file`);
}

/** True for a link, wherever it leads; false also for what is not there. */
export function isLinkNow(path: string): boolean {
  return allowedNow(() => lstatSync(path).isSymbolicLink()) ?? false;
}

/** Sorted names in a folder; none when it does not exist or may not be looked at. */
export function namesNow(path: string): readonly string[] {
  return (allowedNow(() => namesOrNone(path)) ?? []).sort();
}

/** Asked first, because most are not there: an error that is thrown and caught costs ten times as much as a look. */
function namesOrNone(path: string): string[] {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(path);
}

/** Sorted names in a folder; none when it does not exist. */
export async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** `promise`, or null when the system says that this user may not, or that the thing has gone meanwhile. */
export async function allowed<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    return refusal(error);
  }
}

/** The same for what is asked without waiting. */
export function allowedNow<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    return refusal(error);
  }
}

/** A process may end between two looks (ESRCH, ENOENT) and belong to someone else (EACCES, EPERM). */
function refusal(error: unknown): null {
  if (hasErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ESRCH', 'EINVAL', 'ENOTDIR')) return null;
  throw error;
}
