// The admin's side: makes and changes what admins sign, as files to push. It never signs snapshot or timestamp, and it
// starts from verified policy only: the values of trusted-set.ts, never bytes as they came from a collector.
import { CodedError } from '../errors/coded-error.ts';
import { canonicalJson, sha256 } from '../files/canonical.ts';
import { type PolicyDocument, pathOf, roleOf } from './documents.ts';
import { type PolicyKey, type SigningKey, toTufKey } from './keys.ts';
import { LIFETIME_MS } from './limits.ts';
import {
  type Delegation,
  decodeMetadata,
  encodeMetadata,
  expiresAt,
  fileNameOf,
  type MetadataKind,
  type Role,
  type RootSigned,
  SPEC_VERSION,
  signedBytes,
  signMetadata,
  type TargetsSigned,
} from './metadata.ts';
import type { NamedBytes } from './online.ts';
import { APPROVALS, DELEGATED_ROLES, endOfMonthRole, monthOf, patternOf } from './roles.ts';
import type { TrustedPolicy } from './trusted-set.ts';

/** What an admin pushes: new metadata, and the documents it names that are new. Empty when nothing changes. */
export interface Proposal {
  readonly metadata: readonly NamedBytes[];
  readonly targets: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

export interface AdminSet {
  readonly admins: readonly PolicyKey[];
  /** How many distinct admins must sign; the same for every role that admins sign. */
  readonly threshold: number;
}

export interface OnlineKeys<K extends PolicyKey = PolicyKey> {
  readonly snapshot: K;
  readonly timestamp: K;
}

/**
 * The first version of everything admins sign: root, targets and the empty delegated roles. `signers` must hold the
 * private keys of at least `threshold` admins, else the rest sign with addSignature before it is pushed.
 */
export function createRepository(
  request: AdminSet & {
    readonly signers: readonly SigningKey[];
    readonly online: OnlineKeys;
    readonly now: Temporal.Instant;
  },
): Proposal {
  const { admins, threshold, signers, online, now } = request;
  checkAdminSet(request);
  const root = rootOf({ version: 1, admins, threshold, online, now });
  const targets = targetsOf(1, now, delegationsTo(request));
  const roles = Object.keys(DELEGATED_ROLES).map((name) => {
    const delegations = name === APPROVALS ? { keys: {}, roles: [] } : undefined;

    return fileOf(name, targetsOf(1, now, delegations), signers);
  });

  return { metadata: [fileOf('root', root, signers), fileOf('targets', targets, signers), ...roles], targets: [] };
}

/**
 * Puts and removes documents (by path): a new version of each role that changes, and of `approvals` when a month begins.
 * A document that is the same already changes nothing.
 */
export function changeDocuments(request: {
  readonly current: TrustedPolicy;
  readonly put?: readonly PolicyDocument[];
  readonly remove?: readonly string[];
  readonly signers: readonly SigningKey[];
  readonly now: Temporal.Instant;
}): Proposal {
  const { current, put = [], remove = [], signers, now } = request;
  const changes = new Map<string, TargetsSigned['targets']>();
  const targetsOfRole = (role: string) => {
    const targets = changes.get(role) ?? { ...current.signed.roles[role]?.targets };
    changes.set(role, targets);

    return targets;
  };
  const files = put.map((document) => {
    const bytes = documentBytes(document);
    const path = pathOf(document);
    targetsOfRole(roleOf(document))[path] = { length: bytes.length, hashes: { sha256: sha256(bytes) } };

    return { path, bytes };
  });
  for (const path of remove) {
    const known = current.documents.find((document) => document.path === path);
    if (!known) throw new CodedError('NOT_FOUND', `the policy holds no ${path}`, { details: { path } });
    delete targetsOfRole(known.role)[path];
  }

  const changed = [...changes].filter(([role, targets]) => differs(current.signed.roles[role]?.targets, targets));
  const opened = changed.map(([role]) => role).filter((role) => current.signed.roles[role] === undefined);
  const metadata = changed.map(([role, targets]) => nextRole(current, role, { targets }, signers, now));
  const changedPaths = new Set(changed.flatMap(([, targets]) => Object.keys(targets)));
  const before = new Map(current.documents.map((document) => [document.path, document.sha256 as string]));

  return {
    metadata: [...openMonths(current, opened, signers, now), ...metadata],
    targets: files.filter(({ path, bytes }) => changedPaths.has(path) && before.get(path) !== sha256(bytes)),
  };
}

/**
 * Signs the roles given anew, with a new term; nothing else changes. `root` and `targets` are roles, too. `above`: versions
 * that the new ones must exceed besides, because hosts have seen those.
 */
export function renewRoles(request: {
  readonly current: TrustedPolicy;
  readonly roles: readonly string[];
  readonly signers: readonly SigningKey[];
  readonly now: Temporal.Instant;
  readonly above?: Readonly<Record<string, number>>;
}): Proposal {
  const { current, roles, signers, now, above = {} } = request;
  const metadata = roles.map((role) => {
    if (role !== 'root') return nextRole(current, role, {}, signers, now, above[role]);
    const { root } = current.signed;
    const expires = expiresAt(now.add({ milliseconds: LIFETIME_MS.root }));

    return fileOf('root', { ...root, version: root.version + 1, expires }, signers);
  });

  return { metadata, targets: [] };
}

/**
 * Another set of admins (one added, one revoked, another threshold): a new root, signed for the old set and the new one,
 * and every other role anew, so that no signature of a revoked key carries anything.
 */
export function changeAdmins(
  request: AdminSet & {
    readonly current: TrustedPolicy;
    readonly signers: readonly SigningKey[];
    readonly now: Temporal.Instant;
    /** Given only when the collector's keys change as well. */
    readonly online?: OnlineKeys;
    /** Who signs the root, when that is not who signs the rest: a key that is replaced signs only its own end. */
    readonly rootSigners?: readonly SigningKey[];
  },
): Proposal {
  const { current, admins, threshold, signers, rootSigners = signers, now } = request;
  checkAdminSet(request);
  const online = request.online ?? onlineKeysOf(current.signed.root);
  const root = rootOf({ version: current.signed.root.version + 1, admins, threshold, online, now });
  // A month that is over cannot be signed any more, whether or not the verification was as of then.
  const months = Object.keys(current.signed.roles).filter((role) => {
    const month = monthOf(role);

    return month !== null && Temporal.Instant.compare(endOfMonthRole(month), now) > 0;
  });
  const rest = Object.keys(current.signed.roles).filter((role) => monthOf(role) === null || months.includes(role));
  const roles = rest.map((role) => {
    const delegations =
      role === 'targets'
        ? delegationsTo(request)
        : role === APPROVALS
          ? delegationsTo(request, months)
          : current.signed.roles[role]?.delegations;

    return nextRole(current, role, delegations ? { delegations } : {}, signers, now);
  });

  return { metadata: [fileOf('root', root, rootSigners), ...roles], targets: [] };
}

/** Adds the signature of another admin to a proposed file; one key never signs twice. */
export function addSignature(file: NamedBytes, signer: SigningKey): NamedBytes {
  const envelope = decodeMetadata(kindOf(file.name), file.name, file.bytes);
  const own = decodeMetadata(kindOf(file.name), file.name, signMetadata(envelope.signed, [signer]));
  const others = envelope.signatures.filter(({ keyid }) => keyid !== signer.keyId);

  return {
    name: file.name,
    bytes: encodeMetadata({ ...envelope, signatures: [...others, ...own.signatures] } as typeof envelope),
  };
}

/** One file with the signatures of several copies of it. Throws POLICY_CONFLICT when they do not sign the same. */
export function combineSignatures(copies: readonly NamedBytes[]): NamedBytes {
  const [first, ...rest] = copies;
  if (!first) throw new CodedError('USAGE', 'there is no file to combine');
  const kind = kindOf(first.name);
  const envelope = decodeMetadata(kind, first.name, first.bytes);
  const signatures = new Map(envelope.signatures.map((signature) => [signature.keyid, signature]));

  for (const copy of rest) {
    const other = decodeMetadata(kind, copy.name, copy.bytes);
    if (copy.name !== first.name || sha256(signedBytes(other.signed)) !== sha256(signedBytes(envelope.signed))) {
      throw new CodedError('POLICY_CONFLICT', `the copies of ${first.name} do not sign the same text`);
    }
    for (const signature of other.signatures) signatures.set(signature.keyid, signature);
  }

  return {
    name: first.name,
    bytes: encodeMetadata({ ...envelope, signatures: [...signatures.values()] } as typeof envelope),
  };
}

/** The bytes that are signed for a document: canonical JSON, so that the same document is the same target. */
export function documentBytes(document: PolicyDocument): Uint8Array {
  return new TextEncoder().encode(canonicalJson(document));
}

function kindOf(name: string): MetadataKind {
  const role = /^(?:\d+\.)?([a-z0-9-]+)\.json$/.exec(name)?.[1] ?? '';

  return role === 'root' || role === 'snapshot' || role === 'timestamp' ? role : 'targets';
}

function checkAdminSet({ admins, threshold }: AdminSet): void {
  const distinct = new Set(admins.map((admin) => admin.publicKey)).size;
  if (distinct !== admins.length || threshold < 1 || threshold > distinct) {
    throw new CodedError('POLICY_SIGNATURES', `${threshold} of ${distinct} distinct keys cannot sign`, {
      next: 'choose a threshold between 1 and the number of admins, each with a key of their own',
    });
  }
}

function rootOf(
  request: AdminSet & { readonly version: number; readonly online: OnlineKeys; readonly now: Temporal.Instant },
): RootSigned {
  const { version, admins, threshold, online, now } = request;
  const byAdmins: Role = { keyids: admins.map((admin) => admin.keyId), threshold };

  return {
    _type: 'root',
    spec_version: SPEC_VERSION,
    version,
    expires: expiresAt(now.add({ milliseconds: LIFETIME_MS.root })),
    consistent_snapshot: true,
    keys: keysOf([...admins, online.snapshot, online.timestamp]),
    roles: {
      root: byAdmins,
      targets: byAdmins,
      snapshot: { keyids: [online.snapshot.keyId], threshold: 1 },
      timestamp: { keyids: [online.timestamp.keyId], threshold: 1 },
    },
  };
}

/** The collector's keys that a root names. Throws POLICY_INVALID. */
export function onlineKeysOf(root: RootSigned): OnlineKeys {
  const key = (role: 'snapshot' | 'timestamp'): PolicyKey => {
    const [keyId = ''] = root.roles[role].keyids;
    const publicKey = root.keys[keyId]?.keyval.public;
    if (publicKey === undefined) throw new CodedError('POLICY_INVALID', `the root has no key for ${role}`);

    return { keyId, publicKey };
  };

  return { snapshot: key('snapshot'), timestamp: key('timestamp') };
}

function keysOf(keys: readonly PolicyKey[]): RootSigned['keys'] {
  return Object.fromEntries(keys.map((key) => [key.keyId, toTufKey(key)]));
}

function targetsOf(version: number, now: Temporal.Instant, delegations: TargetsSigned['delegations']): TargetsSigned {
  return {
    _type: 'targets',
    spec_version: SPEC_VERSION,
    version,
    expires: expiresAt(now.add({ milliseconds: LIFETIME_MS.delegated })),
    targets: {},
    ...(delegations ? { delegations } : {}),
  };
}

function delegationsTo(
  { admins, threshold }: AdminSet,
  roles: readonly string[] = Object.keys(DELEGATED_ROLES),
): TargetsSigned['delegations'] {
  const keyids = admins.map((admin) => admin.keyId);

  return { keys: keysOf(admins), roles: roles.map((name) => delegation(name, { keyids, threshold })) };
}

function delegation(name: string, { keyids, threshold }: Role): Delegation {
  const pattern = patternOf(name);
  if (pattern === null) throw new CodedError('INTERNAL', `"${name}" is not a role of the policy repository`);

  return { name, keyids, threshold, terminating: true, paths: [pattern] };
}

/** `approvals` with the months it did not have yet, signed by the keys that `targets` gives to `approvals`. */
function openMonths(
  current: TrustedPolicy,
  months: readonly string[],
  signers: readonly SigningKey[],
  now: Temporal.Instant,
): readonly NamedBytes[] {
  if (months.length === 0) return [];
  const given = current.signed.roles.targets?.delegations;
  const own = given?.roles.find((role) => role.name === APPROVALS);
  if (!given || !own) throw new CodedError('POLICY_INVALID', 'targets does not delegate to approvals');
  const existing = current.signed.roles[APPROVALS]?.delegations?.roles ?? [];
  const keys = Object.fromEntries(Object.entries(given.keys).filter(([keyId]) => own.keyids.includes(keyId)));
  const delegations = {
    keys: { ...current.signed.roles[APPROVALS]?.delegations?.keys, ...keys },
    roles: [...existing, ...months.map((month) => delegation(month, own))],
  };

  return [nextRole(current, APPROVALS, { delegations }, signers, now)];
}

function nextRole(
  current: TrustedPolicy,
  role: string,
  change: Partial<Pick<TargetsSigned, 'targets' | 'delegations'>>,
  signers: readonly SigningKey[],
  now: Temporal.Instant,
  above = 0,
): NamedBytes {
  const before = current.signed.roles[role];
  const month = monthOf(role);
  const end = month === null ? now.add({ milliseconds: LIFETIME_MS.delegated }) : endOfMonthRole(month);
  if (Temporal.Instant.compare(end, now) <= 0) {
    throw new CodedError('DOCUMENT_INVALID', `${role} ended at ${end}; nothing can be approved in that month any more`);
  }
  const base = before ?? targetsOf(0, now, undefined);

  const version = Math.max(base.version, above) + 1;

  return fileOf(role, { ...base, ...change, version, expires: expiresAt(end) }, signers);
}

function differs(before: TargetsSigned['targets'] | undefined, after: TargetsSigned['targets']): boolean {
  return before === undefined || canonicalJson(before) !== canonicalJson(after);
}

function fileOf(role: string, signed: RootSigned | TargetsSigned, signers: readonly SigningKey[]): NamedBytes {
  return { name: fileNameOf(role, signed.version), bytes: signMetadata(signed, signers) };
}
