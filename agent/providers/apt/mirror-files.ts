// Files and folders of a mirror as they are made: readable for the runner and for apt's own user in every step, whatever the
// umask. Whose they are is decided by who calls.
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasErrno, writeDurable } from '@selvage/shared/files/durable.ts';

export const MIRROR_FOLDER = 0o755;
export const MIRROR_FILE = 0o644;

/** Writes the file durably, with the folders above it. */
export async function putFile(path: string, data: Uint8Array | string): Promise<void> {
  await putFolder(dirname(path));
  await writeDurable(path, data, { mode: MIRROR_FILE });
}

/** Makes the folder and those above it that are missing. */
export async function putFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: MIRROR_FOLDER });
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return;
    if (!hasErrno(error, 'ENOENT')) throw error;
    await putFolder(dirname(path));
    await mkdir(path, { mode: MIRROR_FOLDER });
  }
  await chmod(path, MIRROR_FOLDER);
}
