// selvage backup: everything a collector needs to go on elsewhere, as it stands at one moment, in one folder: database,
// authorities, online keys, settings, and a manifest with the hash of each. The keys of admins are not the collector's.
// INVARIANT: the folder has its name only when it is whole, on the disk and has been opened and checked.
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, syncFolder, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { verifyLedger } from '../audit/ledger.ts';
import type { BackupResult } from '../cli/cli.ts';
import { type Home, readPair, readSettings } from '../home.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import type { AuditReader } from '../store/ports.ts';
import { copyDatabase, inspectDatabase } from '../store/snapshot.ts';
import { openStore } from '../store/store.ts';
import { checkSeen, readWitness } from '../store/witness.ts';
import { VERSION } from '../version.ts';
import { type Copied, copyFile } from './copy.ts';
import { DATABASE, MANIFEST, type Manifest, manifestOf, SETTINGS } from './manifest.ts';

const FOLDER_MODE = 0o700;
const RANDOM_BYTES = 6;
/** Files that changed while they were copied (an authority is being rotated) are copied anew this often. */
const ATTEMPTS = 5;

/**
 * Throws NOT_FOUND (no collector in the home), ALREADY_EXISTS, STORE_CORRUPT, FILE_CORRUPT, AUDIT_BROKEN, STORE_BUSY, DISK_FULL or
 * FILE_UNSAFE; nothing is left behind then. A collector may serve the home meanwhile.
 */
export async function makeBackup(
  to: string,
  deps: { readonly home: Home; readonly clock: Clock; readonly copy?: typeof copyDatabase },
): Promise<BackupResult> {
  const { home, clock, copy = copyDatabase } = deps;
  const folder = resolve(to);
  await readSettings(home);
  await refuseHalf(home);
  await refuseExisting(folder);
  const building = join(dirname(folder), `.${basename(folder)}.${randomBytes(RANDOM_BYTES).toString('hex')}.partial`);
  await makeBuilding(building);

  try {
    const createdAt = clock.now().toString();
    // Before the database: what it saw must be in the copy.
    const seen = await readWitness(home.collector.witness);
    const files = await copyFiles(home, building, copy);
    const database = join(building, DATABASE);
    const { schema } = inspectDatabase(database);
    const check = (audit: AuditReader) => checkSeen(seen, audit, home.collector.witness);
    const ledgerIn = (file: string) => ledgerOf(file, clock, check);
    const ledger = await (schema < MIGRATIONS.length ? onScratch(database, ledgerIn) : ledgerIn(database));
    const copied = (await copyFile(database, null)) as Copied;
    const manifest = manifestOf({
      ...{ createdAt, collectorVersion: VERSION, schema, ledger },
      files: [...files, { path: DATABASE, ...copied }],
    });
    await writeDurable(join(building, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await syncFolder(join(building, dirname(DATABASE)));
    await refuseExisting(folder);
    await rename(building, folder);
    await syncFolder(dirname(folder));

    return { folder, createdAt, files: manifest.files.length, bytes: bytesOf(manifest), ledger };
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The database, settings and everything in the collector's folder but what belongs to a running process. The files were the
 * same before and after the database was copied: what it says of keys and authorities is true of those that lie beside it.
 */
async function copyFiles(home: Home, building: string, copy: typeof copyDatabase): Promise<Manifest['files']> {
  const database = join(building, DATABASE);

  for (let attempt = 1; ; attempt++) {
    const files = await copyAll(home, building);
    await copy(home.collector.database, database);
    const again = await Promise.all(files.map(async ({ from }) => copyFile(from, null)));
    const names = await keptNames(home);
    const same =
      names.length === files.length - 1 && files.every(({ copied }, at) => again[at]?.sha256 === copied.sha256);
    if (same) return files.map(({ path, copied }) => ({ path, ...copied }));
    if (attempt === ATTEMPTS) {
      throw new CodedError('STATE', 'the files of the collector changed while they were copied', {
        next: 'make the backup again when nobody changes authorities or keys',
      });
    }
    for (const path of [DATABASE, ...files.map((file) => file.path)]) await rm(join(building, path), { force: true });
  }
}

async function copyAll(home: Home, building: string) {
  const wanted = [
    { from: home.settings, path: SETTINGS },
    ...(await keptNames(home)).map((name) => ({ from: join(home.collector.folder, name), path: `collector/${name}` })),
  ];
  const files: { readonly from: string; readonly path: string; readonly copied: Copied }[] = [];
  for (const { from, path } of wanted) {
    const copied = await copyFile(from, join(building, path));
    // One that went away meanwhile: the comparison sees it.
    if (copied) files.push({ from, path, copied });
  }

  return files;
}

async function keptNames({ collector }: Home): Promise<readonly string[]> {
  const database = basename(collector.database);
  const left = [database, `${database}-wal`, `${database}-shm`, `${database}-journal`, basename(collector.witness)];
  const names = await readdir(collector.folder);

  // A name that begins with a dot is a file that is just being written.
  return names.filter((name) => !left.includes(name) && !name.startsWith('.')).sort();
}

/** Opening a database brings it up to date; what is backed up stays as the program that wrote it can read it. */
async function onScratch<T>(database: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const folder = `${database}.checked`;
  await mkdir(folder, { mode: FOLDER_MODE });

  try {
    const scratch = join(folder, basename(database));
    await copyFile(database, scratch);

    return await work(scratch);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Opens the copy as a collector would, and reads its ledger from the first entry to the last. */
async function ledgerOf(
  database: string,
  clock: Clock,
  check: (audit: AuditReader) => Promise<void>,
): Promise<Manifest['ledger']> {
  const store = await openStore({ file: database, clock, existing: true, verify: ({ audit }) => check(audit) });

  try {
    const { head } = await verifyLedger(store.read.audit);

    return head.sequence === 0 ? null : { sequence: head.sequence, hash: head.hash };
  } finally {
    await store.close();
  }
}

/** What could not be restored is no backup: it would push a good one out of the shelf. */
async function refuseHalf({ collector }: Home): Promise<void> {
  await readPair(collector.hostsAuthority);
  await readPair(collector.adminsAuthority);
  const { size } = await lstat(collector.database).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return { size: 0 };
    throw error;
  });
  if (size > 0) return;

  throw new CodedError('STORE_CORRUPT', `the database is missing or empty (${collector.database}); no backup was made`);
}

async function refuseExisting(folder: string): Promise<void> {
  try {
    await lstat(folder);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  throw new CodedError('ALREADY_EXISTS', `${folder} is there already; nothing was changed`);
}

async function makeBuilding(building: string): Promise<void> {
  try {
    await mkdir(building, { mode: FOLDER_MODE });
    await mkdir(join(building, dirname(DATABASE)), { mode: FOLDER_MODE });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) throw new CodedError('NOT_FOUND', `there is no folder ${dirname(building)}`);
    if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
      await rm(building, { recursive: true, force: true });
      throw new CodedError('DISK_FULL', `no space to write ${building}`, { cause: error });
    }
    throw error;
  }
}

function bytesOf(manifest: Manifest): number {
  return manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
}
