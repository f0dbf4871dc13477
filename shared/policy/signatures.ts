// Whose signatures files still need, before any host is asked. Counted as hosts count: distinct public keys of the role, each with a
// signature that holds over exactly these bytes. Signs nothing; what it says is checked again by verifyRepository.
import { CodedError } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import { type PolicyKey, type TufKey, verifyWith } from './keys.ts';
import { MAX_KEYS } from './limits.ts';
import {
  decodeMetadata,
  type Envelope,
  encodeMetadata,
  type Role,
  signedBytes,
  type TargetsSigned,
} from './metadata.ts';
import type { NamedBytes } from './online.ts';
import { delegatorOf } from './roles.ts';
import type { TrustedPolicy } from './trusted-set.ts';

/** What must be signed by whom. A new root is asked for twice: by the keys of the one before, and by its own. */
export interface Requirement {
  /** Name of the file, such as `4.policy.json`. */
  readonly file: string;
  readonly threshold: number;
  readonly keys: readonly PolicyKey[];
  /** Those of `keys` whose signature holds: one id for each public key. */
  readonly signed: readonly string[];
}

const FILE = /^\d+\.([a-z0-9-]+)\.json$/;

/** `policy` of `4.policy.json`. Throws POLICY_INVALID for a name that no admin signs. */
export function signedRoleOf(name: string): string {
  const role = FILE.exec(name)?.[1];
  if (role !== undefined && (role === 'root' || role === 'targets' || delegatorOf(role) !== null)) return role;

  throw new CodedError('POLICY_INVALID', `${name} is no metadata that admins sign`, { details: { name } });
}

/**
 * Every requirement of the files on top of `current`. `counts`: false for a key whose signature is not to count here, though hosts
 * would count it. Throws POLICY_INVALID for what is no metadata, or a role that nobody delegates to.
 */
export function requirementsOf(
  current: TrustedPolicy,
  metadata: readonly NamedBytes[],
  counts: (keyId: string) => boolean = () => true,
): readonly Requirement[] {
  const files = new Map(metadata.map((file) => [signedRoleOf(file.name), file]));
  const before = current.signed.root;
  const rootFile = files.get('root');
  const root = rootFile ? decodeMetadata('root', rootFile.name, rootFile.bytes).signed : before;
  const signedOf = (role: string): TargetsSigned | undefined => {
    const file = files.get(role);

    return file ? decodeMetadata('targets', file.name, file.bytes).signed : current.signed.roles[role];
  };

  return [...files].flatMap(([role, file]) => {
    if (role === 'root') {
      const envelope = decodeMetadata('root', file.name, file.bytes);

      return [before, root].map((each) => requirement(file.name, each.roles.root, each.keys, envelope, counts));
    }
    const envelope = decodeMetadata('targets', file.name, file.bytes);
    if (role === 'targets') return [requirement(file.name, root.roles.targets, root.keys, envelope, counts)];
    const { roles = [], keys = {} } = signedOf(delegatorOf(role) ?? '')?.delegations ?? {};
    const own = roles.find(({ name }) => name === role);
    if (!own) throw new CodedError('POLICY_INVALID', `nobody delegates to ${role}`, { details: { role } });

    return [requirement(file.name, own, keys, envelope, counts)];
  });
}

/** The requirement that is furthest from being met, null when all are. */
export function stillNeeded(requirements: readonly Requirement[]): Requirement | null {
  const missing = ({ threshold, signed }: Requirement) => threshold - signed.length;
  const [worst] = requirements.toSorted((one, other) => missing(other) - missing(one));

  return worst && missing(worst) > 0 ? worst : null;
}

/**
 * The text of `file` with the signatures of a copy of it besides, which may be false or there twice. Throws POLICY_CONFLICT when the
 * copy is of another text: a signature is worth something over what it was made for, and nothing else.
 */
export function withSignaturesOf(file: NamedBytes, copy: NamedBytes): NamedBytes {
  const kind = signedRoleOf(file.name) === 'root' ? 'root' : 'targets';
  const envelope = decodeMetadata(kind, file.name, file.bytes);
  const other = decodeMetadata(kind, copy.name, copy.bytes);
  if (file.name !== copy.name || sha256(signedBytes(envelope.signed)) !== sha256(signedBytes(other.signed))) {
    throw new CodedError('POLICY_CONFLICT', `what was signed of ${file.name} is not what waits for signatures`, {
      details: { name: file.name },
    });
  }
  const signatures = [...envelope.signatures, ...other.signatures].slice(0, MAX_KEYS);

  return { name: file.name, bytes: encodeMetadata({ ...envelope, signatures } as Envelope) };
}

/** The files with the signatures that count, one of each key, and no others. */
export function withCounted(metadata: readonly NamedBytes[], requirements: readonly Requirement[]): NamedBytes[] {
  return metadata.map(({ name, bytes }) => {
    const envelope = decodeMetadata(name.endsWith('.root.json') ? 'root' : 'targets', name, bytes);
    const counted = new Set(requirements.filter(({ file }) => file === name).flatMap(({ signed }) => signed));
    const signatures = [...counted].flatMap((keyId) => {
      const found = envelope.signatures.find(
        ({ keyid, sig }) => keyid === keyId && holds(requirements, keyid, envelope, sig),
      );

      return found ? [found] : [];
    });

    return { name, bytes: encodeMetadata({ ...envelope, signatures } as Envelope) };
  });
}

function requirement(
  file: string,
  { keyids, threshold }: Role,
  known: Readonly<Record<string, TufKey>>,
  envelope: Envelope,
  counts: (keyId: string) => boolean,
): Requirement {
  const keys = keyids.flatMap((keyId): PolicyKey[] => {
    const publicKey = known[keyId]?.keyval.public;

    return publicKey === undefined ? [] : [{ keyId, publicKey }];
  });
  const bytes = signedBytes(envelope.signed);
  // By public key: one that has two names, or signs twice, is one all the same.
  const signed = new Map<string, string>();
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.find(({ keyId }) => keyId === keyid);
    if (key && counts(keyid) && verifyWith(key.publicKey, bytes, sig)) signed.set(key.publicKey, keyid);
  }

  return { file, threshold, keys, signed: [...signed.values()] };
}

function holds(requirements: readonly Requirement[], keyid: string, envelope: Envelope, sig: string): boolean {
  const key = requirements.flatMap(({ keys }) => keys).find(({ keyId }) => keyId === keyid);

  return key !== undefined && verifyWith(key.publicKey, signedBytes(envelope.signed), sig);
}
