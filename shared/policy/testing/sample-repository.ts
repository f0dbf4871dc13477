// A whole policy repository in memory with real keys and real signatures: admins push, the online keys publish, and the
// files are there to read (or to tamper with). For tests of every room.
import { sha256 } from '../../files/canonical.ts';
import type { Sha256 } from '../../model/ids.ts';
import type { PolicyDocument } from '../documents.ts';
import { createSigningKey, type SigningKey } from '../keys.ts';
import { makeSnapshot, makeTimestamp, type NamedBytes, type RoleFile } from '../online.ts';
import { replaceAdminKey, replaceOnlineKeys } from '../rotate.ts';
import { changeDocuments, createRepository, type OnlineKeys, type Proposal } from '../sign.ts';
import { type AcceptedPolicy, type PolicyFiles, type TrustedPolicy, verifyRepository } from '../trusted-set.ts';

export interface SampleRepository {
  readonly admins: readonly SigningKey[];
  readonly online: OnlineKeys<SigningKey>;
  /** `1.root.json`: what a host pins. */
  readonly root: Uint8Array;
  /** Every file by name (a target also by `path#sha256`). Tests may change it. */
  readonly contents: Map<string, Uint8Array>;
  readonly files: PolicyFiles;
  /** Takes files in and makes snapshot and timestamp, without any check: a careless or hostile collector. */
  publish(proposal: Proposal, now: Temporal.Instant): void;
  /** Signs with the first `signers` admins (all by default) and publishes. */
  change(
    request: { put?: readonly PolicyDocument[]; remove?: readonly string[]; signers?: readonly SigningKey[] },
    now: Temporal.Instant,
  ): void;
  /** Each admin's key is replaced by a new one, as `selvage key rotate` does; one admin only. */
  rotateAdmin(now: Temporal.Instant): SigningKey;
  /** The online keys are replaced, as `selvage key rotate-online` does. */
  rotateOnline(now: Temporal.Instant): OnlineKeys<SigningKey>;
  verify(now: Temporal.Instant, previous?: AcceptedPolicy | null): TrustedPolicy;
  /** The files as they are now, for going back to. */
  copy(): Map<string, Uint8Array>;
  restore(copy: ReadonlyMap<string, Uint8Array>): void;
}

export function sampleRepository(options: {
  readonly now: Temporal.Instant;
  readonly admins?: number;
  readonly threshold?: number;
}): SampleRepository {
  let admins = Array.from({ length: options.admins ?? 1 }, createSigningKey);
  let online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
  const contents = new Map<string, Uint8Array>();
  const roles = new Map<string, RoleFile>();
  const files: PolicyFiles = (name, hash) => contents.get(hash === undefined ? name : `${name}#${hash}`) ?? null;
  let snapshotVersion = 0;
  let timestampVersion = 0;

  const publish = (proposal: Proposal, now: Temporal.Instant) => {
    for (const file of proposal.metadata) {
      contents.set(file.name, file.bytes);
      const role = roleFileOf(file);
      if (role && isDelegated(role.role)) roles.set(role.role, role);
    }
    for (const { path, bytes } of proposal.targets) {
      contents.set(path, bytes);
      contents.set(`${path}#${sha256(bytes) as Sha256}`, bytes);
    }
    const snapshot = makeSnapshot({
      previousVersion: snapshotVersion,
      roles: [...roles.values()],
      key: online.snapshot,
      now,
    });
    const timestamp = makeTimestamp({ previousVersion: timestampVersion, snapshot, key: online.timestamp, now });
    snapshotVersion = snapshot.version;
    timestampVersion = timestamp.version;
    contents.set(snapshot.name, snapshot.bytes);
    contents.set(timestamp.name, timestamp.bytes);
  };
  const threshold = options.threshold ?? admins.length;
  publish(createRepository({ admins, threshold, signers: admins, online, now: options.now }), options.now);
  const root = contents.get('1.root.json') ?? new Uint8Array();
  const verify = (now: Temporal.Instant, previous: AcceptedPolicy | null = null) =>
    verifyRepository({ root, files, now, previous });

  return {
    get admins() {
      return admins;
    },
    get online() {
      return online;
    },
    root,
    rotateAdmin: (now) => {
      const [from] = admins;
      const to = createSigningKey();
      if (!from) throw new Error('a sample repository has an admin');
      publish(replaceAdminKey({ current: verify(now), from, to, now }), now);
      admins = [to];

      return from;
    },
    rotateOnline: (now) => {
      const before = online;
      const made = { snapshot: createSigningKey(), timestamp: createSigningKey() };
      const { root } = verify(now).signed;
      online = made;
      // Versions begin anew under new keys.
      snapshotVersion = 0;
      timestampVersion = 0;
      publish(replaceOnlineKeys({ root, online: made, signers: admins, now }), now);

      return before;
    },
    contents,
    files,
    publish,
    change: ({ signers = admins, ...change }, now) =>
      publish(changeDocuments({ ...change, current: verify(now), signers, now }), now),
    verify,
    copy: () => new Map(contents),
    restore: (copy) => {
      contents.clear();
      roles.clear();
      for (const [name, bytes] of copy) {
        contents.set(name, bytes);
        const role = roleFileOf({ name, bytes });
        if (role && isDelegated(role.role) && role.version > (roles.get(role.role)?.version ?? 0)) {
          roles.set(role.role, role);
        }
      }
    },
  };
}

function isDelegated(role: string): boolean {
  return role !== 'root' && role !== 'snapshot';
}

function roleFileOf({ name, bytes }: NamedBytes): RoleFile | null {
  const match = /^(\d+)\.([a-z0-9-]+)\.json$/.exec(name);
  if (!match?.[1] || !match[2]) return null;

  return { role: match[2], version: Number(match[1]), bytes };
}
