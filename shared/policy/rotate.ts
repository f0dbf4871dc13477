// Keys and terms that must not outlive their time: an admin's key replaced, the collector's online keys replaced, and the
// roles that end soon. Makes proposals from verified policy; pushes nothing.
import { CodedError } from '../errors/coded-error.ts';
import type { PolicyKey, SigningKey } from './keys.ts';
import { LIFETIME_MS } from './limits.ts';
import { expiresAt, fileNameOf, type RootSigned, signMetadata } from './metadata.ts';
import { monthOf } from './roles.ts';
import { changeAdmins, type OnlineKeys, type Proposal } from './sign.ts';
import type { TrustedPolicy } from './trusted-set.ts';

/** Roles that the collector renews on its own. */
const ONLINE_ROLES: readonly string[] = ['snapshot', 'timestamp'];

/**
 * Another key in the place of `from`, in root and in every role: the root carries the signatures of both (specification
 * 5.3.4: of the root before and of itself), everything else that of the new key alone.
 */
export function replaceAdminKey(request: {
  readonly current: TrustedPolicy;
  readonly from: SigningKey;
  readonly to: SigningKey;
  readonly now: Temporal.Instant;
}): Proposal {
  const { current, from, to, now } = request;
  const { threshold } = current.signed.root.roles.targets;
  const keys = adminKeysOf(current.signed.root);
  if (!keys.some(({ keyId }) => keyId === from.keyId)) {
    throw new CodedError('KEY_UNUSABLE', `the policy does not count the signing key ${from.keyId.slice(0, 16)}`);
  }
  const admins = keys.map((key) => (key.keyId === from.keyId ? to : key));

  return changeAdmins({ current, admins, threshold, signers: [to], rootSigners: [from, to], now });
}

/** A root that names other keys for snapshot and timestamp. Nothing else is signed: roles stay what admins signed. */
export function replaceOnlineKeys(request: {
  readonly root: RootSigned;
  readonly online: OnlineKeys;
  readonly signers: readonly SigningKey[];
  readonly now: Temporal.Instant;
}): Proposal {
  const { root, online, signers, now } = request;
  const kept = adminKeysOf(root);
  if ([online.snapshot, online.timestamp].some(({ publicKey }) => kept.some((key) => key.publicKey === publicKey))) {
    throw new CodedError('POLICY_SIGNATURES', 'the collector named the key of an admin as one of its own', {
      next: 'look at the collector: it must make keys of its own',
    });
  }
  const keys = [...kept, online.snapshot, online.timestamp];
  const signed: RootSigned = {
    ...root,
    version: root.version + 1,
    expires: expiresAt(now.add({ milliseconds: LIFETIME_MS.root })),
    keys: Object.fromEntries(
      keys.map(({ keyId, publicKey }) => [
        keyId,
        { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } } as const,
      ]),
    ),
    roles: {
      ...root.roles,
      snapshot: { keyids: [online.snapshot.keyId], threshold: 1 },
      timestamp: { keyids: [online.timestamp.keyId], threshold: 1 },
    },
  };

  return {
    metadata: [{ name: fileNameOf('root', signed.version), bytes: signMetadata(signed, signers) }],
    targets: [],
  };
}

/**
 * Roles that only admins can renew and that end within `withinMs` of `now`, those that have ended among them. Months of
 * approvals end on purpose; snapshot and timestamp are the collector's.
 */
export function endingRoles(policy: TrustedPolicy, now: Temporal.Instant, withinMs: number): readonly string[] {
  const limit = now.add({ milliseconds: withinMs });

  return Object.entries(policy.expires)
    .filter(([role]) => monthOf(role) === null && !ONLINE_ROLES.includes(role))
    .filter(([, end]) => Temporal.Instant.compare(Temporal.Instant.from(end), limit) <= 0)
    .map(([role]) => role);
}

/** The keys of admins in a root; the one rule is that every role they sign counts the same ones. */
export function adminKeysOf(root: RootSigned): readonly PolicyKey[] {
  const { keyids } = root.roles.targets;

  return [...new Set([...root.roles.root.keyids, ...keyids])].flatMap((keyId) => {
    const publicKey = root.keys[keyId]?.keyval.public;

    return publicKey === undefined ? [] : [{ keyId, publicKey }];
  });
}
