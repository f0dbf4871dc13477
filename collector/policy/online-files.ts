// Snapshot and timestamp over what is stored or about to be. Signs with the collector's keys and nothing else.
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import { makeSnapshot, makeTimestamp, type NamedBytes, type RoleFile } from '@selvage/shared/policy/online.ts';
import type { OnlineKeys } from '@selvage/shared/policy/sign.ts';

export interface OnlineFiles {
  readonly timestampVersion: number;
  /** The timestamp, and the snapshot when it is new. */
  readonly files: readonly NamedBytes[];
}

/** What the online metadata was before; versions 0 before the first. */
export interface OnlineBefore {
  readonly timestampVersion: number;
  readonly snapshot: { readonly version: number; readonly bytes: Uint8Array };
}

/** A new timestamp over the same snapshot. */
export function timestampAgain(keys: OnlineKeys<SigningKey>, before: OnlineBefore, now: Temporal.Instant): OnlineFiles {
  const timestamp = makeTimestamp({
    previousVersion: before.timestampVersion,
    snapshot: before.snapshot,
    key: keys.timestamp,
    now,
  });

  return { timestampVersion: timestamp.version, files: [timestamp] };
}

/** A new snapshot of the roles, and the timestamp over it. */
export function snapshotOf(
  keys: OnlineKeys<SigningKey>,
  before: OnlineBefore,
  roles: readonly RoleFile[],
  now: Temporal.Instant,
): OnlineFiles {
  const snapshot = makeSnapshot({ previousVersion: before.snapshot.version, roles, key: keys.snapshot, now });
  const again = timestampAgain(keys, { ...before, snapshot }, now);

  return { ...again, files: [snapshot, ...again.files] };
}
