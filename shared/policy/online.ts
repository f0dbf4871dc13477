// Snapshot and timestamp, as the collector makes them with its online keys. They say which versions belong together and
// that they are current; they can say nothing about what a host may do.
import { sha256 } from '../files/canonical.ts';
import type { SigningKey } from './keys.ts';
import { LIFETIME_MS } from './limits.ts';
import { expiresAt, fileNameOf, type SnapshotSigned, SPEC_VERSION, signMetadata } from './metadata.ts';

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A role's metadata as the snapshot names it. */
export interface RoleFile {
  readonly role: string;
  readonly version: number;
  readonly bytes: Uint8Array;
}

const MS_PER_SECOND = 1000;

/**
 * The next version of snapshot or timestamp: max(previous + 1, Unix seconds). A collector restored from a backup does
 * not know what agents have seen since; with the time in the number it is ahead of them all the same.
 */
export function nextOnlineVersion(previous: number, now: Temporal.Instant): number {
  return Math.max(previous + 1, Math.floor(now.epochMilliseconds / MS_PER_SECOND));
}

export function makeSnapshot(request: {
  readonly previousVersion: number;
  readonly roles: readonly RoleFile[];
  readonly key: SigningKey;
  readonly now: Temporal.Instant;
}): NamedBytes & { readonly version: number } {
  const { previousVersion, roles, key, now } = request;
  const version = nextOnlineVersion(previousVersion, now);
  const meta: SnapshotSigned['meta'] = Object.fromEntries(
    roles.map(({ role, version, bytes }) => [`${role}.json`, metaOf(version, bytes)]),
  );
  const expires = expiresAt(now.add({ milliseconds: LIFETIME_MS.snapshot }));
  const bytes = signMetadata({ _type: 'snapshot', spec_version: SPEC_VERSION, version, expires, meta }, [key]);

  return { name: fileNameOf('snapshot', version), version, bytes };
}

export function makeTimestamp(request: {
  readonly previousVersion: number;
  readonly snapshot: { readonly version: number; readonly bytes: Uint8Array };
  readonly key: SigningKey;
  readonly now: Temporal.Instant;
}): NamedBytes & { readonly version: number } {
  const { previousVersion, snapshot, key, now } = request;
  const version = nextOnlineVersion(previousVersion, now);
  const meta = { 'snapshot.json': metaOf(snapshot.version, snapshot.bytes) };
  const expires = expiresAt(now.add({ milliseconds: LIFETIME_MS.timestamp }));
  const bytes = signMetadata({ _type: 'timestamp', spec_version: SPEC_VERSION, version, expires, meta }, [key]);

  return { name: 'timestamp.json', version, bytes };
}

function metaOf(version: number, bytes: Uint8Array) {
  return { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
}
