// What travels between agent and collector, as plain data: every frame of proto/wire.proto as a discriminated union.
// Nothing here encodes; see ./wire.ts. A host is never named by a frame, only by its certificate.
import type { Mode, Sha256, Timestamp } from '../model/ids.ts';

/** Versions of the protocol that this side speaks, best first. */
export const PROTOCOL_VERSIONS: readonly number[] = [1];

/** Where on the gateway agents open their connection. */
export const CONNECT_PATH = '/v1/connect';

/** A frame with more bytes is refused before it is parsed. */
export const MAX_FRAME_BYTES = 1_048_576;
/** UTF-8 bytes of a string. */
export const MAX_STRING_BYTES = 4096;
/** Entries of a list, where a field sets no smaller bound. */
export const MAX_LIST_ENTRIES = 4096;
/** Content of one PolicyFile. */
export const MAX_POLICY_FILE_BYTES = 512 * 1024;
/** Streams that one Hello may name: an agent has two. */
export const MAX_STREAMS = 16;
/** Authorities that are trusted at once: the present one, the next, and room for a rotation that was begun twice. */
export const MAX_AUTHORITIES = 4;
/** Compressed bytes of a section: what a frame holds beside its other fields. */
export const MAX_SECTION_BYTES = MAX_FRAME_BYTES - 8192;

/** Bytes of a section before compression; a host with 5,000 packages needs 1.5 MB. */
export const MAX_SECTION_JSON_BYTES = 8 * 1024 * 1024;

export interface StreamPosition {
  /** `inventory:<uuid>` or `results:<uuid>`. */
  readonly stream: string;
  readonly sequence: bigint;
}

export interface SectionState {
  readonly name: string;
  /** Null when the section could not be taken; then `code` and `reason` say why, else they are empty. */
  readonly sha256: Sha256 | null;
  readonly code: string;
  readonly reason: string;
}

/** What a durable message says; it stays on the agent's disk until the collector has committed it. */
export type DurableBody =
  | { readonly type: 'section'; readonly name: string; readonly sha256: Sha256; readonly zstdJson: Uint8Array }
  | { readonly type: 'report'; readonly takenAt: Timestamp; readonly sections: readonly SectionState[] }
  /** Everything is as in the report before; `sha256` is its reportHash. */
  | { readonly type: 'unchanged'; readonly takenAt: Timestamp; readonly sha256: Sha256 }
  | { readonly type: 'result'; readonly payload: Uint8Array; readonly signature: Uint8Array };

export interface Hello {
  readonly type: 'hello';
  readonly versions: readonly number[];
  readonly agentVersion: string;
  readonly machineId: string;
  readonly mode: Mode;
  /** Per stream, the highest sequence that the agent will not send again. */
  readonly streams: readonly StreamPosition[];
  /** Fingerprints of the authorities that the agent trusts. */
  readonly authorities: readonly Sha256[];
  /** The host's own clock, empty when it does not say. */
  readonly now: Timestamp | '';
  /** What it can read of signed documents (shared/policy/understanding.ts); empty when it does not say. */
  readonly understands: readonly string[];
}

export interface Durable extends StreamPosition {
  readonly type: 'durable';
  readonly message: DurableBody;
}

/** The signed policy that the host goes by: a hint for the collector, never a proof. */
export interface PolicyHeld {
  readonly type: 'policyHeld';
  readonly roles: readonly { readonly role: string; readonly version: bigint }[];
  /** One of the closed codes: why what was offered last was not accepted. Empty when it was. */
  readonly problem: string;
}

export type AgentFrame =
  | Hello
  | Durable
  | { readonly type: 'policyRequest'; readonly name: string; readonly sha256: Sha256 | null }
  | { readonly type: 'ping'; readonly nonce: bigint }
  /** `csr`: PKCS #10 in PEM over a new key of the host. */
  | { readonly type: 'renewalRequest'; readonly csr: string }
  | PolicyHeld;

/** An authority that hosts should trust; see `Authority` in the .proto for what its endorsement is over. */
export interface EndorsedAuthority {
  /** PEM. */
  readonly certificate: string;
  /** Fingerprint of the authority that signed for this one, null for the oldest. */
  readonly endorsedBy: Sha256 | null;
  /** Empty when nobody signed. */
  readonly endorsement: Uint8Array;
}

export interface Welcome {
  readonly type: 'welcome';
  readonly version: number;
  readonly collectorVersion: string;
  readonly now: Timestamp;
  readonly streams: readonly StreamPosition[];
  readonly heartbeatSeconds: number;
  readonly inFlight: number;
}

export interface Problem {
  readonly type: 'problem';
  /** One of the closed codes; a code that this side does not know is shown as it is. */
  readonly code: string;
  readonly message: string;
  readonly next: string;
  readonly fatal: boolean;
  readonly retryAfterMs: number;
}

export type CollectorFrame =
  | Welcome
  | (StreamPosition & { readonly type: 'acknowledgement' })
  | { readonly type: 'sectionsWanted'; readonly names: readonly string[] }
  | { readonly type: 'policyAvailable'; readonly timestampVersion: bigint }
  | { readonly type: 'policyFile'; readonly name: string; readonly found: boolean; readonly content: Uint8Array }
  | { readonly type: 'pong'; readonly nonce: bigint }
  /** The next certificate of the host, PEM. */
  | { readonly type: 'renewal'; readonly certificate: string }
  | { readonly type: 'authorities'; readonly authorities: readonly EndorsedAuthority[] }
  | Problem;
