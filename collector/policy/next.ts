// The repository after a push, worked out and verified before anything is stored: exactly as an agent that has the one
// before would verify it. Pure but for the signatures of the online keys.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { MAX_VERSION_LEAD } from '@selvage/shared/policy/limits.ts';
import { decodeMetadata, type RootSigned } from '@selvage/shared/policy/metadata.ts';
import type { NamedBytes, RoleFile } from '@selvage/shared/policy/online.ts';
import { assertReferences } from '@selvage/shared/policy/references.ts';
import type { Proposal } from '@selvage/shared/policy/sign.ts';
import { type PolicyFiles, type TrustedPolicy, verifyRepository } from '@selvage/shared/policy/trusted-set.ts';
import type { Keyring } from './keyring.ts';
import { type OnlineBefore, snapshotOf } from './online-files.ts';
import { checkTargets, checkVersions, pushedRoles } from './proposal.ts';
import { filesOf, type StoredPolicy, targetKey } from './stored.ts';

export interface Next {
  readonly policy: TrustedPolicy;
  readonly timestampVersion: number;
  /** Everything that is new. */
  readonly files: readonly NamedBytes[];
}

export interface NextRequest {
  readonly stored: StoredPolicy;
  readonly policy: TrustedPolicy;
  readonly proposal: Proposal;
  readonly now: Temporal.Instant;
  /** The push brings back what this collector has lost, so versions may be ahead by more than one. */
  readonly recovers?: { readonly above: number } | null;
}

/** Throws POLICY_CONFLICT, POLICY_SIGNATURES, POLICY_EXPIRED, POLICY_INVALID, DOCUMENT_INVALID or DOCUMENT_REFERENCE. */
export function nextPolicy(keyring: Keyring, request: NextRequest): Next {
  const { stored, policy, proposal, now, recovers = null } = request;
  const pushed = pushedRoles(proposal);
  checkVersions(pushed, versionsOf(stored), recovers === null ? 1 : MAX_VERSION_LEAD);
  checkTargets(proposal, pushed);

  const roles = new Map([...stored.roles, ...pushed].map((role) => [role.role, role]));
  roles.delete('root');
  const before = lastRootOf(stored);
  const root = newRootOf(pushed) ?? before;
  const keys = keyring.of(root);
  if (!keys) {
    throw new CodedError('POLICY_SIGNATURES', 'the root names keys for snapshot and timestamp that are not here', {
      next: 'let an admin run: selvage key rotate-online',
    });
  }
  // Specification 5.3.11: versions under other keys begin anew, which undoes whatever the old keys were made to claim.
  const start = sameOnline(before, root) ? ahead(onlineBefore(stored), recovers?.above ?? 0, now) : NOTHING;
  const online = snapshotOf(keys, start, [...roles.values()], now);
  const targets = proposal.targets.map(({ path, bytes }) => ({ name: path, bytes }));
  const files = [...proposal.metadata, ...targets, ...online.files];
  const next = verifyRepository({
    root: firstRootOf(stored),
    files: overlay(stored, files),
    now,
    previous: policy.accepted,
  });
  refuseUnused(pushed, next);
  assertReferences(
    next.documents.map(({ document }) => document),
    now,
  );

  return { policy: next, timestampVersion: online.timestampVersion, files };
}

const NOTHING: OnlineBefore = { timestampVersion: 0, snapshot: { version: 0, bytes: new Uint8Array() } };

/** As if the versions that were seen elsewhere had been made here, as far as that can be: they follow the time. */
function ahead(before: OnlineBefore, above: number, now: Temporal.Instant): OnlineBefore {
  const limit = Math.floor(now.epochMilliseconds / 1000) + MAX_VERSION_LEAD;
  const seen = Math.min(above, limit);
  const { timestampVersion, snapshot } = before;

  return {
    timestampVersion: Math.max(timestampVersion, seen),
    snapshot: { ...snapshot, version: Math.max(snapshot.version, seen) },
  };
}

export function onlineBefore(stored: StoredPolicy): OnlineBefore {
  return {
    timestampVersion: stored.timestamp.version,
    snapshot: { version: stored.snapshot.version, bytes: stored.snapshotBytes },
  };
}

export function firstRootOf({ roots }: StoredPolicy): Uint8Array {
  const [first] = roots;
  if (!first) throw new CodedError('STORE_FAILED', 'the policy repository in the store has no root');

  return first.bytes;
}

export function lastRootOf({ roots }: StoredPolicy): RootSigned {
  const last = roots.at(-1);
  if (!last) throw new CodedError('STORE_FAILED', 'the policy repository in the store has no root');

  return decodeMetadata('root', last.name, last.bytes).signed;
}

function newRootOf(pushed: readonly RoleFile[]): RootSigned | null {
  const last = pushed.findLast(({ role }) => role === 'root');

  return last ? decodeMetadata('root', `${last.version}.root.json`, last.bytes).signed : null;
}

function sameOnline(before: RootSigned, after: RootSigned): boolean {
  return (['snapshot', 'timestamp'] as const).every(
    (role) => before.roles[role].keyids.join() === after.roles[role].keyids.join(),
  );
}

/** A role that nobody delegates to would lie there unverified. Of several roots only the last is in force. */
function refuseUnused(pushed: readonly RoleFile[], next: TrustedPolicy): void {
  const newest = new Map(pushed.map(({ role, version }) => [role, version]));
  for (const [role, version] of newest) {
    if (next.versions[role] === version) continue;
    throw new CodedError('POLICY_INVALID', `nobody delegates to ${role}`, { details: { role, version } });
  }
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
