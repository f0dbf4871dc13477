// What SQLite throws, as coded errors. It never reads the message text, only SQLite's result code.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import SQLite from 'better-sqlite3';

/** Result codes of SQLite that mean the bytes on disk are not what SQLite wrote (sqlite.org/rescode.html). */
const CORRUPT = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];

/**
 * The coded error for anything thrown by the database: DISK_FULL, FILE_CORRUPT or STORE_FAILED, with SQLite's own error
 * as its cause. What is coded already passes through.
 */
export function storeFailure(error: unknown, doing: string, file?: string): CodedError {
  if (error instanceof CodedError) return error;

  const where = file === undefined ? '' : ` (${file})`;
  const details = { ...(file === undefined ? {} : { file }) };
  if (!(error instanceof SQLite.SqliteError)) {
    return new CodedError('STORE_FAILED', `${doing} failed${where}`, { cause: error, details });
  }

  const facts = { cause: error, details: { ...details, sqlite: error.code } };
  if (error.code === 'SQLITE_FULL') return new CodedError('DISK_FULL', `no space while ${doing}${where}`, facts);
  if (CORRUPT.some((code) => error.code === code || error.code.startsWith(`${code}_`))) {
    return new CodedError('FILE_CORRUPT', `the database is damaged: ${doing} failed${where}`, {
      ...facts,
      next: 'stop the collector, keep a copy of the database with its -wal file, and restore a backup',
    });
  }

  return new CodedError('STORE_FAILED', `${doing} failed: ${error.code}${where}`, facts);
}
