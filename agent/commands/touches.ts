// A file by which one half of the agent wakes another: only its times are ever looked at, never what is in it.
import { watch } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { hasErrno } from '@selvage/shared/files/durable.ts';

/** Yields when the file was written anew. Only its times are looked at; whoever owns it can do no more than wake the runner. */
export async function* touches(path: string, signal: AbortSignal): AsyncGenerator<void> {
  let seen = await changedAt(path);
  let wake: () => void = () => undefined;
  const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
    if (name === basename(path)) wake();
  });
  watcher.on('error', () => watcher.close());
  signal.addEventListener('abort', () => wake(), { once: true });

  try {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const now = await changedAt(path);
      if (now !== seen) {
        seen = now;
        yield;
      } else {
        await woken;
      }
    }
  } finally {
    watcher.close();
  }
}

/**
 * Another text with each change; null when there is no such file. Its time alone would not do: kernels before 6.13 count it in ticks
 * of some milliseconds, and what was written anew within one has the same.
 */
export async function changedAt(path: string): Promise<string | null> {
  try {
    const { ino, size, ctimeNs } = await lstat(path, { bigint: true });

    return `${ino} ${size} ${ctimeNs}`;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
