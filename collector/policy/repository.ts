// The policy repository of the collector: takes what admins sign, adds snapshot and timestamp, and keeps it. INVARIANTS: what
// is stored has been verified exactly as an agent verifies it; the collector's keys sign nothing but snapshot and timestamp;
// metadata, documents and audit entries are one transaction; the event comes after the commit.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import { decodeMetadata, fileNameOf } from '@selvage/shared/policy/metadata.ts';
import type { NamedBytes, RoleFile } from '@selvage/shared/policy/online.ts';
import { overdueRoles, verifyOverdue } from '@selvage/shared/policy/overdue.ts';
import { assertReferences } from '@selvage/shared/policy/references.ts';
import type { OnlineKeys, Proposal } from '@selvage/shared/policy/sign.ts';
import {
  type PolicyFile,
  type PolicyFiles,
  type TrustedPolicy,
  verifyRepository,
} from '@selvage/shared/policy/trusted-set.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { PolicyFileRecord, Store } from '../store/ports.ts';
import { refreshDue } from './freshness.ts';
import { entriesOf } from './ledger.ts';
import { type OnlineBefore, snapshotOf, timestampAgain } from './online-files.ts';
import { checkTargets, checkVersions, pushedRoles } from './proposal.ts';
import { filesOf, readStored, type StoredPolicy, TIMESTAMP, targetKey } from './stored.ts';

const MONTH_LENGTH = 'YYYY-MM'.length;

export interface PolicyRepositoryDeps {
  readonly store: Store;
  readonly keys: OnlineKeys<SigningKey>;
  readonly clock: Clock;
  readonly events: Events;
}

export interface CurrentPolicy {
  readonly timestampVersion: number;
  /** When the timestamp ends. */
  readonly expires: Timestamp;
  readonly documents: TrustedPolicy['documents'];
  readonly policy: TrustedPolicy;
  /** Roles that have expired; admins must sign them again. */
  readonly overdue: readonly string[];
  /** Exactly the files that are in use now, each root among them. */
  readonly files: readonly PolicyFile[];
}

export interface PolicyRepository {
  /** Verified, also when some of it has expired. Throws POLICY_NONE before the first policy. */
  current(): Promise<CurrentPolicy>;
  /**
   * Stores what admins signed. `by` is the actor of the ledger (`admin:NAME`). Throws POLICY_CONFLICT, POLICY_SIGNATURES,
   * POLICY_EXPIRED, POLICY_INVALID, DOCUMENT_INVALID, DOCUMENT_NOT_SUPPORTED or DOCUMENT_REFERENCE; then nothing is stored.
   * The very same push again (its answer was lost) changes nothing and succeeds.
   */
  push(push: Proposal & { readonly by: string }): Promise<{ readonly timestampVersion: number }>;
  /**
   * Signs timestamp (and snapshot) again when half of its life is over; true when it did. `restarted`: signs both in any
   * case, because a collector that was restored from a backup must be ahead of what agents have seen of it.
   */
  refreshTimestamp(options?: { readonly restarted?: boolean }): Promise<boolean>;
}

export function createPolicyRepository(deps: PolicyRepositoryDeps): PolicyRepository {
  const { store, keys, clock, events } = deps;
  const load = remembering(store);

  return {
    current: async () => {
      const now = clock.now();
      const { stored, policy } = await load(now);

      return {
        timestampVersion: stored.timestamp.version,
        expires: stored.timestamp.expires as Timestamp,
        documents: policy.documents,
        policy,
        overdue: overdueRoles(policy, now),
        files: [...stored.roots.map(fileOf), ...policy.accepted.files],
      };
    },
    push: async ({ by, ...proposal }) => {
      const now = clock.now();
      const { stored, policy } = await load(now);
      if (alreadyStored(stored, proposal)) return { timestampVersion: stored.timestamp.version };
      const next = nextPolicy(keys, { stored, policy, proposal, now });
      await store.transaction(async (writers) => {
        await writers.policy.put(next.files.map(fileOf).map(recordOf), stored.timestamp.version);
        // An agent that is mirroring the version before may still ask for its documents.
        await writers.policy.prune(targetsOf([...stored.roles, ...next.roles]));
        for (const entry of entriesOf(policy, next.policy, namesOf(proposal))) {
          await writers.audit.append({ ...entry, at: now.toString() as Timestamp, actor: by });
        }
      });
      events.publish({ type: 'policy.changed', timestampVersion: next.timestampVersion });

      return { timestampVersion: next.timestampVersion };
    },
    refreshTimestamp: async ({ restarted = false } = {}) => {
      const now = clock.now();
      // Not verified: agents judge for themselves, and a signature over what they refuse gains nobody anything.
      const stored = await storedPolicy(store);
      const expires = { snapshot: stored.snapshot.expires, timestamp: stored.timestamp.expires };
      const due = restarted ? 'snapshot and timestamp' : refreshDue(expires, now);
      if (due === 'nothing') return false;
      const before = onlineBefore(stored);
      const { files, timestampVersion } =
        due === 'timestamp' ? timestampAgain(keys, before, now) : snapshotOf(keys, before, stored.roles, now);
      await store.transaction((writers) =>
        writers.policy.put(files.map(fileOf).map(recordOf), stored.timestamp.version),
      );
      events.publish({ type: 'policy.changed', timestampVersion });

      return true;
    },
  };
}

interface Next {
  readonly policy: TrustedPolicy;
  readonly timestampVersion: number;
  /** Every role that the new snapshot names, also those that nobody delegates to any more. */
  readonly roles: readonly RoleFile[];
  /** Everything that is new. */
  readonly files: readonly NamedBytes[];
}

/** The repository after a push, verified as an agent that has the one before would verify it. */
function nextPolicy(
  keys: OnlineKeys<SigningKey>,
  request: {
    readonly stored: StoredPolicy;
    readonly policy: TrustedPolicy;
    readonly proposal: Proposal;
    readonly now: Temporal.Instant;
  },
): Next {
  const { stored, policy, proposal, now } = request;
  const pushed = pushedRoles(proposal);
  checkVersions(pushed, versionsOf(stored));
  checkTargets(proposal, pushed);

  const roles = new Map([...stored.roles, ...pushed].map((role) => [role.role, role]));
  roles.delete('root');
  const online = snapshotOf(keys, onlineBefore(stored), [...roles.values()], now);
  const targets = proposal.targets.map(({ path, bytes }) => ({ name: path, bytes }));
  const files = [...proposal.metadata, ...targets, ...online.files];
  const next = verifyRepository({
    root: firstRootOf(stored),
    files: overlay(stored, files),
    now,
    previous: policy.accepted,
  });
  const unused = pushed.find(({ role, version }) => next.versions[role] !== version);
  if (unused)
    throw new CodedError('POLICY_INVALID', `nobody delegates to ${unused.role}`, {
      details: { role: unused.role, version: unused.version },
    });
  assertReferences(
    next.documents.map(({ document }) => document),
    now,
  );

  return { policy: next, timestampVersion: online.timestampVersion, roles: [...roles.values()], files };
}

/**
 * Reads and verifies, or answers from memory while the timestamp is the same. The month is part of the question: months of
 * approvals end with time alone.
 */
function remembering(store: Store) {
  let last: { readonly key: string; readonly stored: StoredPolicy; readonly policy: TrustedPolicy } | null = null;

  return async (now: Temporal.Instant) => {
    const timestamp = await store.read.policy.file(TIMESTAMP);
    const key = timestamp ? `${sha256(timestamp)} ${now.toString().slice(0, MONTH_LENGTH)}` : '';
    if (last?.key === key) return last;

    const stored = await storedPolicy(store);
    const { policy } = verifyOverdue({ root: firstRootOf(stored), files: stored.files, now, previous: null });
    last = { key, stored, policy };

    return last;
  };
}

async function storedPolicy(store: Store): Promise<StoredPolicy> {
  const stored = await readStored(store.read.policy);
  if (!stored)
    throw new CodedError('POLICY_NONE', 'this collector has no policy repository yet', { next: 'run: selvage init' });

  return stored;
}

/** A push whose answer was lost: every byte of its metadata is what is stored. */
function alreadyStored(stored: StoredPolicy, { metadata }: Proposal): boolean {
  return (
    metadata.length > 0 &&
    metadata.every(({ name, bytes }) => {
      const own = stored.files(name);

      return own !== null && sha256(own) === sha256(bytes);
    })
  );
}

function overlay(stored: StoredPolicy, files: readonly NamedBytes[]): PolicyFiles {
  const added = new Map<string, Uint8Array>();
  for (const { name, bytes } of files) added.set(name.includes('/') ? targetKey(name, sha256(bytes)) : name, bytes);
  const own = filesOf(added);

  return (name, hash) => own(name, hash) ?? stored.files(name, hash);
}

function versionsOf(stored: StoredPolicy): Readonly<Record<string, number>> {
  return Object.fromEntries([
    ...stored.roles.map(({ role, version }) => [role, version]),
    ['root', stored.roots.length],
  ]);
}

function onlineBefore(stored: StoredPolicy): OnlineBefore {
  return {
    timestampVersion: stored.timestamp.version,
    snapshot: { version: stored.snapshot.version, bytes: stored.snapshotBytes },
  };
}

function firstRootOf({ roots }: StoredPolicy): Uint8Array {
  const [first] = roots;
  if (!first) throw new CodedError('STORE_FAILED', 'the policy repository in the store has no root');

  return first.bytes;
}

/** Documents that the roles name, those of months that are over included: whoever reads the roles asks for them. */
function targetsOf(roles: readonly RoleFile[]): readonly { readonly name: string; readonly sha256: Sha256 }[] {
  return roles.flatMap(({ role, version, bytes }) => {
    const { targets } = decodeMetadata('targets', fileNameOf(role, version), bytes).signed;

    return Object.entries(targets).map(([name, { hashes }]) => ({ name, sha256: hashes.sha256 as Sha256 }));
  });
}

function namesOf(proposal: Proposal): readonly string[] {
  return proposal.metadata.map(({ name }) => name);
}

function fileOf({ name, bytes }: NamedBytes): PolicyFile {
  return { name, sha256: sha256(bytes), bytes };
}

function recordOf({ name, sha256, bytes }: PolicyFile): PolicyFileRecord {
  return { name, sha256, content: bytes };
}
