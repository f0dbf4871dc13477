// One program per home: an exclusive lock that the operating system holds and lets go when the process ends, however it ends.
// SQLite's own file lock is used for it (Node has none); the file it lies on stays empty.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import SQLite from 'better-sqlite3';
import { storeFailure } from './failure.ts';

const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
const PRIVATE_FILE = 0o600;

export interface Lock {
  release(): void;
}

/** Throws STORE_BUSY with `refusal` when another program holds it. Never waits. */
export async function takeLock(
  path: string,
  refusal: { readonly message: string; readonly next: string },
): Promise<Lock> {
  const file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, PRIVATE_FILE);
  await file.close();
  let connection: SQLite.Database | undefined;

  try {
    connection = new SQLite(path, { fileMustExist: true, timeout: 0 });
    connection.exec('begin exclusive');
    const held = connection;

    return { release: () => held.close() };
  } catch (error) {
    connection?.close();
    const failure = storeFailure(error, 'locking the home', path);
    if (!hasCode(failure, 'STORE_BUSY')) throw failure;
    throw new CodedError('STORE_BUSY', refusal.message, { cause: error, next: refusal.next, details: { file: path } });
  }
}
