// Takes what admins sign one after the other, and keeps it until enough of them have. It publishes nothing itself: a change that is
// complete goes the way of every push. Runs one at a time, so that of two who sign at once neither signature is lost.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { pathOf } from '@selvage/shared/policy/documents.ts';
import { decodeMetadata } from '@selvage/shared/policy/metadata.ts';
import { assertReferences } from '@selvage/shared/policy/references.ts';
import { signedRoleOf } from '@selvage/shared/policy/signatures.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { Store, Writers } from '../store/ports.ts';
import type { ProposalRecord, SigningFiles } from '../store/proposal-ports.ts';
import { MAX_DOCUMENTS, notWaiting } from '../store/proposals.ts';
import type { Signatures } from '../todo/signatures.ts';
import { type Joined, join, type Known, type Offer, targetsOf } from './cosigning.ts';
import { pushedRoles } from './proposal.ts';
import { assertRoom, assertSignable } from './proposing.ts';

/** Characters of the files of one change, and of all that wait. */
const MAX_FILES_SIZE = 4 * 1024 * 1024;
const MAX_WAITING_FILES_SIZE = 4 * MAX_FILES_SIZE;

export interface Offered {
  /** Of the proposal; null when it needed no other signature. */
  readonly number: number | null;
  /** Null while it waits for more signatures. */
  readonly timestampVersion: number | null;
  readonly signatures: Signatures;
}

export interface OfferDeps {
  readonly store: Store;
  readonly policy: TrustedPolicy;
  readonly now: Temporal.Instant;
  readonly publish: (joined: Joined, number: number | null) => Promise<{ readonly timestampVersion: number }>;
}

/**
 * Throws what join throws; NOT_FOUND when nothing waits under the number; DOCUMENT_REFERENCE for names that lead nowhere, or an
 * approver who is no admin; ALREADY_EXISTS when the same waits already; REQUEST_TOO_LARGE beyond the bounds.
 */
export async function takeOffer({ store, policy, now, publish }: OfferDeps, offer: Offer): Promise<Offered> {
  pushedRoles(offer);
  const known = offer.proposal === null ? null : await knownOf(store, offer.proposal);
  const admins = await store.read.admins.list();
  const joined = join({ policy, offer, known, admins, now });
  assertSignable(joined.documents, admins);
  assertReferences(documentsAfter(policy, joined), now);
  if (joined.complete) {
    const { timestampVersion } = await publish(joined, offer.proposal);

    return { number: offer.proposal, timestampVersion, signatures: joined.state };
  }
  const at = now.toString() as Timestamp;
  const number = await store.transaction((writers) => keep(writers, { offer, joined, at }));

  return { number, timestampVersion: null, signatures: joined.state };
}

/** As a push that stores it: the very bytes that were signed, and the documents they name. */
export function pushOf(joined: Joined) {
  return { metadata: joined.files, targets: targetsOf(joined) };
}

async function knownOf({ read: { proposals } }: Store, number: number): Promise<Known> {
  const record = await proposals.byNumber(number);
  if (record === null || record.outcome !== null) throw notWaiting(number, record);

  return { record, files: await proposals.files(number) };
}

async function keep(
  { proposals, audit }: Writers,
  { offer, joined, at }: { readonly offer: Offer; readonly joined: Joined; readonly at: Timestamp },
): Promise<number> {
  const { note, by } = offer;
  const documents = joined.documents;
  const removed = joined.removed;
  const files = joined.files.map(({ name, bytes }) => ({ name, content: new TextDecoder().decode(bytes) }));
  const number = offer.proposal ?? (await propose());
  const known = await proposals.byNumber(number);
  if (known === null || known.outcome !== null) throw notWaiting(number, known);
  await assertFilesFit(proposals, files, await proposals.files(number));
  await proposals.keepSigning(number, joined.signing, files);
  await audit.append({
    ...{ at, actor: by, action: 'policy.proposal-signed', subject: `proposal ${number}` },
    details: {
      metadata: files.map(({ name }) => name),
      keys: joined.signing.signers.filter((one) => one.by === by).map(({ keyId }) => keyId),
      have: joined.state.have,
      needed: joined.state.needed,
    },
  });

  return number;

  async function propose(): Promise<number> {
    if (documents.length > MAX_DOCUMENTS || removed.length > MAX_DOCUMENTS) {
      throw new CodedError('REQUEST_TOO_LARGE', `a change that several sign has at most ${MAX_DOCUMENTS} documents`, {
        next: 'push fewer files at once',
      });
    }
    const waiting = await proposals.list(0);
    await refuseSame(joined, waiting, (one) => proposals.files(one));
    assertRoom(waiting, canonicalJson({ documents, removed }));
    const made = await proposals.add({ documents, removed, note, proposedBy: by, proposedAt: at });
    await audit.append({
      ...{ at, actor: by, action: 'policy.proposed', subject: `proposal ${made}` },
      details: { documents: documents.map(pathOf), removed: [...removed], note },
    });

    return made;
  }
}

/** The same change on top of the same versions; when it was made, and until when it is signed, makes no other change of it. */
async function refuseSame(
  { files }: Joined,
  waiting: readonly ProposalRecord[],
  filesOf: (number: number) => Promise<SigningFiles>,
): Promise<void> {
  const textOf = (all: SigningFiles) =>
    canonicalJson(
      all
        .map(({ name, content }) => {
          const kind = signedRoleOf(name) === 'root' ? 'root' : 'targets';
          const { expires: _, ...signed } = decodeMetadata(kind, name, new TextEncoder().encode(content)).signed;

          return { name, signed };
        })
        .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    );
  const own = textOf(files.map(({ name, bytes }) => ({ name, content: new TextDecoder().decode(bytes) })));
  const names = files
    .map(({ name }) => name)
    .toSorted()
    .join();
  for (const { number, proposedBy, signing } of waiting) {
    const theirs = [...new Set(signing?.requirements.map(({ file }) => file))].toSorted().join();
    if (theirs !== names || textOf(await filesOf(number)) !== own) continue;
    throw new CodedError('ALREADY_EXISTS', `the same waits already, as proposal ${number} of ${proposedBy}`, {
      next: `look at it: selvage policy sign ${number}`,
    });
  }
}

async function assertFilesFit(
  proposals: Writers['proposals'],
  files: SigningFiles,
  before: SigningFiles,
): Promise<void> {
  const size = JSON.stringify(files).length;
  const held = (await proposals.filesSize()) - JSON.stringify(before).length;
  if (size <= MAX_FILES_SIZE && held + size <= MAX_WAITING_FILES_SIZE) return;

  throw new CodedError('REQUEST_TOO_LARGE', `${size} bytes to be signed are too many beside the ${held} that wait`, {
    next: 'sign or decline some first: selvage policy proposals',
  });
}

function documentsAfter(policy: TrustedPolicy, { documents, removed }: Joined) {
  const gone = new Set([...removed, ...documents.map(pathOf)]);

  return [...policy.documents.filter(({ path }) => !gone.has(path)).map(({ document }) => document), ...documents];
}
