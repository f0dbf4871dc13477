// Changes of policy that wait to be signed, as they cross the API: shapes only.
import { MAX_POLICY_FILE_BYTES } from '@selvage/shared/policy/limits.ts';
import { z } from 'zod';
import { PROPOSAL_OUTCOMES } from '../../store/proposal-ports.ts';
import { selection } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const text = z.string();
/** Characters. */
export const MAX_NOTE = 1000;
const MAX_PATH = 512;
const MAX_DOCUMENTS = 1000;

const document = z.record(z.string(), z.unknown());
const note = z.string().max(MAX_NOTE);

export const proposalNumber = z.coerce.number().int().positive();

/** Of a change that several keys sign. */
export const signatures = z.strictObject({
  needed: z.number().int().positive(),
  have: z.number().int().nonnegative(),
  /** Admins, or digits of keys that nobody is known by, whose signature would count. */
  from: z.array(text),
  /** Why it can be signed no more, null while it can. */
  problem: text.nullable(),
});

export const proposal = z.strictObject({
  number: z.number().int().positive(),
  note: text,
  /** As they were proposed: whoever signs decodes them again. */
  documents: z.array(document),
  /** Paths of documents to remove. */
  removed: z.array(text),
  /** `RiskAcceptance accept-xz`, of every document that is put or removed. */
  titles: z.array(text),
  /** Admins whom a risk acceptance in it names as its approver: only their signature counts. */
  approvers: z.array(text),
  /** Null where nobody has signed yet. */
  signatures: signatures.extend({ signers: z.array(z.strictObject({ keyId: text, by: text })) }).nullable(),
  proposedBy: text,
  proposedAt: instant,
  outcome: z.enum(PROPOSAL_OUTCOMES).nullable(),
  reason: text,
  closedBy: text.nullable(),
  closedAt: instant.nullable(),
});

export const proposals = z.strictObject({ proposals: z.array(proposal), selection });

export const proposalRequest = z.strictObject({
  documents: z.array(document).max(MAX_DOCUMENTS),
  removed: z.array(z.string().min(1).max(MAX_PATH)).max(MAX_DOCUMENTS),
  note: note.default(''),
});

const MAX_FILES = 256;
const signedFile = z.strictObject({
  name: z.string().min(1).max(MAX_PATH),
  content: z.string().max(MAX_POLICY_FILE_BYTES),
});

/** Metadata as it waits for signatures. */
export const signedFiles = z.strictObject({ metadata: z.array(signedFile).max(MAX_FILES) });

/** Signatures on new files and the documents they name, or on those that wait as a proposal. */
export const offerRequest = z.strictObject({
  metadata: z.array(signedFile).min(1).max(MAX_FILES),
  targets: z
    .array(z.strictObject({ path: z.string().min(1).max(MAX_PATH), content: z.string().max(MAX_POLICY_FILE_BYTES) }))
    .max(MAX_DOCUMENTS),
  note: note.default(''),
  proposal: z.number().int().positive().optional(),
});
export const offered = z.strictObject({
  /** Of the proposal that it waits as; null when it needed no other signature. */
  number: z.number().int().positive().nullable(),
  /** Null while it waits. */
  timestampVersion: z.number().int().nonnegative().nullable(),
  signatures,
});

export const declineRequest = z.strictObject({ reason: note.default('') });
export const proposed = z.strictObject({ number: z.number().int().positive() });
