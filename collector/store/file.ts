// The database file: made private (0600), looked at before SQLite is let near it, opened with the settings that make an
// acknowledged transaction survive a power cut. A file that is not a database is refused and never written to.
import { constants, type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder } from '@selvage/shared/files/durable.ts';
import SQLite from 'better-sqlite3';
import { storeFailure } from './failure.ts';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
const PRIVATE_FILE = 0o600;
/** First 16 bytes of every SQLite database (sqlite.org/fileformat.html, section 1.3). */
const HEADER = 'SQLite format 3\0';
/** Milliseconds to wait for another process while a database is opened; the event loop waits too, and later never does. */
const BUSY_TIMEOUT_MS = 2000;
/**
 * Milliseconds after which no further table is checked at opening. About 0.2 GB are read in one second; of a larger database
 * the tables named first are checked, and `selvage backup` checks all of it.
 */
const CHECK_AT_OPEN_MS = 2000;
/** Few rows that everything hangs on first; then what grows. */
const CHECKED_FIRST = ['hosts', 'admins', 'tokens', 'streams', 'policyFiles', 'audit', 'reports', 'reportSections'];

export interface PrepareOptions {
  /** There must be a database already: a lost one is never replaced by an empty one. */
  readonly existing?: boolean;
}

/**
 * Makes or checks the file. Throws FILE_UNSAFE (link, folder, device) or STORE_CORRUPT (no SQLite header, its write-ahead
 * log is there while the database itself is missing or empty, or `existing` and there is none).
 */
export async function prepareFile(file: string, { existing = false }: PrepareOptions = {}): Promise<void> {
  if (!existing) await makeFolder(dirname(file));
  const handle = await openFile(file, existing);

  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw unsafe(file);
    if (existing && facts.size === 0) throw corrupt(file, 'the database is empty');
    await checkHeader(handle, facts.size, file);
    await handle.sync();
  } finally {
    await handle.close();
  }

  const folder = await open(dirname(file), O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Takes the rights of others away from a file that had them. Only for a file that is known to be ours. */
export async function makePrivate(file: string): Promise<void> {
  const handle = await open(file, O_RDWR | O_NOFOLLOW);
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o777) !== PRIVATE_FILE) await handle.chmod(PRIVATE_FILE);
  } finally {
    await handle.close();
  }
}

/**
 * The one connection that writes. `assertKnown` may refuse the database before anything in it is changed.
 * Throws what it throws, STORE_CORRUPT, STORE_BUSY, DISK_FULL or STORE_FAILED.
 */
export function openWriter(file: string, assertKnown: (connection: SQLite.Database) => void): SQLite.Database {
  return guarded(file, (connection) => {
    assertKnown(connection);
    connection.pragma('journal_mode = wal');
    // FULL: the log is synced before a commit returns, so what was acknowledged survives a power cut (NORMAL would not; ./transactions.ts
    // says what is committed so).
    connection.pragma('synchronous = full');
    connection.pragma('fullfsync = on');
    connection.pragma('checkpoint_fullfsync = on');
    connection.pragma('foreign_keys = on');
    connection.pragma('trusted_schema = off');
    checkPages(connection, file);
  });
}

/** A connection that can only read. */
export function openReader(file: string): SQLite.Database {
  return guarded(file, (connection) => connection.pragma('query_only = on'), { readonly: true });
}

function guarded(file: string, prepare: (connection: SQLite.Database) => void, options = {}): SQLite.Database {
  let connection: SQLite.Database | undefined;

  try {
    connection = new SQLite(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS, ...options });
    prepare(connection);

    return connection;
  } catch (error) {
    connection?.close();
    throw storeFailure(error, 'opening the database', file);
  }
}

/** Table by table, until the time is over: a check cannot be interrupted, and a collector that never starts helps nobody. */
function checkPages(connection: SQLite.Database, file: string): void {
  const until = performance.now() + CHECK_AT_OPEN_MS;
  const tables = connection.prepare("select name from sqlite_schema where type = 'table'").pluck().all().map(String);
  const rank = (name: string) => (CHECKED_FIRST.includes(name) ? CHECKED_FIRST.indexOf(name) : CHECKED_FIRST.length);

  for (const table of tables.sort((a, b) => rank(a) - rank(b))) {
    if (performance.now() > until) return;
    const verdict = String(connection.pragma(`quick_check('${table.replaceAll("'", "''")}')`, { simple: true }));
    if (verdict !== 'ok') throw corrupt(file, `the database is damaged: ${verdict}`);
  }
}

async function openFile(file: string, existing: boolean): Promise<FileHandle> {
  const log = await sizeOf(`${file}-wal`);
  try {
    return await open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ELOOP', 'EISDIR', 'ENXIO')) throw unsafe(file, error);
    if (!hasErrno(error, 'ENOENT')) throw storeFailure(error, 'opening the database', file);
  }
  // SQLite would throw the log away together with every transaction that is only there.
  if (log > 0) throw corrupt(file, 'the database is missing while its write-ahead log is there');

  if (existing) throw corrupt(file, 'the database is missing');

  return open(file, O_RDWR | O_CREAT | O_NOFOLLOW, PRIVATE_FILE);
}

async function checkHeader(handle: FileHandle, size: number, file: string): Promise<void> {
  if (size === 0) {
    if ((await sizeOf(`${file}-wal`)) > 0)
      throw corrupt(file, 'the database is empty while its write-ahead log is not');

    return;
  }

  const start = Buffer.alloc(HEADER.length);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  if (bytesRead < start.length || start.toString('latin1') !== HEADER) {
    throw corrupt(file, 'the file is not an SQLite database');
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return 0;
    if (hasErrno(error, 'ELOOP', 'ENXIO')) throw unsafe(path, error);
    throw error;
  }
}

function corrupt(file: string, what: string): CodedError {
  return new CodedError('STORE_CORRUPT', `${what} (${file}); nothing was changed`, {
    next: 'keep a copy of the database with its -wal file, then: selvage restore FOLDER',
    details: { file },
  });
}

function unsafe(file: string, cause?: unknown): CodedError {
  return new CodedError('FILE_UNSAFE', `${file} is a link or not a regular file`, { cause, details: { file } });
}
