// The policy repository as it lies in the store, read whole. Nothing is verified here; the names come from the metadata.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import {
  decodeMetadata,
  fileNameOf,
  type SnapshotSigned,
  type TimestampSigned,
} from '@selvage/shared/policy/metadata.ts';
import type { NamedBytes, RoleFile } from '@selvage/shared/policy/online.ts';
import type { PolicyFiles } from '@selvage/shared/policy/trusted-set.ts';
import type { PolicyReader } from '../store/ports.ts';

export const TIMESTAMP = 'timestamp.json';
export const FIRST_ROOT = '1.root.json';

export interface StoredPolicy {
  readonly timestamp: TimestampSigned;
  readonly snapshot: SnapshotSigned;
  readonly snapshotBytes: Uint8Array;
  /** Every root from the first, in order. */
  readonly roots: readonly NamedBytes[];
  /** Every role that the snapshot names. */
  readonly roles: readonly RoleFile[];
  readonly files: PolicyFiles;
}

/** Key of a target among the files; metadata goes by its name alone. */
export function targetKey(path: string, sha256: string): string {
  return `${path}#${sha256}`;
}

/** The files of `contents`, keyed as targetKey says. */
export function filesOf(contents: ReadonlyMap<string, Uint8Array>): PolicyFiles {
  return (name, sha256?: Sha256) => contents.get(sha256 === undefined ? name : targetKey(name, sha256)) ?? null;
}

/** Null before the first policy. Throws STORE_FAILED when a file that the metadata names is missing. */
export async function readStored(reader: PolicyReader): Promise<StoredPolicy | null> {
  const timestampBytes = await reader.file(TIMESTAMP);
  if (!timestampBytes) return null;

  const contents = new Map([[TIMESTAMP, timestampBytes]]);
  const read = async (name: string, sha256?: Sha256): Promise<Uint8Array> => {
    const bytes = await reader.file(name, sha256);
    if (!bytes) throw new CodedError('STORE_FAILED', `the policy repository in the store has lost ${name}`);
    contents.set(sha256 === undefined ? name : targetKey(name, sha256), bytes);

    return bytes;
  };
  const timestamp = decodeMetadata('timestamp', TIMESTAMP, timestampBytes).signed;
  const snapshotName = fileNameOf('snapshot', timestamp.meta['snapshot.json'].version);
  const snapshotBytes = await read(snapshotName);
  const snapshot = decodeMetadata('snapshot', snapshotName, snapshotBytes).signed;
  const roots: NamedBytes[] = [{ name: FIRST_ROOT, bytes: await read(FIRST_ROOT) }];
  for (let version = 2; ; version++) {
    const name = fileNameOf('root', version);
    const bytes = await reader.file(name);
    if (!bytes) break;
    contents.set(name, bytes);
    roots.push({ name, bytes });
  }
  const roles: RoleFile[] = [];
  for (const [file, { version }] of Object.entries(snapshot.meta)) {
    const role = file.slice(0, -'.json'.length);
    const name = fileNameOf(role, version);
    const bytes = await read(name);
    roles.push({ role, version, bytes });
    for (const [path, target] of Object.entries(decodeMetadata('targets', name, bytes).signed.targets)) {
      await read(path, target.hashes.sha256 as Sha256);
    }
  }

  return { timestamp, snapshot, snapshotBytes, roots, roles, files: filesOf(contents) };
}
