// Rules about keys that TUF libraries leave open: thresholds count distinct public keys, a key id is the hash of its key,
// and the collector's online keys sign nothing but snapshot and timestamp. Looks at metadata; verifies no signature.
import { CodedError } from '../errors/coded-error.ts';
import { keyIdOf, type TufKey } from './keys.ts';
import type { Delegation, Role, RootSigned, TargetsSigned } from './metadata.ts';
import { APPROVALS, delegatorOf, patternOf } from './roles.ts';

type Keys = Readonly<Record<string, TufKey>>;

/** Throws POLICY_SIGNATURES when root breaks a rule about keys. */
export function checkRootKeys(root: RootSigned): void {
  checkKeyIds('root', root.keys);
  for (const [name, role] of Object.entries(root.roles)) checkRole(name, role, root.keys);

  const online = onlineKeys(root);
  for (const name of ['root', 'targets'] as const) checkOffline(name, root.roles[name], root.keys, online);
}

/**
 * Throws POLICY_INVALID when a role delegates anything but the fixed table, and POLICY_SIGNATURES when a delegation
 * breaks a rule about keys. A month of approvals can never be easier to sign than `approvals` itself.
 */
export function checkDelegations(
  delegator: 'targets' | 'approvals',
  targets: TargetsSigned,
  root: RootSigned,
  approvals: { readonly role: Role; readonly keys: Keys } | null,
): void {
  const { delegations } = targets;
  if (!delegations) return;
  checkKeyIds(delegator, delegations.keys);
  const online = onlineKeys(root);
  const seen = new Set<string>();

  for (const role of delegations.roles) {
    checkShape(delegator, role, seen);
    checkRole(role.name, role, delegations.keys);
    checkOffline(role.name, role, delegations.keys, online);
    if (delegator === APPROVALS) checkNotWider(role, delegations.keys, approvals);
  }
}

function checkShape(delegator: string, role: Delegation, seen: Set<string>): void {
  if (delegatorOf(role.name) !== delegator) {
    throw new CodedError('POLICY_INVALID', `${delegator} delegates to "${role.name}", which is not a role it may have`);
  }
  if (seen.has(role.name)) throw new CodedError('POLICY_INVALID', `${delegator} delegates to ${role.name} twice`);
  seen.add(role.name);
  if (role.paths.length !== 1 || role.paths[0] !== patternOf(role.name)) {
    throw new CodedError(
      'POLICY_INVALID',
      `${role.name} may sign ${patternOf(role.name)}, not ${role.paths.join(', ')}`,
    );
  }
}

/** A key id is the hash of its key (specification 1.0, 4.2): else one public key could have two ids and count twice. */
function checkKeyIds(where: string, keys: Keys): void {
  for (const [keyId, key] of Object.entries(keys)) {
    if (keyIdOf(key) !== keyId) {
      throw new CodedError('POLICY_SIGNATURES', `${where} names a key by ${keyId}, which is not the hash of that key`, {
        details: { keyId },
      });
    }
  }
}

function checkRole(name: string, role: Role, keys: Keys): void {
  const distinct = publicKeysOf(role, keys);
  if (distinct.size !== role.keyids.length) {
    throw new CodedError(
      'POLICY_SIGNATURES',
      `the ${role.keyids.length} keys of ${name} are not that many public keys`,
    );
  }
  if (distinct.size < role.threshold) {
    throw new CodedError('POLICY_SIGNATURES', `${name} needs ${role.threshold} keys and has ${distinct.size}`);
  }
}

function checkOffline(name: string, role: Role, keys: Keys, online: ReadonlySet<string>): void {
  if ([...publicKeysOf(role, keys)].some((key) => online.has(key))) {
    throw new CodedError(
      'POLICY_SIGNATURES',
      `${name} may be signed with a key of the collector; only admins sign it`,
      {
        details: { role: name },
      },
    );
  }
}

function checkNotWider(
  month: Delegation,
  keys: Keys,
  approvals: { readonly role: Role; readonly keys: Keys } | null,
): void {
  const allowed = approvals ? publicKeysOf(approvals.role, approvals.keys) : new Set<string>();
  const foreign = [...publicKeysOf(month, keys)].some((key) => !allowed.has(key));
  if (foreign || month.threshold < (approvals?.role.threshold ?? Number.POSITIVE_INFINITY)) {
    throw new CodedError('POLICY_SIGNATURES', `${month.name} is easier to sign than approvals itself`);
  }
}

function publicKeysOf(role: Role, keys: Keys): ReadonlySet<string> {
  return new Set(
    role.keyids.flatMap((keyId) => (Object.hasOwn(keys, keyId) ? [keys[keyId]?.keyval.public ?? ''] : [])),
  );
}

function onlineKeys(root: RootSigned): ReadonlySet<string> {
  return new Set([...publicKeysOf(root.roles.snapshot, root.keys), ...publicKeysOf(root.roles.timestamp, root.keys)]);
}
