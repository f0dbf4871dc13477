// Changes of policy that wait to be signed, as they cross the API: shapes only.
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

export const declineRequest = z.strictObject({ reason: note.default('') });
export const proposed = z.strictObject({ number: z.number().int().positive() });
