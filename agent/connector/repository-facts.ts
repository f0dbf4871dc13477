// The few facts of TUF metadata that a mirror needs: which files a timestamp, a snapshot or a role names. Signatures are
// the runner's business; here every name that becomes a file name and every number is bounded. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { MAX_DOCUMENTS, MAX_POLICY_FILE_BYTES, MAX_ROLES } from '@selvage/shared/policy/limits.ts';
import * as z from 'zod/mini';

const version = z.int().check(z.positive());
const length = z.int().check(z.nonnegative(), z.maximum(MAX_POLICY_FILE_BYTES));
const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const hashes = z.looseObject({ sha256: z.optional(hash) });
const meta = z.looseObject({ version, length: z.optional(length), hashes: z.optional(hashes) });
const ROLE_FILE = /^[a-z0-9][a-z0-9-]{0,63}\.json$/;
/** Segments of letters that a document name may have; no segment begins with a dot, so none leads upwards. */
const TARGET_PATH = /^[a-z0-9][a-z0-9.+~_-]{0,127}(\/[a-z0-9][a-z0-9.+~_-]{0,127}){0,4}$/;

const timestamp = z.looseObject({
  signed: z.looseObject({ version, meta: z.looseObject({ 'snapshot.json': meta }) }),
});
const snapshot = z.looseObject({
  signed: z.looseObject({ version, meta: z.record(z.string().check(z.regex(ROLE_FILE)), meta) }),
});
const role = z.looseObject({
  signed: z.looseObject({
    version,
    targets: z.record(
      z.string().check(z.regex(TARGET_PATH)),
      z.looseObject({ length, hashes: z.looseObject({ sha256: hash }) }),
    ),
  }),
});

/** A file that other metadata names, with what is said about its bytes. */
export interface NamedFile {
  readonly name: string;
  readonly length: number | null;
  readonly sha256: Sha256 | null;
}

export interface NamedMetadata extends NamedFile {
  readonly version: number;
}

export interface NamedTarget extends NamedFile {
  readonly sha256: Sha256;
}

/** Version of a timestamp and the snapshot it names. Throws POLICY_INVALID. */
export function readTimestamp(bytes: Uint8Array): { readonly version: number; readonly snapshot: NamedMetadata } {
  const { signed } = decode('timestamp.json', timestamp, bytes);

  return { version: signed.version, snapshot: named('snapshot.json', signed.meta['snapshot.json']) };
}

/** The roles that a snapshot names. Throws POLICY_INVALID, also when the snapshot is not the version that was named. */
export function readSnapshot(bytes: Uint8Array, wanted: NamedMetadata): readonly NamedMetadata[] {
  const { signed } = decode(wanted.name, snapshot, bytes);
  checkVersion(wanted, signed.version);
  const roles = Object.entries(signed.meta);
  if (roles.length > MAX_ROLES) throw invalid(`${wanted.name} names ${roles.length} roles`);

  return roles.map(([name, facts]) => named(name, facts));
}

/** The documents that a role signs. Throws POLICY_INVALID. */
export function readRole(bytes: Uint8Array, wanted: NamedMetadata): readonly NamedTarget[] {
  const { signed } = decode(wanted.name, role, bytes);
  checkVersion(wanted, signed.version);
  const targets = Object.entries(signed.targets);
  if (targets.length > MAX_DOCUMENTS) throw invalid(`${wanted.name} names ${targets.length} documents`);

  return targets.map(([name, target]) => ({
    name,
    length: target.length,
    sha256: target.hashes.sha256 as Sha256,
  }));
}

/** Throws POLICY_INVALID when the bytes are not those that were named. */
export function checkBytes(bytes: Uint8Array, { name, length: expected, sha256: wanted }: NamedFile): void {
  if (expected !== null && bytes.length !== expected) {
    throw invalid(`${name} has ${bytes.length} bytes, not ${expected}`);
  }
  if (wanted !== null && sha256(bytes) !== wanted) throw invalid(`${name} is not the file that was named`);
}

function named(name: string, facts: z.output<typeof meta>): NamedMetadata {
  return {
    name: `${facts.version}.${name}`,
    version: facts.version,
    length: facts.length ?? null,
    sha256: (facts.hashes?.sha256 ?? null) as Sha256 | null,
  };
}

function checkVersion({ name, version: wanted }: NamedMetadata, found: number): void {
  if (found !== wanted) throw invalid(`${name} says it is version ${found}`);
}

function decode<S extends z.ZodMiniType>(name: string, schema: S, bytes: Uint8Array): z.output<S> {
  let value: unknown;

  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    throw new CodedError('POLICY_INVALID', `${name} is not JSON`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CodedError('POLICY_INVALID', `${name}: ${issue?.path.join('.')}: ${issue?.message}`.slice(0, 500));
  }

  return parsed.data;
}

function invalid(message: string): CodedError {
  return new CodedError('POLICY_INVALID', message);
}
