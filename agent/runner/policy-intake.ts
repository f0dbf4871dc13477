// From the connector's copy of the policy repository to policy that may be acted upon. INVARIANTS: each file is read once,
// bounded and without following links, and those bytes are verified; what was accepted stays when something newer is
// refused; whatever lies in the copy, this never throws.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { decodeDocument } from '@selvage/shared/policy/decode.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { MAX_POLICY_FILE_BYTES, MAX_POLICY_TOTAL_BYTES } from '@selvage/shared/policy/limits.ts';
import { type AcceptedPolicy, type PolicyFiles, verifyRepository } from '@selvage/shared/policy/trusted-set.ts';
import { z } from 'zod';
import type { RunnerFolders } from './folders.ts';
import { type Files, readState, writeState } from './state-file.ts';

export interface UsableDocument<D extends PolicyDocument = PolicyDocument> {
  readonly document: D;
  readonly sha256: string;
}

/** Policy that was verified once, and since when it counts as accepted. */
export interface UsablePolicy {
  readonly acceptedAt: string;
  readonly documents: readonly UsableDocument[];
}

export interface Intake {
  /** Null when nothing was ever accepted. */
  readonly policy: UsablePolicy | null;
  /** Why the copy, or a part of what was kept, was not taken; null when all is well or there is no copy yet. */
  readonly problem: CodedError | null;
}

const MAX_FILES = 10_000;
const DOCUMENT = /^(policy|approvals|urgent|lifts)\//;

const stored = z.strictObject({
  format: z.literal(1),
  acceptedAt: z.iso.datetime(),
  root: z.base64(),
  files: z.array(z.strictObject({ name: z.string(), sha256: z.string(), bytes: z.base64() })),
});

/** Verifies the copy at `now`, keeps what is newer, and answers what may be used. Only a failing disk makes it throw. */
export async function takeInPolicy(folders: RunnerFolders, now: Temporal.Instant, files: Files): Promise<Intake> {
  const kept = await readAccepted(folders);
  if (kept instanceof CodedError) return { policy: null, problem: kept };

  try {
    const copy = await readCopy(folders.policy);
    const offered = copy('timestamp.json');
    // Nothing new: a start with nothing to do must be quick.
    if (offered === null || (kept && sha256(offered) === timestampOf(kept)))
      return { policy: usable(kept), problem: null };

    const root = await readBounded(folders.trustRoot, MAX_POLICY_FILE_BYTES);
    if (root === null) throw new CodedError('NOT_ENROLLED', `there is no pinned policy root at ${folders.trustRoot}`);
    const { accepted } = verifyRepository({ root, files: copy, now, previous: kept });
    await writeAccepted(folders, accepted, files);

    return { policy: usable(accepted), problem: null };
  } catch (error) {
    return { policy: usable(kept), problem: asCoded(error) };
  }
}

/** What was accepted before; nothing is read of the copy and nothing is written. */
export async function acceptedPolicy(folders: RunnerFolders): Promise<Intake> {
  const kept = await readAccepted(folders);

  return kept instanceof CodedError ? { policy: null, problem: kept } : { policy: usable(kept), problem: null };
}

function usable(accepted: AcceptedPolicy | null): UsablePolicy | null {
  if (accepted === null) return null;
  const documents = accepted.files
    .filter((file) => DOCUMENT.test(file.name))
    .map((file) => ({
      document: decodeDocument(JSON.parse(Buffer.from(file.bytes).toString('utf8'))),
      sha256: file.sha256,
    }));

  return { acceptedAt: accepted.acceptedAt, documents };
}

function timestampOf(accepted: AcceptedPolicy): string | null {
  return accepted.files.find((file) => file.name === 'timestamp.json')?.sha256 ?? null;
}

/** The whole copy in memory. What it may not hold (links, too much) refuses it as a whole. */
async function readCopy(folder: string): Promise<PolicyFiles> {
  const metadata = await readFolder(join(folder, 'metadata'), MAX_POLICY_TOTAL_BYTES);
  const targets = await readFolder(join(folder, 'targets'), MAX_POLICY_TOTAL_BYTES);

  return (name: string, hash?: Sha256) =>
    (hash === undefined ? metadata.get(name) : targets.get(`${hash}.${basename(name)}`)) ?? null;
}

async function readFolder(folder: string, maxBytes: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  });
  if (names.length > MAX_FILES) throw new CodedError('POLICY_INVALID', `${folder} holds more than ${MAX_FILES} files`);
  const read = new Map<string, Uint8Array>();
  let left = maxBytes;

  // One after the other: the bound holds for what is in memory at any time. Names with a dot first are being written.
  for (const name of names.filter((item) => !item.startsWith('.'))) {
    const bytes = await readBounded(join(folder, name), Math.min(left, MAX_POLICY_FILE_BYTES));
    if (bytes === null) continue;
    left -= bytes.length;
    read.set(name, bytes);
  }

  return read;
}

/** Root-owned, so damage is no attack but a fault; without it nothing newer can be compared, so nothing is accepted. */
async function readAccepted(folders: RunnerFolders): Promise<AcceptedPolicy | null | CodedError> {
  try {
    const state = await readState(join(folders.accepted, 'policy.json'), stored);
    if (state === null) return null;

    return {
      acceptedAt: state.acceptedAt as Timestamp,
      root: Buffer.from(state.root, 'base64'),
      files: state.files.map(({ name, sha256: hash, bytes }) => ({
        name,
        sha256: hash as Sha256,
        bytes: Buffer.from(bytes, 'base64'),
      })),
    };
  } catch (error) {
    return asCoded(error);
  }
}

async function writeAccepted(folders: RunnerFolders, accepted: AcceptedPolicy, files: Files): Promise<void> {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  await writeState(files, join(folders.accepted, 'policy.json'), {
    format: 1,
    acceptedAt: accepted.acceptedAt,
    root: base64(accepted.root),
    files: accepted.files.map((file) => ({ ...file, bytes: base64(file.bytes) })),
  });
}
