// Before a newer collector changes the schema of a database, everything is backed up as it is: whoever must go back to the program
// before can restore it with that program. It changes nothing of the home but its own folder.
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno, makeFolder } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { makeBackup } from './backup/backup.ts';
import type { Home } from './home.ts';
import { MIGRATIONS } from './store/migrations.ts';

/** Of earlier upgrades so many stay; each is as large as the database was. */
const KEPT = 2;
const FOLDER_MODE = 0o700;

/** Where user_version stands in a database file: 32 bits, big-endian (sqlite.org/fileformat.html#the_database_header). */
const VERSION_OFFSET = 60;
const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
/** Folders of this shape are backups of ours: when, then the schema. */
const NAME = /^\d{4}-\d{2}-\d{2}T\d{6}\.\d{3}Z-schema-\d+$/;
/** What a start left that was killed while it made one: each as large as the database, and a supervisor starts again and again. */
const CUT_OFF = /^\.\d{4}-\d{2}-\d{2}T\d{6}\.\d{3}Z-schema-\d+\.[0-9a-f]+\.partial$/;

function beforeUpgradesIn(home: Home): string {
  return join(home.root, 'before-upgrade');
}

/**
 * Backs the home up where its database has an older schema than this collector's, for whoever holds the home's lock; null where there is nothing to do (also for a
 * database that cannot be opened: whoever opens it says why). Throws what makeBackup throws, and the upgrade must not go on then.
 */
export async function backUpBeforeUpgrade(
  home: Home,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<string | null> {
  const schema = await schemaIn(home.collector.database);
  if (schema === null || schema >= MIGRATIONS.length) return null;

  const shelf = beforeUpgradesIn(home);
  await makeFolder(shelf, FOLDER_MODE);
  // Whoever starts here holds the home alone: nobody is making one of these.
  for (const name of await readdir(shelf)) if (CUT_OFF.test(name)) await rm(join(shelf, name), { recursive: true });
  // Before, too: of a large database it takes minutes in which no port is open.
  log.warn(
    { schema, to: MIGRATIONS.length, shelf },
    'everything is backed up before the database is brought up to date',
  );
  const stamp = clock.now().toString({ smallestUnit: 'millisecond' }).replaceAll(':', '');
  const { folder } = await makeBackup(join(shelf, `${stamp}-schema-${schema}`), { home, clock });
  await tidy(shelf);
  log.warn({ schema, to: MIGRATIONS.length, folder }, `the database is brought up to date; as it was: ${folder}`);

  return folder;
}

/**
 * Read from the file's first bytes: opening it could change it, and this collector may not be allowed to. A version that is still in
 * the write-ahead log only costs one backup too many.
 */
async function schemaIn(database: string): Promise<number | null> {
  try {
    const handle = await open(database, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
      const isDatabase = bytesRead === HEADER_BYTES && buffer.toString('latin1', 0, MAGIC.length) === MAGIC;
      const version = isDatabase ? buffer.readUInt32BE(VERSION_OFFSET) : 0;

      // 0: never brought to any schema, so there is nothing in it.
      return version === 0 ? null : version;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EISDIR', 'EACCES', 'ELOOP')) return null;
    throw error;
  }
}

/** The oldest go, but only what has the name of a backup made here. */
async function tidy(shelf: string): Promise<void> {
  const names = (await readdir(shelf)).filter((name) => NAME.test(name)).sort();
  for (const name of names.slice(0, -KEPT)) await rm(join(shelf, name), { recursive: true });
}
