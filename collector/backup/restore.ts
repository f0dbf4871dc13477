// selvage restore: puts a backup in the place of a collector. Everything is copied and checked beside its place first; what was
// there is kept aside. INVARIANT: until all of it has been checked, nothing of the home is touched.
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, syncFolder, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { verifyLedger } from '../audit/ledger.ts';
import type { RestoreResult } from '../cli/cli.ts';
import { collectorFilesIn, type Home, JSON_LIMIT_BYTES, readPair, readText } from '../home.ts';
import { lockHome } from '../home-store.ts';
import { decodeSettings } from '../settings.ts';
import { inspectDatabase } from '../store/snapshot.ts';
import { openStore } from '../store/store.ts';
import { writeWitness } from '../store/witness.ts';
import { copyFile } from './copy.ts';
import { DATABASE, MANIFEST, type Manifest, readManifest, SETTINGS } from './manifest.ts';

const FOLDER_MODE = 0o700;

/** Where a restore builds; `init` makes nothing beside one that was cut off. */
export function restoringIn(home: Home): string {
  return join(home.root, '.restore');
}

/**
 * Throws STORE_BUSY (a collector serves the home), BACKUP_INVALID, STORE_NEWER, SETTINGS_INVALID or DISK_FULL; the home is
 * as it was then. Cut off at any point it can be run again.
 */
export async function restoreBackup(
  from: string,
  deps: { readonly home: Home; readonly clock: Clock },
): Promise<RestoreResult> {
  const { home, clock } = deps;
  const backup = resolve(from);
  const manifest = await readManifest(join(backup, MANIFEST));
  await makeFolder(home.root, FOLDER_MODE);
  const lock = await lockHome(home);

  try {
    const building = restoringIn(home);
    await rm(building, { recursive: true, force: true });
    try {
      const settings = await prepare(backup, building, manifest, clock);
      const aside = await putInPlace(home, building, settings, clock);

      return { home: home.root, createdAt: manifest.createdAt, ledger: manifest.ledger, aside };
    } finally {
      await rm(building, { recursive: true, force: true });
    }
  } finally {
    lock.release();
  }
}

/** A whole, checked collector in `building`; gives the text of its settings. */
async function prepare(backup: string, building: string, manifest: Manifest, clock: Clock): Promise<string> {
  await refuseStrangers(backup, manifest);
  await makeFolder(join(building, dirname(DATABASE)), FOLDER_MODE);
  for (const { path, bytes, sha256 } of manifest.files) {
    const copied = await copyFile(join(backup, path), join(building, path));
    if (!copied) throw new CodedError('BACKUP_INVALID', `${path} is missing in ${backup}`);
    if (copied.bytes !== bytes || copied.sha256 !== sha256) {
      throw new CodedError('BACKUP_INVALID', `${path} in ${backup} is not what was backed up`);
    }
  }

  const settings = await readText(join(building, SETTINGS), JSON_LIMIT_BYTES);
  decodeSettings(settings, join(backup, SETTINGS));
  const files = collectorFilesIn(join(building, 'collector'));
  await checked(backup, async () => {
    await readPair(files.hostsAuthority);
    await readPair(files.adminsAuthority);
    inspectDatabase(files.database);
  });
  await bringUpToDate(files, manifest, clock, backup);
  await syncFolder(files.folder);
  await syncFolder(building);

  return settings;
}

/** The ledger says that there was a restore, so that entries that are gone are not gone without a word. */
async function bringUpToDate(
  files: ReturnType<typeof collectorFilesIn>,
  manifest: Manifest,
  clock: Clock,
  backup: string,
): Promise<void> {
  const store = await openStore({ file: files.database, clock, existing: true });

  try {
    await checked(backup, async () => {
      const { ledger } = manifest;
      await verifyLedger(store.read.audit, ledger ? (ledger as Parameters<typeof verifyLedger>[1]) : undefined);
    });
    await store.transaction(async (writers) => {
      const at = clock.now().toString() as Timestamp;
      // Which of them were used or revoked since the backup is forgotten, and whoever has a spent one must not become a host
      // or an admin with it.
      const open = (await writers.tokens.list()).filter((token) => token.usedAt === null && token.revokedAt === null);
      for (const { id } of open) await writers.tokens.revoke(id, at);
      await writers.audit.append({
        ...{ at, actor: 'collector', action: 'collector.restored', subject: manifest.createdAt },
        details: { entry: manifest.ledger?.sequence ?? 0, tokensRevoked: open.length },
      });
    });
    await writeWitness(files.witness, store.read.audit, null);
  } finally {
    await store.close();
  }
}

/** What was there goes aside first; a cut between leaves the settings, without which nothing starts anew. */
async function putInPlace(home: Home, building: string, settings: string, clock: Clock): Promise<string | null> {
  // To the millisecond: a restore that was cut off may be run again within the same second.
  const stamp = clock.now().toString({ smallestUnit: 'millisecond' }).replaceAll(':', '');
  const aside = join(home.root, `replaced-${stamp}`);
  const collector = await tryRename(home.collector.folder, join(aside, 'collector'));
  const before = await copyAside(home.settings, join(aside, SETTINGS));
  await rename(join(building, 'collector'), home.collector.folder);
  await syncFolder(home.root);
  await writeDurable(home.settings, settings);

  return collector || before ? aside : null;
}

async function tryRename(from: string, to: string): Promise<boolean> {
  // Durable before anything is moved into it: a power cut could lose the folder, and with it the collector.
  await makeFolder(dirname(to), FOLDER_MODE);

  try {
    await rename(from, to);
    await syncFolder(dirname(to));

    return true;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;

    return false;
  }
}

async function copyAside(from: string, to: string): Promise<boolean> {
  const copied = await copyFile(from, to);
  if (!copied) await removeEmpty(dirname(to));

  return copied !== null;
}

/** A new home had nothing to keep. */
async function removeEmpty(folder: string): Promise<void> {
  if ((await readdir(folder)).length === 0) await rm(folder, { recursive: true });
}

/** Files that the manifest does not name were not written by a backup. */
async function refuseStrangers(backup: string, manifest: Manifest): Promise<void> {
  const known = new Set([MANIFEST, ...manifest.files.map(({ path }) => path)]);
  const entries = await readdir(backup, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(backup.length + 1);
    if (entry.isDirectory() && path === 'collector') continue;
    if (!known.has(path)) throw new CodedError('BACKUP_INVALID', `${path} in ${backup} does not belong to a backup`);
  }
}

/** What is wrong inside a backup is the backup's fault; a newer schema is said as it is. */
async function checked(backup: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, message } = asCoded(error);
    if (code === 'STORE_NEWER' || code === 'DISK_FULL') throw error;
    throw new CodedError('BACKUP_INVALID', `${backup} cannot be used: ${message}`, { cause: error });
  }
}
