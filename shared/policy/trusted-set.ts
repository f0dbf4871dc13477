// Verifies a whole policy repository from bytes: root chain, timestamp, snapshot, roles, documents. All or nothing.
// INVARIANTS: every file is asked for once; nothing is parsed before its size is known; no clock is read; a file that is
// missing, unknown or not understood refuses the whole policy; nothing is returned that no admin's threshold signed.
import { CodedError } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import type { Sha256, Timestamp } from '../model/ids.ts';
import { decodeDocument } from './decode.ts';
import { type PolicyDocument, pathOf, roleOf } from './documents.ts';
import { checkDelegations, checkRootKeys } from './key-rules.ts';
import { MAX_DOCUMENTS, MAX_POLICY_FILE_BYTES, MAX_POLICY_TOTAL_BYTES, MAX_ROLES, MAX_ROOT_STEPS } from './limits.ts';
import {
  type Delegation,
  decodeMetadata,
  fileNameOf,
  parseJson,
  type RootSigned,
  type SnapshotSigned,
  type TargetsSigned,
  type TimestampSigned,
} from './metadata.ts';
import { isForCollector, maySign, monthOf } from './roles.ts';
import { openTufStore, type TufStore } from './tuf-store.ts';

/** Reads one file of the repository: metadata by name, a target by path and hash. Null when it is not there. */
export type PolicyFiles = (name: string, sha256?: Sha256) => Uint8Array | null;

export interface PolicyFile {
  /** "timestamp.json", "7.snapshot.json", "policy/windows/x.json". */
  readonly name: string;
  readonly sha256: Sha256;
  readonly bytes: Uint8Array;
}

/** What was accepted once, as plain values to keep: enough to compare later metadata with, and to use it again. */
export interface AcceptedPolicy {
  /** When this timestamp version was first accepted. */
  readonly acceptedAt: Timestamp;
  readonly root: Uint8Array;
  /** Timestamp, snapshot, roles and documents; not the root. */
  readonly files: readonly PolicyFile[];
}

export interface TrustedDocument<D extends PolicyDocument = PolicyDocument> {
  readonly document: D;
  readonly path: string;
  /** Of the signed bytes: what results and the ledger name the document by. */
  readonly sha256: Sha256;
  readonly role: string;
}

export interface TrustedPolicy {
  readonly documents: readonly TrustedDocument[];
  /** Per role: `root`, `timestamp`, `snapshot`, `targets`, `policy`, `approvals`, `approvals-2026-11` … */
  readonly versions: Readonly<Record<string, number>>;
  readonly expires: Readonly<Record<string, Timestamp>>;
  /** Months of approvals that are over: verified, but their documents are not used. */
  readonly lapsed: readonly string[];
  /** The signed parts, for whoever makes the next version of them. */
  readonly signed: { readonly root: RootSigned; readonly roles: Readonly<Record<string, TargetsSigned>> };
  readonly accepted: AcceptedPolicy;
}

export interface VerifyRequest {
  /** The root that is trusted to begin with: pinned at enrollment. */
  readonly root: Uint8Array;
  readonly files: PolicyFiles;
  /** Reference time of the whole verification (specification 5.1). */
  readonly now: Temporal.Instant;
  /** What was accepted before, for rollback checks; null only when nothing ever was. */
  readonly previous: AcceptedPolicy | null;
  /** The newest root that a chain ever proved here (newestRoot), also when what came with it was refused. */
  readonly trusted?: Uint8Array | null;
  /** A host: documents for the collector alone are signed and counted, and neither asked for nor read. */
  readonly host?: boolean;
}

/**
 * The newest root that the chain proves, whatever else is wrong with the repository. Kept at once (specification 5.3.8):
 * a key that a root has replaced must be dead also when the rest of what came with that root was withheld or broken.
 * Throws POLICY_SIGNATURES or POLICY_INVALID, as verifyRepository does.
 */
export function newestRoot({ root, files, now, previous, trusted }: VerifyRequest): {
  readonly version: number;
  readonly bytes: Uint8Array;
} {
  const start = startingRoot(root, previous, trusted);
  const { bytes, signed } = followRoots(openTufStore(start.bytes, now), boundedReader(files), start);

  return { version: signed.version, bytes };
}

/**
 * Verifies everything (TUF client workflow 5.1 to 5.6 over local bytes). Throws POLICY_EXPIRED, POLICY_ROLLED_BACK,
 * POLICY_SIGNATURES or POLICY_INVALID, each with its cause.
 */
export function verifyRepository(request: VerifyRequest): TrustedPolicy {
  const { root, files, now, previous, trusted, host = false } = request;
  const read = boundedReader(files);
  const start = startingRoot(root, previous, trusted);
  const store = openTufStore(start.bytes, now);
  const chain = followRoots(store, read, start);
  const before = previous && decodeRoot('accepted root.json', previous.root).signed;

  const earlier = before && onlineKeysChanged(before, chain.signed) ? null : previous;
  if (earlier) store.earlier('timestamp', acceptedFile(earlier, TIMESTAMP_FILE));
  const timestamp = loadTimestamp(store, read, earlier);
  if (earlier) store.earlier('snapshot', acceptedFile(earlier, SNAPSHOT_FILE));
  const snapshot = loadSnapshot(store, read, timestamp);
  const roles = loadRoles(store, read, snapshot.signed, chain.signed);
  // New online keys make old snapshots void, not what the same admins signed: roles go back under no snapshot.
  if (!earlier && previous && before && !adminKeysChanged(before, chain.signed)) checkRolesAhead(previous, roles);
  const current = roles.filter((role) => !role.lapsed);
  const wanted = current.flatMap((role) =>
    Object.entries(role.signed.targets).map(([path, target]) => ({ role, path, target })),
  );
  if (wanted.length > MAX_DOCUMENTS) throw new CodedError('POLICY_INVALID', `more than ${MAX_DOCUMENTS} documents`);
  const documents = wanted
    .filter(({ path }) => !(host && isForCollector(path)))
    .map(({ role, path, target }) => loadDocument(read, role, path, target));

  const parts: readonly { readonly role: string; readonly signed: { version: number; expires: string } }[] = [
    { role: 'root', signed: chain.signed },
    { role: 'timestamp', signed: timestamp.signed },
    { role: 'snapshot', signed: snapshot.signed },
    ...roles.map(({ name, signed }) => ({ role: name, signed })),
  ];

  return {
    documents: documents.map(({ bytes: _bytes, ...document }) => document),
    versions: Object.fromEntries(parts.map(({ role, signed }) => [role, signed.version])),
    expires: Object.fromEntries(parts.map(({ role, signed }) => [role, signed.expires as Timestamp])),
    lapsed: roles.filter((role) => role.lapsed).map((role) => role.name),
    signed: { root: chain.signed, roles: Object.fromEntries(roles.map(({ name, signed }) => [name, signed])) },
    accepted: {
      acceptedAt: timestamp.kept && previous ? previous.acceptedAt : (now.toString() as Timestamp),
      root: chain.bytes,
      files: [
        fileOf('timestamp.json', timestamp.bytes),
        fileOf(fileNameOf('snapshot', snapshot.signed.version), snapshot.bytes),
        ...roles.map(({ name, signed, bytes }) => fileOf(fileNameOf(name, signed.version), bytes)),
        ...documents.map(({ path, bytes }) => fileOf(path, bytes)),
      ],
    },
  };
}

const TIMESTAMP_FILE = /^timestamp\.json$/;
const SNAPSHOT_FILE = /^\d+\.snapshot\.json$/;

type Reader = (name: string, sha256?: Sha256) => Uint8Array | null;

interface Loaded<S> {
  readonly bytes: Uint8Array;
  readonly signed: S;
}

interface LoadedRole extends Loaded<TargetsSigned> {
  readonly name: string;
  readonly lapsed: boolean;
}

/** Counts what is read, so that endless data ends early; an empty answer and a missing file are not the same. */
function boundedReader(files: PolicyFiles): Reader {
  let total = 0;

  return (name, hash) => {
    const bytes = files(name, hash);
    if (bytes === null) return null;
    total += bytes.length;
    if (bytes.length > MAX_POLICY_FILE_BYTES || total > MAX_POLICY_TOTAL_BYTES) {
      throw new CodedError('POLICY_INVALID', `${name} goes past the size that signed policy may have`, {
        details: { name, bytes: bytes.length, total },
      });
    }

    return bytes;
  };
}

function required(read: Reader, name: string, hash?: Sha256): Uint8Array {
  const bytes = read(name, hash);
  if (bytes === null) throw new CodedError('POLICY_INVALID', `${name} is missing`, { details: { name } });

  return bytes;
}

function decodeRoot(name: string, bytes: Uint8Array): Loaded<RootSigned> {
  const { signed } = decodeMetadata('root', name, bytes);
  checkRootKeys(signed);

  return { bytes, signed };
}

/** The pinned root, or the latest one that an earlier verification reached from it. */
function startingRoot(
  pinned: Uint8Array,
  previous: AcceptedPolicy | null,
  trusted: Uint8Array | null = null,
): Loaded<RootSigned> {
  const known = [
    decodeRoot('root.json', pinned),
    ...(previous ? [decodeRoot('accepted root.json', previous.root)] : []),
    ...(trusted ? [decodeRoot('trusted root.json', trusted)] : []),
  ];

  return known.reduce((newest, root) => (root.signed.version > newest.signed.version ? root : newest));
}

/** Specification 5.3: one version after the other until there is no next one. */
function followRoots(store: TufStore, read: Reader, start: Loaded<RootSigned>): Loaded<RootSigned> {
  let current = start;

  for (let step = 0; ; step++) {
    const name = fileNameOf('root', current.signed.version + 1);
    const bytes = read(name);
    if (bytes === null) return current;
    if (step >= MAX_ROOT_STEPS) throw new CodedError('POLICY_INVALID', `more than ${MAX_ROOT_STEPS} roots to follow`);
    const next = decodeRoot(name, bytes);
    store.root(bytes);
    current = next;
  }
}

/** Specification 5.3.11: a root that changes an online key makes what was seen from the old key void (fast-forward). */
function onlineKeysChanged(before: RootSigned, after: RootSigned): boolean {
  return keysChanged(before, after, 'snapshot') || keysChanged(before, after, 'timestamp');
}

function adminKeysChanged(before: RootSigned, after: RootSigned): boolean {
  return keysChanged(before, after, 'root') || keysChanged(before, after, 'targets');
}

function keysChanged(before: RootSigned, after: RootSigned, role: keyof RootSigned['roles']): boolean {
  const [old, now] = [before, after].map((root) => root.roles[role].keyids.toSorted().join());

  return old !== now;
}

/** Throws POLICY_ROLLED_BACK when a role is older than the one that was accepted; a role that is gone may be gone. */
function checkRolesAhead(previous: AcceptedPolicy, roles: readonly LoadedRole[]): void {
  const accepted = new Map(previous.files.map(({ name }) => [roleNameOf(name), Number.parseInt(name, 10)]));
  const behind = roles.find(({ name, signed }) => signed.version < (accepted.get(name) ?? 0));
  if (!behind) return;

  throw new CodedError(
    'POLICY_ROLLED_BACK',
    `${behind.name} is at version ${behind.signed.version}; ${accepted.get(behind.name)} was accepted before`,
    { details: { name: behind.name } },
  );
}

/** `policy` of `7.policy.json`; the whole name for anything else. */
function roleNameOf(name: string): string {
  return /^\d+\.([a-z0-9-]+)\.json$/.exec(name)?.[1] ?? name;
}

/** The file of an accepted policy that a name fits; accepted metadata is never partial. */
function acceptedFile(previous: AcceptedPolicy, pattern: RegExp): Uint8Array {
  const file = previous.files.find(({ name }) => pattern.test(name));
  if (!file) throw new CodedError('POLICY_INVALID', `what was accepted before has no file ${pattern.source}`);

  return file.bytes;
}

function loadTimestamp(
  store: TufStore,
  read: Reader,
  previous: AcceptedPolicy | null,
): Loaded<TimestampSigned> & { readonly kept: boolean } {
  const offered = required(read, 'timestamp.json');
  decodeMetadata('timestamp', 'timestamp.json', offered);
  const kept = store.timestamp(offered) === 'kept';
  const bytes = kept && previous ? acceptedFile(previous, TIMESTAMP_FILE) : offered;

  return { bytes, signed: decodeMetadata('timestamp', 'timestamp.json', bytes).signed, kept };
}

function loadSnapshot(store: TufStore, read: Reader, timestamp: Loaded<TimestampSigned>): Loaded<SnapshotSigned> {
  const meta = timestamp.signed.meta['snapshot.json'];
  const name = fileNameOf('snapshot', meta.version);
  const bytes = required(read, name);
  const { signed } = decodeMetadata('snapshot', name, bytes);
  // Before tuf-js looks: there a snapshot of another version and a role that went back are the same class of error.
  if (signed.version !== meta.version) {
    throw new CodedError('POLICY_INVALID', `${name} says it is version ${signed.version}`, { details: { name } });
  }
  store.snapshot(bytes);

  return { bytes, signed };
}

/** Targets, the roles of the fixed table, and the months of approvals, in the order of delegation. */
function loadRoles(store: TufStore, read: Reader, snapshot: SnapshotSigned, root: RootSigned): readonly LoadedRole[] {
  const loaded: LoadedRole[] = [];
  const load = (name: string, delegator: string): LoadedRole => {
    if (loaded.length >= MAX_ROLES) throw new CodedError('POLICY_INVALID', `more than ${MAX_ROLES} roles`);
    const role = loadRole(store, read, snapshot, name, delegator);
    loaded.push(role);

    return role;
  };

  const targets = load('targets', 'root');
  checkDelegations('targets', targets.signed, root, null);
  for (const delegation of delegationsOf(targets.signed)) {
    const role = load(delegation.name, 'targets');
    if (delegation.name !== 'approvals') {
      if (role.signed.delegations) throw new CodedError('POLICY_INVALID', `${delegation.name} may not delegate`);
      continue;
    }
    const keys = targets.signed.delegations?.keys ?? {};
    checkDelegations('approvals', role.signed, root, { role: delegation, keys });
    for (const month of delegationsOf(role.signed)) {
      const nested = load(month.name, 'approvals');
      if (nested.signed.delegations) throw new CodedError('POLICY_INVALID', `${month.name} may not delegate`);
    }
  }

  return loaded;
}

function loadRole(
  store: TufStore,
  read: Reader,
  snapshot: SnapshotSigned,
  name: string,
  delegator: string,
): LoadedRole {
  const meta = Object.hasOwn(snapshot.meta, `${name}.json`) ? snapshot.meta[`${name}.json`] : undefined;
  if (!meta) throw new CodedError('POLICY_INVALID', `the snapshot does not name ${name}.json`, { details: { name } });

  const file = fileNameOf(name, meta.version);
  const bytes = required(read, file);
  const { signed } = decodeMetadata('targets', file, bytes);
  const lapsed = store.delegated(bytes, name, delegator) === 'expired';
  // A month of approvals ends on purpose; any other role that is over means that nobody signs any more.
  if (lapsed && monthOf(name) === null) {
    throw new CodedError('POLICY_EXPIRED', `${file} expired at ${signed.expires}`, { details: { name } });
  }
  const outside = Object.keys(signed.targets).find((path) => !maySign(name, path));
  if (outside !== undefined) {
    throw new CodedError('POLICY_INVALID', `${name} may not sign ${outside}`, {
      details: { role: name, path: outside },
    });
  }

  return { name, bytes, signed, lapsed };
}

function delegationsOf(signed: TargetsSigned): readonly Delegation[] {
  return signed.delegations?.roles ?? [];
}

function loadDocument(
  read: Reader,
  role: LoadedRole,
  path: string,
  target: TargetsSigned['targets'][string],
): TrustedDocument & { readonly bytes: Uint8Array } {
  const hash = target.hashes.sha256 as Sha256;
  const bytes = required(read, path, hash);
  // Specification 5.7: the document is the bytes whose length and hash the role signed.
  if (bytes.length !== target.length || sha256(bytes) !== hash) {
    throw new CodedError('POLICY_INVALID', `${path} is not the document that ${role.name} signed`, {
      details: { path, role: role.name },
    });
  }

  return { document: readDocument(path, bytes, role.name), path, sha256: hash, role: role.name, bytes };
}

/** Unknown means stop: one document that is not understood refuses the whole policy. */
function readDocument(path: string, bytes: Uint8Array, role: string): PolicyDocument {
  let document: PolicyDocument;
  try {
    document = decodeDocument(parseJson(path, bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError('POLICY_INVALID', `${path} is not understood: ${reason}`, { cause, details: { path } });
  }
  if (pathOf(document) !== path || roleOf(document) !== role) {
    throw new CodedError('POLICY_INVALID', `${path} holds ${document.kind} ${document.name}, which belongs elsewhere`, {
      details: { path, belongs: pathOf(document) },
    });
  }

  return document;
}

function fileOf(name: string, bytes: Uint8Array): PolicyFile {
  return { name, sha256: sha256(bytes), bytes };
}
