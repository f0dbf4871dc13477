// The four kinds of TUF metadata as strict shapes: what is not written here is refused before any signature is looked at.
// Only Ed25519, only SHA-256, only explicit paths. Strings cannot hold what two canonical forms would write differently.
import * as z from 'zod';
import { CodedError } from '../errors/coded-error.ts';
import { canonicalJson } from '../files/canonical.ts';
import { type SigningKey, signWith } from './keys.ts';
import { MAX_DOCUMENTS, MAX_KEYS, MAX_POLICY_FILE_BYTES, MAX_ROLES } from './limits.ts';

export const SPEC_VERSION = '1.0.31';
const MAX_PATH = 256;
const MAX_ISSUES = 20;

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const version = z.number().int().positive();
const keyids = z.array(hex).min(1).max(MAX_KEYS);
const threshold = z.number().int().positive().max(MAX_KEYS);
const roleName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const path = z
  .string()
  .max(MAX_PATH)
  .regex(/^[a-z0-9][a-z0-9.+~_-]*(\/[a-z0-9][a-z0-9.+~_-]*)+$/);
const pattern = z
  .string()
  .max(MAX_PATH)
  .regex(/^[a-z0-9.*/+~_-]+$/);
const key = z.strictObject({
  keytype: z.literal('ed25519'),
  scheme: z.literal('ed25519'),
  keyval: z.strictObject({ public: hex }),
});
const keys = z.record(hex, key).refine((map) => Object.keys(map).length <= MAX_KEYS * MAX_KEYS, 'too many keys');
const role = z.strictObject({ keyids, threshold });
const length = z.number().int().nonnegative().max(MAX_POLICY_FILE_BYTES);
const hashes = z.strictObject({ sha256: hex });
const metaFile = z.strictObject({ version, length, hashes });
const common = {
  spec_version: z.string().regex(/^1\.0\.\d{1,4}$/),
  version,
  expires: z.iso.datetime({ precision: 0 }),
};

const rootSigned = z.strictObject({
  _type: z.literal('root'),
  ...common,
  consistent_snapshot: z.literal(true),
  keys,
  roles: z.strictObject({ root: role, targets: role, snapshot: role, timestamp: role }),
});
const timestampSigned = z.strictObject({
  _type: z.literal('timestamp'),
  ...common,
  meta: z.strictObject({ 'snapshot.json': metaFile }),
});
const snapshotSigned = z.strictObject({
  _type: z.literal('snapshot'),
  ...common,
  meta: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}\.json$/), metaFile)
    .refine((map) => Object.keys(map).length <= MAX_ROLES, 'too many roles'),
});
const delegation = z.strictObject({
  name: roleName,
  keyids,
  threshold,
  terminating: z.literal(true),
  paths: z.array(pattern).min(1).max(MAX_ROLES),
});
const targetsSigned = z.strictObject({
  _type: z.literal('targets'),
  ...common,
  targets: z
    .record(path, z.strictObject({ length, hashes }))
    .refine((map) => Object.keys(map).length <= MAX_DOCUMENTS, 'too many documents'),
  delegations: z.strictObject({ keys, roles: z.array(delegation).max(MAX_ROLES) }).optional(),
});

const SIGNED = {
  root: rootSigned,
  timestamp: timestampSigned,
  snapshot: snapshotSigned,
  targets: targetsSigned,
} as const;
const signatures = z.array(z.strictObject({ keyid: hex, sig: z.string().regex(/^[0-9a-f]{128}$/) })).max(MAX_KEYS);
const ENVELOPES = {
  root: z.strictObject({ signatures, signed: SIGNED.root }),
  timestamp: z.strictObject({ signatures, signed: SIGNED.timestamp }),
  snapshot: z.strictObject({ signatures, signed: SIGNED.snapshot }),
  targets: z.strictObject({ signatures, signed: SIGNED.targets }),
} as const;

export type MetadataKind = keyof typeof SIGNED;
export type Role = z.infer<typeof role>;
export type Delegation = z.infer<typeof delegation>;
export type RootSigned = z.infer<typeof rootSigned>;
export type TimestampSigned = z.infer<typeof timestampSigned>;
export type SnapshotSigned = z.infer<typeof snapshotSigned>;
export type TargetsSigned = z.infer<typeof targetsSigned>;
export type Signed = RootSigned | TimestampSigned | SnapshotSigned | TargetsSigned;
export type Envelope<K extends MetadataKind = MetadataKind> = z.infer<(typeof ENVELOPES)[K]>;

/** Decodes one metadata file of a kind, every bad path named. Throws POLICY_INVALID; checks no signature. */
export function decodeMetadata<K extends MetadataKind>(kind: K, name: string, bytes: Uint8Array): Envelope<K> {
  const parsed = ENVELOPES[kind].safeParse(parseJson(name, bytes));
  if (parsed.success) return parsed.data as Envelope<K>;

  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new CodedError('POLICY_INVALID', `${name} is not ${kind} metadata: ${issues.join('; ')}`, {
    cause: parsed.error,
    details: { name, issues },
  });
}

/** Strict UTF-8 and JSON, bounded. Throws POLICY_INVALID. */
export function parseJson(name: string, bytes: Uint8Array): unknown {
  if (bytes.length > MAX_POLICY_FILE_BYTES) {
    throw new CodedError('POLICY_INVALID', `${name} has ${bytes.length} bytes; ${MAX_POLICY_FILE_BYTES} are allowed`, {
      details: { name, bytes: bytes.length },
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CodedError('POLICY_INVALID', `${name} is not JSON in UTF-8`, { cause, details: { name } });
  }
}

/** A metadata file: signed by every key given, at most one signature per key. */
export function signMetadata(signed: Signed, signers: readonly SigningKey[]): Uint8Array {
  const bytes = signedBytes(signed);
  const distinct = new Map(signers.map((signer) => [signer.keyId, signer]));
  const made = [...distinct.values()].map((signer) => ({ keyid: signer.keyId, sig: signWith(signer, bytes) }));

  return encodeMetadata({ signatures: made, signed } as Envelope);
}

/** What a signature is made over: the canonical JSON of the signed part. */
export function signedBytes(signed: Signed): Uint8Array {
  return new TextEncoder().encode(canonicalJson(signed));
}

export function encodeMetadata(envelope: Envelope): Uint8Array {
  return new TextEncoder().encode(canonicalJson(envelope));
}

/** Name of a metadata file in the repository: consistent snapshots, so every version but the timestamp's is in the name. */
export function fileNameOf(role: string, version: number): string {
  return role === 'timestamp' ? 'timestamp.json' : `${version}.${role}.json`;
}

/** An instant as metadata writes it: whole seconds, never later than asked. */
export function expiresAt(instant: Temporal.Instant): string {
  return instant.round({ smallestUnit: 'second', roundingMode: 'floor' }).toString();
}
