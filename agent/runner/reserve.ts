// Room that is kept for saying what happened. A package manager that was started cannot be taken back, so its outcome must be
// recordable on a disk that is full by then: this file lies beside the journal, and its bytes are given back when a write
// finds no room. Without it whole nothing is started.
import { randomBytes } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Files } from './state-file.ts';

/**
 * 1 MiB. The longest journal entry is a signed result: 65,536 characters of output, at worst six bytes each as JSON, a third
 * more in base64; its file is as long, and the two lie side by side.
 */
export const RESERVE_BYTES = 1024 * 1024;

export interface Reserve {
  /** Makes it whole again. Throws DISK_FULL when there is no room: then nothing may be started. */
  fill(): Promise<void>;
  /** Throws DISK_FULL when it is not whole. */
  require(): Promise<void>;
  /** The same writes, which take the reserve when there is no other room. */
  readonly files: Files;
}

export function openReserve(path: string, files: Files): Reserve {
  return {
    fill: async () => {
      // Bytes that no file system stores in less: zeros would be a promise of room, not room.
      if (!(await isWhole(path))) await files.write(path, randomBytes(RESERVE_BYTES));
    },
    require: async () => {
      if (!(await isWhole(path))) {
        throw new CodedError('DISK_FULL', `there is no room to record what an installation would do (${path})`);
      }
    },
    files: {
      write: async (target, data, options) => {
        try {
          await files.write(target, data, options);
        } catch (error) {
          if (!hasCode(error, 'DISK_FULL') || !(await isWhole(path))) throw error;
          await files.remove(path);
          await files.write(target, data, options);
        }
      },
      remove: (target) => files.remove(target),
    },
  };
}

async function isWhole(path: string): Promise<boolean> {
  try {
    const facts = await lstat(path);

    return facts.isFile() && facts.size === RESERVE_BYTES;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
