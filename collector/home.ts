// Files of SELVAGE_HOME: what lies where, and reading and writing the collector's own (keys, certificates, settings).
// The admin's files in <home>/admin belong to the CLI; the collector never reads them.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import type { OnlineKeys } from '@selvage/shared/policy/sign.ts';
import { type CollectorSettings, decodeSettings, type Environment } from './settings.ts';

export interface Home {
  readonly root: string;
  /** Written last by init: where it is, init was finished. */
  readonly settings: string;
  readonly collector: CollectorFiles;
  /** The admin who works on this machine: keys and where to reach the collector. */
  readonly admin: string;
  /** Held by the collector that serves this home; outside of the folder that a restore replaces. */
  readonly lock: string;
  /** Files of feeds until they are imported: of a running process, so outside of what a backup holds. */
  readonly arriving: string;
}

export interface CollectorFiles {
  readonly folder: string;
  readonly database: string;
  readonly hostsAuthority: PairPaths;
  /** While the authority of hosts is being replaced: the next one, and how far that is. One file, so that it is one write. */
  readonly hostsRotation: string;
  readonly adminsAuthority: PairPaths;
  /** Snapshot and timestamp keys: all the collector can sign. */
  readonly onlineKeys: string;
  /** How far the ledger was; see store/witness.ts. */
  readonly witness: string;
}

export interface PairPaths {
  readonly certificate: string;
  readonly privateKey: string;
}

const PEM_LIMIT_BYTES = 64 * 1024;
export const JSON_LIMIT_BYTES = 1024 * 1024;
const PUBLIC_FILE = 0o644;

export function homeAt(root: string): Home {
  return {
    root,
    settings: join(root, 'settings.json'),
    collector: collectorFilesIn(join(root, 'collector')),
    admin: join(root, 'admin'),
    lock: join(root, 'serving.lock'),
    arriving: join(root, 'arriving'),
  };
}

export function collectorFilesIn(folder: string): CollectorFiles {
  return {
    folder,
    database: join(folder, 'selvage.db'),
    hostsAuthority: pairIn(folder, 'hosts-authority'),
    hostsRotation: join(folder, 'hosts-rotation.json'),
    adminsAuthority: pairIn(folder, 'admins-authority'),
    onlineKeys: join(folder, 'online-keys.json'),
    witness: join(folder, 'witness.json'),
  };
}

/** Throws NOT_FOUND when init has not been run there, SETTINGS_INVALID when it was edited wrongly. */
export async function readSettings(home: Home, environment: Environment = {}): Promise<CollectorSettings> {
  const bytes = await readBounded(home.settings, JSON_LIMIT_BYTES);
  if (!bytes) {
    throw new CodedError('NOT_FOUND', `there is no collector in ${home.root}`, {
      next: 'make one with: selvage init (or set SELVAGE_HOME)',
    });
  }

  return decodeSettings(Buffer.from(bytes).toString('utf8'), home.settings, environment);
}

export async function readPair(paths: PairPaths): Promise<{ certificate: string; privateKey: string }> {
  return { certificate: await readText(paths.certificate), privateKey: await readText(paths.privateKey) };
}

export async function writePair(
  paths: PairPaths,
  pair: { readonly certificate: string; readonly privateKey: string },
): Promise<void> {
  await writeDurable(paths.privateKey, pair.privateKey);
  await writeDurable(paths.certificate, pair.certificate, { mode: PUBLIC_FILE });
}

export async function writeOnlineKeys(files: CollectorFiles, keys: OnlineKeys<SigningKey>): Promise<void> {
  const { snapshot, timestamp } = keys;
  const content = { snapshot: snapshot.privateKey, timestamp: timestamp.privateKey };
  await writeDurable(files.onlineKeys, `${JSON.stringify(content)}\n`);
}

/** A file that must be there. Throws FILE_CORRUPT when it is missing, FILE_UNSAFE or FILE_TOO_LARGE. */
export async function readText(path: string, maxBytes = PEM_LIMIT_BYTES): Promise<string> {
  const bytes = await readBounded(path, maxBytes);
  if (!bytes) throw new CodedError('FILE_CORRUPT', `${path} is missing`);

  return Buffer.from(bytes).toString('utf8');
}

function pairIn(folder: string, name: string): PairPaths {
  return { certificate: join(folder, `${name}.crt`), privateKey: join(folder, `${name}.key`) };
}
