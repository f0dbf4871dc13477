// From the connector's copy of the policy repository to policy that may be acted upon. INVARIANTS: each file is read once,
// bounded and without following links, and those bytes are verified; what was accepted stays when something newer is
// refused; whatever lies in the copy, this never throws.
import { basename, join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import { type ForeignFolder, openForeign } from '@selvage/shared/files/foreign.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import {
  decodeAccepted,
  encodeAccepted,
  endsOf,
  MAX_ACCEPTED_BYTES,
  policyInForce,
  versionsOf,
} from '@selvage/shared/policy/accepted.ts';
import { decodeDocument } from '@selvage/shared/policy/decode.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { LIFETIME_MS, MAX_POLICY_FILE_BYTES, MAX_POLICY_TOTAL_BYTES } from '@selvage/shared/policy/limits.ts';
import { decodeMetadata, fileNameOf } from '@selvage/shared/policy/metadata.ts';
import {
  type AcceptedPolicy,
  newestRoot,
  type PolicyFiles,
  type VerifyRequest,
} from '@selvage/shared/policy/trusted-set.ts';
import * as z from 'zod';
import type { RunnerFolders } from './folders.ts';
import type { Files } from './state-file.ts';
import type { FlooredClock } from './time-floor.ts';
import type { TrustFacts } from './trust-facts.ts';

export interface UsableDocument<D extends PolicyDocument = PolicyDocument> {
  readonly document: D;
  readonly sha256: string;
}

/** Policy that was verified once, and since when it counts as accepted. */
export interface UsablePolicy {
  readonly acceptedAt: string;
  /** When the collector says that it was current; null when that cannot be told. */
  readonly signedAt: Temporal.Instant | null;
  readonly documents: readonly UsableDocument[];
}

export interface Intake {
  /** Null when nothing was ever accepted. */
  readonly policy: UsablePolicy | null;
  /** Why the copy, or a part of what was kept, was not taken; null when all is well or there is no copy yet. */
  readonly problem: CodedError | null;
  /** Versions and ends of what is in force, for telling; null when nothing was ever accepted. */
  readonly trust: TrustFacts | null;
}

const MAX_FILES = 10_000;
/** Names that verification asks for; what is being written begins with a dot. */
const METADATA = /^(timestamp|\d+\.[a-z0-9][a-z0-9-]*)\.json$/;
const TARGET = /^[0-9a-f]{64}\.[^/]+\.json$/;
const DOCUMENT = /^(policy|approvals|urgent|lifts)\//;

const FILE = 'policy.json';
/** The newest root that a chain ever proved, in a file of its own: it counts also when what came with it was refused. */
const ROOT_FILE = 'root.json';
const timestampFile = z.object({ signed: z.object({ expires: z.iso.datetime() }) });

/** Verifies the copy at the highest time ever seen, keeps what is newer, and answers what may be used. Only a failing disk makes it throw. */
export async function takeInPolicy(folders: RunnerFolders, clock: FlooredClock, files: Files): Promise<Intake> {
  const { floor, seen } = clock.now();
  let kept: AcceptedPolicy | null = null;

  try {
    kept = await readAccepted(folders);
    const copy = await readCopy(folders.policy);
    const offered = copy('timestamp.json');
    // Nothing new: a start with nothing to do must be quick. What was verified once lies where only root writes.
    const trusted = await readBounded(join(folders.accepted, ROOT_FILE), MAX_POLICY_FILE_BYTES);
    if (
      offered === null ||
      (kept && sha256(offered) === timestampOf(kept) && !hasNextRoot(copy, trusted ?? kept.root))
    ) {
      return inForce(kept, null);
    }

    const root = await readBounded(folders.trustRoot, MAX_POLICY_FILE_BYTES);
    if (root === null) throw new CodedError('NOT_ENROLLED', `there is no pinned policy root at ${folders.trustRoot}`);
    const request = { root, files: copy, now: floor, previous: kept };
    const newest = await keepNewestRoot(folders, { ...request, trusted }, files);
    const { accepted, problem } = policyInForce({ ...request, trusted: newest });
    if (problem !== null) return inForce(accepted, problem);

    // Counted from a time that did not leap ahead: `actUntil` would end as much later once the clock is right again.
    const fresh = accepted === kept ? accepted : { ...accepted, acceptedAt: notAfter(accepted.acceptedAt, seen) };
    await files.write(join(folders.accepted, FILE), encodeAccepted(fresh));
    const signedAt = signedAtOf(fresh);
    if (signedAt !== null) clock.confirm(signedAt);

    return inForce(fresh, problem);
  } catch (error) {
    // Without what was accepted before, nothing newer could be compared with it: then `kept` is null and nothing is used.
    return inForce(kept, asCoded(error));
  }
}

function inForce(accepted: AcceptedPolicy | null, problem: CodedError | null): Intake {
  const trust = accepted && {
    acceptedAt: accepted.acceptedAt,
    versions: versionsOf(accepted),
    ends: endsOf(accepted),
  };

  return { policy: usable(accepted), problem, trust };
}

/**
 * Follows the chain of roots and keeps its end before anything else is believed (specification 5.3.8): a key that a root has
 * replaced is dead here from then on, whatever a collector serves or withholds later.
 */
async function keepNewestRoot(folders: RunnerFolders, request: VerifyRequest, files: Files): Promise<Uint8Array> {
  const { root, previous, trusted } = request;
  const { bytes } = newestRoot(request);
  const known = trusted ?? previous?.root ?? root;
  if (sha256(bytes) !== sha256(known)) await files.write(join(folders.accepted, ROOT_FILE), bytes);

  return bytes;
}

/** A root may come although nothing else is new; what cannot be read is looked at by the verification. */
function hasNextRoot(copy: PolicyFiles, known: Uint8Array): boolean {
  const { signed } = decodeMetadata('root', 'accepted root.json', known);

  return copy(fileNameOf('root', signed.version + 1)) !== null;
}

/** For a clock that was ahead when policy was accepted. */
export async function acceptedNotAfter(folders: RunnerFolders, limit: Temporal.Instant, files: Files): Promise<void> {
  const kept = await readAccepted(folders);
  if (kept === null || notAfter(kept.acceptedAt, limit) === kept.acceptedAt) return;
  const acceptedAt = notAfter(kept.acceptedAt, limit);
  await files.write(join(folders.accepted, FILE), encodeAccepted({ ...kept, acceptedAt }));
}

function usable(accepted: AcceptedPolicy | null): UsablePolicy | null {
  if (accepted === null) return null;
  const documents = accepted.files
    .filter((file) => DOCUMENT.test(file.name))
    .map((file) => ({
      document: decodeDocument(JSON.parse(Buffer.from(file.bytes).toString('utf8'))),
      sha256: file.sha256,
    }));

  return { acceptedAt: accepted.acceptedAt, signedAt: signedAtOf(accepted), documents };
}

/** A timestamp names its end only; all are made for the same time. Null for what is not understood. */
function signedAtOf(accepted: AcceptedPolicy): Temporal.Instant | null {
  const file = accepted.files.find(({ name }) => name === 'timestamp.json');
  const { data } = timestampFile.safeParse(file && JSON.parse(Buffer.from(file.bytes).toString('utf8')));

  return data === undefined
    ? null
    : Temporal.Instant.from(data.signed.expires).subtract({ milliseconds: LIFETIME_MS.timestamp });
}

function notAfter(time: Timestamp, limit: Temporal.Instant): Timestamp {
  return Temporal.Instant.compare(time, limit) > 0 ? (limit.toString() as Timestamp) : time;
}

function timestampOf(accepted: AcceptedPolicy): string | null {
  return accepted.files.find((file) => file.name === 'timestamp.json')?.sha256 ?? null;
}

/** The whole copy in memory. What it may not hold (links, too much) refuses it as a whole. */
async function readCopy(folder: string): Promise<PolicyFiles> {
  const copy = await openForeign(folder);
  if (copy === null) return () => null;

  try {
    const metadata = await readFolder(copy, 'metadata', METADATA);
    const targets = await readFolder(copy, 'targets', TARGET);

    return (name: string, hash?: Sha256) =>
      (hash === undefined ? metadata.get(name) : targets.get(`${hash}.${basename(name)}`)) ?? null;
  } finally {
    await copy.close();
  }
}

async function readFolder(
  copy: ForeignFolder,
  folder: string,
  wanted: RegExp,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const names = (await copy.names(folder, MAX_FILES)) ?? [];
  const read = new Map<string, Uint8Array>();
  let left = MAX_POLICY_TOTAL_BYTES;

  // One after the other: the bound holds for what is in memory at any time. Nothing else is opened: whoever owns the folder
  // may have put a link to one of the system in its place, and opening a device can do something.
  for (const name of names.filter((item) => wanted.test(item))) {
    const bytes = await copy.read(`${folder}/${name}`, Math.min(left, MAX_POLICY_FILE_BYTES));
    if (bytes === null) continue;
    left -= bytes.length;
    read.set(name, bytes);
  }

  return read;
}

/** Throws FILE_CORRUPT: root alone writes it, so damage is a fault that a person must look at. */
async function readAccepted(folders: RunnerFolders): Promise<AcceptedPolicy | null> {
  const bytes = await readBounded(join(folders.accepted, FILE), MAX_ACCEPTED_BYTES);

  return bytes === null ? null : decodeAccepted(bytes);
}
