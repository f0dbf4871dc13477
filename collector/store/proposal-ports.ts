// Changes of policy that wait to be signed, in the words of those who ask for them.
import type { Timestamp } from '@selvage/shared/model/ids.ts';

export const PROPOSAL_OUTCOMES = ['signed', 'declined'] as const;
export type ProposalOutcome = (typeof PROPOSAL_OUTCOMES)[number];

/** Of a change that several keys sign: whose signatures it has, and whose it needs. */
export interface Signing {
  /** Keys whose signatures it has, each with the actor who brought it. */
  readonly signers: readonly { readonly keyId: string; readonly by: string; readonly at: Timestamp }[];
  /** Per file of the change, as they stood when the last of those signed; ids of keys. */
  readonly requirements: readonly {
    readonly file: string;
    readonly threshold: number;
    readonly keys: readonly string[];
    readonly signed: readonly string[];
  }[];
  /** When the first of what is signed ends. */
  readonly ends: Timestamp;
}

/** Metadata as it is signed, with the signatures so far: what is signed is these bytes and no others. */
export type SigningFiles = readonly { readonly name: string; readonly content: string }[];

export interface ProposalRecord {
  readonly number: number;
  /** Why; may be empty. */
  readonly note: string;
  /** Documents to put, as plain values: whoever reads them decodes them. */
  readonly documents: readonly unknown[];
  /** Paths of documents to remove. */
  readonly removed: readonly string[];
  /** Null before the first signature, where one is enough, and once it is closed. */
  readonly signing: Signing | null;
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
  /** Empty where nothing is signed yet, and once it is closed. */
  files(number: number): Promise<SigningFiles>;
  /** Characters of all files that wait. */
  filesSize(): Promise<number>;
  /** How many wait. */
  waiting(): Promise<number>;
}

export interface ProposalWriter {
  /** The number it got. */
  add(proposal: Pick<ProposalRecord, 'note' | 'documents' | 'removed' | 'proposedBy' | 'proposedAt'>): Promise<number>;
  /** In the place of the signatures before. Throws NOT_FOUND when there is none that waits under this number. */
  keepSigning(number: number, signing: Signing, files: SigningFiles): Promise<void>;
  /** Throws NOT_FOUND when there is none that waits under this number. */
  close(
    number: number,
    how: { readonly outcome: ProposalOutcome; readonly reason: string; readonly by: string; readonly at: Timestamp },
  ): Promise<void>;
}
