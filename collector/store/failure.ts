// What SQLite throws, as coded errors. It never reads the message text, only SQLite's result code.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import SQLite from 'better-sqlite3';

/** Result codes of SQLite (sqlite.org/rescode.html): the bytes on disk are not what SQLite wrote … */
const CORRUPT = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];
/** … another program holds the lock … */
const BUSY = ['SQLITE_BUSY', 'SQLITE_LOCKED'];
/** … there is no room, also not for the index of the write-ahead log. */
const FULL = ['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'SQLITE_IOERR_SHMOPEN'];

/**
 * The coded error for anything thrown by the database: DISK_FULL, STORE_BUSY, STORE_CORRUPT or STORE_FAILED, with SQLite's
 * own error as its cause. What is coded already passes through.
 */
export function storeFailure(error: unknown, doing: string, file?: string): CodedError {
  if (error instanceof CodedError) return error;

  const where = file === undefined ? '' : ` (${file})`;
  const details = { ...(file === undefined ? {} : { file }) };
  if (!(error instanceof SQLite.SqliteError)) {
    return new CodedError('STORE_FAILED', `${doing} failed${where}`, { cause: error, details });
  }

  const facts = { cause: error, details: { ...details, sqlite: error.code } };
  const is = (codes: readonly string[]) =>
    codes.some((code) => error.code === code || error.code.startsWith(`${code}_`));
  if (is(FULL)) return new CodedError('DISK_FULL', `no space while ${doing}${where}`, facts);
  if (is(BUSY))
    return new CodedError('STORE_BUSY', `another program holds the database: ${doing} failed${where}`, facts);
  if (is(CORRUPT)) {
    return new CodedError('STORE_CORRUPT', `the database is damaged: ${doing} failed${where}`, {
      ...facts,
      next: 'stop the collector, keep a copy of the database with its -wal file, then: selvage restore FOLDER',
    });
  }

  return new CodedError('STORE_FAILED', `${doing} failed: ${error.code}${where}`, facts);
}
