// Changes of policy that an admin proposes and another (or the same) signs later. They bind nobody: a host sees only what is signed, and
// whoever signs decodes them again. Nothing here signs.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { type PolicyDocument, pathOf, type RiskAcceptanceDocument, roleOf } from '@selvage/shared/policy/documents.ts';
import { endOfMonthRole, monthOf } from '@selvage/shared/policy/roles.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { AdminRecord, Store, Writers } from '../store/ports.ts';
import type { ProposalRecord } from '../store/proposal-ports.ts';
import { notWaiting } from '../store/proposals.ts';
import { refuseBoth } from './both-ways.ts';

/** More than anybody will look at. */
const MAX_WAITING = 100;
/** Bytes of one proposal, as JSON. */
const MAX_BYTES = 1024 * 1024;
/** Of all that wait: whoever lists them gets them in one answer. */
const MAX_WAITING_BYTES = 16 * MAX_BYTES;

export interface ProposalDeps {
  readonly store: Store;
  readonly clock: Clock;
}

export interface Proposed {
  readonly documents: readonly unknown[];
  readonly removed: readonly string[];
  readonly note: string;
  /** Actor of the ledger (`admin:NAME`). */
  readonly by: string;
}

/**
 * Keeps it until somebody signs or declines it; its number. Throws DOCUMENT_INVALID or DOCUMENT_NOT_SUPPORTED as a push would, and
 * DOCUMENT_REFERENCE when nobody could sign it; ALREADY_EXISTS when the same waits already, REQUEST_TOO_LARGE beyond the bounds.
 */
export async function propose({ store, clock }: ProposalDeps, proposed: Proposed): Promise<number> {
  const { removed, note, by } = proposed;
  const documents = decodeDocuments(proposed.documents);
  if (documents.length + removed.length === 0) {
    throw new CodedError('DOCUMENT_INVALID', 'the proposal changes nothing', {
      next: 'name documents to put or remove',
    });
  }
  refuseBoth(documents, removed);
  refuseEnded(documents, clock.now());
  const text = canonicalJson({ documents, removed });
  assertSize(text);
  const now = clock.now().toString() as Timestamp;

  return store.transaction(async ({ proposals, audit, admins }) => {
    refuseUnsignable(documents, await admins.list());
    const waiting = await proposals.list(0);
    const same = waiting.find((one) => one.signing === null && textOf(one) === text);
    if (same) {
      throw new CodedError(
        'ALREADY_EXISTS',
        `the same waits already, as proposal ${same.number} of ${same.proposedBy}`,
        {
          next: `look at it: selvage policy sign ${same.number}`,
        },
      );
    }
    assertRoom(waiting, text);
    const number = await proposals.add({ documents, removed, note, proposedBy: by, proposedAt: now });
    await audit.append({
      ...{ at: now, actor: by, action: 'policy.proposed', subject: `proposal ${number}` },
      details: { documents: documents.map(pathOf), removed, note },
    });

    return number;
  });
}

/** Throws REQUEST_TOO_LARGE when there is no room for one more of this text. */
export function assertRoom(waiting: readonly ProposalRecord[], text: string): void {
  assertSize(text);
  const held = waiting.reduce((sum, each) => sum + Buffer.byteLength(textOf(each)), 0);
  if (waiting.length < MAX_WAITING && held + Buffer.byteLength(text) <= MAX_WAITING_BYTES) return;

  throw new CodedError('REQUEST_TOO_LARGE', `${waiting.length} proposals of ${held} bytes wait already`, {
    next: 'sign or decline some first: selvage policy proposals',
  });
}

function assertSize(text: string): void {
  if (Buffer.byteLength(text) <= MAX_BYTES) return;

  throw new CodedError('REQUEST_TOO_LARGE', `a proposal has at most ${MAX_BYTES} bytes`);
}

function textOf({ documents, removed }: Pick<ProposalRecord, 'documents' | 'removed'>): string {
  return canonicalJson({ documents, removed });
}

/** A month of approvals that is over is never signed again. Throws DOCUMENT_INVALID. */
function refuseEnded(documents: readonly PolicyDocument[], now: Temporal.Instant): void {
  const over = documents.find((one) => {
    const month = monthOf(roleOf(one));

    return month !== null && Temporal.Instant.compare(endOfMonthRole(month), now) <= 0;
  });
  if (over === undefined) return;

  throw new CodedError('DOCUMENT_INVALID', `${pathOf(over)}: that month is over, nobody can sign it any more`, {
    next: 'approve it anew: selvage fix approve',
  });
}

/** One push has one signature, and a risk acceptance counts only with that of its approver. Throws DOCUMENT_REFERENCE. */
function refuseUnsignable(documents: readonly PolicyDocument[], admins: readonly AdminRecord[]): void {
  const acceptances = documents.filter((one): one is RiskAcceptanceDocument => one.kind === 'RiskAcceptance');
  const approvers = [...new Set(acceptances.map(({ approver }) => approver))];
  if (approvers.length > 1) {
    throw new CodedError('DOCUMENT_REFERENCE', `nobody can sign for ${approvers.join(' and ')} at once`, {
      next: 'propose what each approver has to sign on its own',
    });
  }
  assertSignable(documents, admins);
}

/** Throws DOCUMENT_REFERENCE for an acceptance whose approver is nobody who may sign. */
export function assertSignable(documents: readonly PolicyDocument[], admins: readonly AdminRecord[]): void {
  const acceptances = documents.filter((one): one is RiskAcceptanceDocument => one.kind === 'RiskAcceptance');
  const stranger = acceptances.find(({ approver }) => !admins.some((one) => canApprove(one, approver)));
  if (stranger === undefined) return;

  throw new CodedError(
    'DOCUMENT_REFERENCE',
    `RiskAcceptance ${stranger.name}: approver: ${stranger.approver} is no active admin`,
    { next: 'name an admin of selvage admin list' },
  );
}

/** The key may come later: it is asked for when it is signed. */
function canApprove({ name, role, state }: AdminRecord, approver: string): boolean {
  return name === approver && role === 'admin' && state === 'active';
}

/**
 * Closes a proposal in the transaction that stores what signs it. Throws NOT_FOUND when it waits no longer, POLICY_CONFLICT when what was
 * signed is not what it says: then nothing of the push is stored.
 */
export async function signProposal(
  { proposals }: Pick<Writers, 'proposals'>,
  number: number,
  {
    documents,
    by,
    at,
  }: { readonly documents: TrustedPolicy['documents']; readonly by: string; readonly at: Timestamp },
): Promise<void> {
  const known = await proposals.byNumber(number);
  if (known === null || known.outcome !== null) throw notWaiting(number, known);
  const after = new Map(documents.map(({ document, path }) => [path, canonicalJson(document)]));
  const other = decodeDocuments(known.documents).filter((one) => after.get(pathOf(one)) !== canonicalJson(one));
  const [path] = [...other.map(pathOf), ...known.removed.filter((one) => after.has(one))];
  if (path !== undefined) {
    throw new CodedError('POLICY_CONFLICT', `${path} is signed otherwise than proposal ${number} says`, {
      next: `look at it again: selvage policy sign ${number}`,
    });
  }
  await proposals.close(number, { outcome: 'signed', reason: '', by, at });
}

/** Takes it off the list unsigned; by anybody, also whoever made it. Throws NOT_FOUND when it does not wait. */
export async function decline(
  { store, clock }: ProposalDeps,
  { number, reason, by }: { readonly number: number; readonly reason: string; readonly by: string },
): Promise<void> {
  const at = clock.now().toString() as Timestamp;
  await store.transaction(async ({ proposals, audit }) => {
    const known = await proposals.byNumber(number);
    if (known === null || known.outcome !== null) throw notWaiting(number, known);
    await proposals.close(number, { outcome: 'declined', reason, by, at });
    await audit.append({
      ...{ at, actor: by, action: 'policy.proposal-declined', subject: `proposal ${number}` },
      details: { proposedBy: known.proposedBy, reason },
    });
  });
}
