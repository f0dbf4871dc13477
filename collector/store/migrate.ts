// Brings a database to the newest schema, one transaction per step, and refuses what it does not know.
// The version is in PRAGMA user_version, which SQLite changes together with the tables.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type SQLite from 'better-sqlite3';
import { storeFailure } from './failure.ts';
import type { Migration } from './migrations.ts';

/** "SELV" in PRAGMA application_id: says whose database a file is (sqlite.org/fileformat.html#application_id). */
const APPLICATION_ID = 0x53454c56;

interface Known {
  readonly migrations: readonly Migration[];
  readonly file: string;
}

/**
 * Throws STORE_FAILED for another program's database and STORE_NEWER for one of a later collector. It reads only: it is
 * asked before the first setting that would change the file.
 */
export function assertKnown(connection: SQLite.Database, { migrations, file }: Known): void {
  if (!isOurs(connection)) {
    throw new CodedError('STORE_FAILED', `${file} is the database of another program; nothing in it was changed`, {
      next: 'choose another database file in the settings',
      details: { file },
    });
  }

  const version = pragmaNumber(connection, 'user_version');
  if (version <= migrations.length) return;
  throw new CodedError(
    'STORE_NEWER',
    `${file} has schema ${version}; this collector knows schemas up to ${migrations.length}`,
    { details: { file, schema: version, known: migrations.length } },
  );
}

/** Applies what is missing. Throws STORE_FAILED when a step fails; the database then is as it was before that step. */
export function migrate(connection: SQLite.Database, options: Known & { readonly clock: Clock }): void {
  const { migrations, clock, file } = options;
  const version = pragmaNumber(connection, 'user_version');
  for (const [index, migration] of migrations.entries()) {
    if (index >= version) step(connection, index + 1, migration, clock, file);
  }
}

function isOurs(connection: SQLite.Database): boolean {
  const id = pragmaNumber(connection, 'application_id');
  if (id === APPLICATION_ID) return true;

  const { tables } = connection.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number };

  return id === 0 && tables === 0;
}

function step(connection: SQLite.Database, version: number, migration: Migration, clock: Clock, file: string): void {
  const apply = connection.transaction(() => {
    // Another collector that started at the same moment may have applied it while this one waited for the lock.
    if (pragmaNumber(connection, 'user_version') >= version) return;
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    connection.exec(migration.sql);
    connection
      .prepare('insert into migrations (version, name, appliedAt) values (?, ?, ?)')
      .run(version, migration.name, clock.now().toString());
    connection.pragma(`user_version = ${version}`);
  });

  try {
    apply.immediate();
  } catch (error) {
    throw storeFailure(error, `migration ${version} (${migration.name})`, file);
  }
}

function pragmaNumber(connection: SQLite.Database, name: string): number {
  return Number(connection.pragma(name, { simple: true }));
}
