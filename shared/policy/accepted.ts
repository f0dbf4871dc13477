// What a host keeps of the policy it has accepted, and how it goes on with that when newer policy cannot be accepted.
// Values in, values out: the caller reads and writes the one file that this becomes.
import * as z from 'zod';
import { CodedError, hasCode } from '../errors/coded-error.ts';
import { canonicalJson, sha256 } from '../files/canonical.ts';
import type { Timestamp } from '../model/ids.ts';
import { MAX_POLICY_TOTAL_BYTES } from './limits.ts';
import { decodeMetadata } from './metadata.ts';
import { monthOf } from './roles.ts';
import { type AcceptedPolicy, type PolicyFiles, type TrustedPolicy, verifyRepository } from './trusted-set.ts';

/** Bytes of an encoded AcceptedPolicy (base64 inside JSON), for a bounded read. */
export const MAX_ACCEPTED_BYTES = MAX_POLICY_TOTAL_BYTES * 2;

const accepted = z.strictObject({
  format: z.literal(1),
  acceptedAt: z.iso.datetime({ offset: true }),
  root: z.base64(),
  files: z.array(z.strictObject({ name: z.string().min(1).max(300), bytes: z.base64() })),
});

export interface PolicyInForce {
  readonly policy: TrustedPolicy;
  /** What to keep from now on; the same value as before when nothing newer was accepted. */
  readonly accepted: AcceptedPolicy;
  /** Why the repository that was offered was not accepted; null when it was. */
  readonly problem: CodedError | null;
}

/** The versions that were accepted, per role; the root's is in its own bytes. Empty when nothing was. */
export function versionsOf(value: AcceptedPolicy | null): Readonly<Record<string, number>> {
  return Object.fromEntries(signedPartsOf(value).map(({ role, signed }) => [role, signed.version]));
}

/** When each accepted role ends; months of approvals end on purpose and are left out. */
export function endsOf(value: AcceptedPolicy | null): Readonly<Record<string, string>> {
  return Object.fromEntries(
    signedPartsOf(value)
      .filter(({ role }) => monthOf(role) === null)
      .map(({ role, signed }) => [role, signed.expires]),
  );
}

function signedPartsOf(value: AcceptedPolicy | null) {
  if (value === null) return [];
  const metadata = value.files.filter(({ name }) => !name.includes('/'));
  const files = [{ name: 'root.json', bytes: value.root }, ...metadata];

  return files.flatMap(({ name, bytes }) => {
    const role = /^(?:\d+\.)?([a-z0-9-]+)\.json$/.exec(name)?.[1];
    const kind = role === 'root' || role === 'timestamp' || role === 'snapshot' ? role : 'targets';

    return role === undefined ? [] : [{ role, signed: decodeMetadata(kind, name, bytes).signed }];
  });
}

/**
 * The policy a host goes by: what is offered when it verifies at `now`, else what was accepted before, with the reason.
 * What was verified once stays usable with its time of acceptance (`accepted.acceptedAt`; the caller counts `actUntil`
 * from there), also when its timestamp has expired since. Throws the reason when nothing was ever accepted.
 */
export function policyInForce(request: {
  readonly root: Uint8Array;
  readonly files: PolicyFiles;
  readonly now: Temporal.Instant;
  readonly previous: AcceptedPolicy | null;
  readonly trusted?: Uint8Array | null;
}): PolicyInForce {
  try {
    const policy = verifyRepository({ ...request, host: true });

    return { policy, accepted: policy.accepted, problem: null };
  } catch (error) {
    if (!request.previous || !hasCode(error)) throw error;

    return { policy: verifyAccepted(request.previous), accepted: request.previous, problem: error };
  }
}

/**
 * Verifies what was accepted before, as of the time it was accepted: every signature, hash and rule again, so that state
 * damaged on disk is refused. Throws POLICY_INVALID and its kin.
 */
export function verifyAccepted(previous: AcceptedPolicy): TrustedPolicy {
  const metadata = new Map(previous.files.map((file) => [file.name, file.bytes]));
  const policy = verifyRepository({
    root: previous.root,
    files: (name) => metadata.get(name) ?? null,
    now: Temporal.Instant.from(previous.acceptedAt),
    previous: null,
    host: true,
  });

  return { ...policy, accepted: previous };
}

/** One file for the caller to write durably: all of it or none of it is kept. */
export function encodeAccepted(value: AcceptedPolicy): Uint8Array {
  const files = value.files.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes).toString('base64') }));
  const root = Buffer.from(value.root).toString('base64');

  return new TextEncoder().encode(canonicalJson({ format: 1, acceptedAt: value.acceptedAt, root, files }));
}

/** Throws FILE_CORRUPT. Signatures are checked by whoever uses it (policyInForce, verifyAccepted). */
export function decodeAccepted(bytes: Uint8Array): AcceptedPolicy {
  try {
    const value = accepted.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));

    return {
      acceptedAt: value.acceptedAt as Timestamp,
      root: fromBase64(value.root),
      files: value.files.map((file) => {
        const content = fromBase64(file.bytes);

        return { name: file.name, sha256: sha256(content), bytes: content };
      }),
    };
  } catch (cause) {
    throw new CodedError('FILE_CORRUPT', 'the accepted policy cannot be read', { cause });
  }
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
