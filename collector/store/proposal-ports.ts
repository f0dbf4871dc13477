// Changes of policy that wait to be signed, in the words of those who ask for them.
import type { Timestamp } from '@selvage/shared/model/ids.ts';

export const PROPOSAL_OUTCOMES = ['signed', 'declined'] as const;
export type ProposalOutcome = (typeof PROPOSAL_OUTCOMES)[number];

export interface ProposalRecord {
  readonly number: number;
  /** Why; may be empty. */
  readonly note: string;
  /** Documents to put, as plain values: whoever reads them decodes them. */
  readonly documents: readonly unknown[];
  /** Paths of documents to remove. */
  readonly removed: readonly string[];
  /** Actor of the ledger (`admin:NAME`). */
  readonly proposedBy: string;
  readonly proposedAt: Timestamp;
  /** Null while it waits. */
  readonly outcome: ProposalOutcome | null;
  /** Why it was declined; may be empty. */
  readonly reason: string;
  readonly closedBy: string | null;
  readonly closedAt: Timestamp | null;
}

export interface ProposalReader {
  /** Those that wait, oldest first, then those that were closed last, as many as `closed`. */
  list(closed: number): Promise<readonly ProposalRecord[]>;
  byNumber(number: number): Promise<ProposalRecord | null>;
  /** How many wait. */
  waiting(): Promise<number>;
}

export interface ProposalWriter {
  /** The number it got. */
  add(proposal: Pick<ProposalRecord, 'note' | 'documents' | 'removed' | 'proposedBy' | 'proposedAt'>): Promise<number>;
  /** Throws NOT_FOUND when there is none that waits under this number. */
  close(
    number: number,
    how: { readonly outcome: ProposalOutcome; readonly reason: string; readonly by: string; readonly at: Timestamp },
  ): Promise<void>;
}
