// Copies of a database as it stands at one moment, and a look at a copy. The database itself is only read: a collector may
// go on writing meanwhile.
import { chmod, open } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import SQLite from 'better-sqlite3';
import { storeFailure } from './failure.ts';
import { assertKnown } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';

const PRIVATE_FILE = 0o600;
/** Milliseconds; only recovery after a crash, by another program at this very moment, keeps a reader waiting. */
const WAIT_MS = 2000;

/**
 * Writes everything that is committed now to `to`, which must not exist, and syncs it. One read transaction: what is
 * committed meanwhile is not in it. Throws STORE_CORRUPT, STORE_BUSY, DISK_FULL or STORE_FAILED.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  looking(from, 'copying the database', { readonly: true }, (connection) => {
    connection.prepare('vacuum into ?').run(to);
  });
  await chmod(to, PRIVATE_FILE);
  const handle = await open(to, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Checks every page of a copy that nobody else has open. Throws STORE_CORRUPT, STORE_NEWER or STORE_FAILED. */
export function inspectDatabase(file: string): { readonly schema: number } {
  // Not read-only: that would leave the files of the write-ahead log beside it.
  return looking(file, 'checking the database', {}, (connection) => {
    assertKnown(connection, { migrations: MIGRATIONS, file });
    const verdict = String(connection.pragma('integrity_check(1)', { simple: true }));
    if (verdict !== 'ok') throw new CodedError('STORE_CORRUPT', `the database is damaged: ${verdict} (${file})`);

    return { schema: Number(connection.pragma('user_version', { simple: true })) };
  });
}

function looking<T>(
  file: string,
  doing: string,
  how: { readonly readonly?: true },
  work: (connection: SQLite.Database) => T,
): T {
  let connection: SQLite.Database | undefined;

  try {
    connection = new SQLite(file, { ...how, fileMustExist: true, timeout: WAIT_MS });

    return work(connection);
  } catch (error) {
    throw storeFailure(error, doing, file);
  } finally {
    connection?.close();
  }
}
