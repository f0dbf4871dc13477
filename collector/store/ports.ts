// What the rooms of the collector may ask of the store, in their words. The store implements it on SQLite (and later
// PostgreSQL); no other room sees SQL. All changes happen inside Store.transaction, together with their audit entry.

import type { HostId, Mode, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { ChangeReader, ChangeWriter, SerialResult } from './change-ports.ts';
import type { FeedReader, FeedWriter } from './feed-ports.ts';
import type { HostReader, HostWriter } from './host-ports.ts';
import type { AssetReader, AssetWriter, ImportReader, ImportWriter } from './import-ports.ts';
import type { InventoryReader, InventoryWriter, StreamReader, StreamWriter } from './inventory-ports.ts';
import type { ProposalReader, ProposalWriter } from './proposal-ports.ts';
import type { SoftwareReader, SoftwareWriter } from './software-ports.ts';
import type { ScannerReader, ScannerWriter, VexReader, VexWriter } from './vex-ports.ts';

export type * from './host-ports.ts';
export type * from './inventory-ports.ts';
export type { Labels };

export interface Store {
  /** Reads on a read-only connection. */
  readonly read: Readers;
  /**
   * One write transaction on the one write connection; queued, committed when the promise resolves. `derived`: of what is worked out
   * again when it is not there; a kill takes nothing of it, a power cut may take the last of it.
   */
  transaction<T>(work: (writers: Writers) => Promise<T>, options?: { readonly derived?: boolean }): Promise<T>;
  close(): Promise<void>;
}

export interface Readers {
  readonly hosts: HostReader;
  readonly tokens: TokenReader;
  readonly admins: AdminReader;
  readonly streams: StreamReader;
  readonly inventory: InventoryReader;
  readonly results: ResultReader;
  readonly policy: PolicyReader;
  readonly proposals: ProposalReader;
  readonly changes: ChangeReader;
  readonly imports: ImportReader;
  readonly assets: AssetReader;
  readonly feeds: FeedReader;
  readonly software: SoftwareReader;
  readonly vex: VexReader;
  readonly scanners: ScannerReader;
  readonly audit: AuditReader;
}

export interface Writers {
  readonly hosts: HostReader & HostWriter;
  readonly tokens: TokenReader & TokenWriter;
  readonly admins: AdminReader & AdminWriter;
  readonly streams: StreamReader & StreamWriter;
  readonly inventory: InventoryReader & InventoryWriter;
  readonly results: ResultReader & ResultWriter;
  readonly policy: PolicyReader & PolicyWriter;
  readonly proposals: ProposalReader & ProposalWriter;
  readonly changes: ChangeReader & ChangeWriter;
  readonly imports: ImportReader & ImportWriter;
  readonly assets: AssetReader & AssetWriter;
  readonly feeds: FeedReader & FeedWriter;
  readonly software: SoftwareReader & SoftwareWriter;
  readonly vex: VexReader & VexWriter;
  readonly scanners: ScannerReader & ScannerWriter;
  readonly audit: AuditReader & AuditWriter;
}

// --- enrollment tokens -----------------------------------------------------------------------------------------------

export interface TokenRecord {
  /** Public part of the token, used to name it. */
  readonly id: string;
  readonly kind: 'host' | 'admin';
  readonly secretHash: Sha256;
  /** Host (or admin) name it is bound to; null: any. */
  readonly boundTo: string | null;
  readonly createdBy: string;
  readonly createdAt: Timestamp;
  readonly expiresAt: Timestamp;
  readonly revokedAt: Timestamp | null;
  /** Of a token for one use: when it was used. */
  readonly usedAt: Timestamp | null;
  /** Hash of the public key that redeemed it: the same key may ask again (its answer was lost), no other may. */
  readonly usedByKey: Sha256 | null;
  /** Host id or admin name it became. */
  readonly usedFor: string | null;
  /** How many keys may redeem it. */
  readonly uses: number;
  /** How many have. */
  readonly used: number;
  /** Networks it may be redeemed from, as text; none: any. */
  readonly networks: readonly string[];
  /** What the collector calls the hosts that come by it. */
  readonly labels: Labels;
  /** The widest mode a host may enroll in; null: any. */
  readonly mode: Mode | null;
  /** The host takes the place of the one that has its name. */
  readonly replaces: boolean;
}

/** What is left out: one use, for everywhere, nothing more. */
type Bounds = Pick<TokenRecord, 'uses' | 'networks' | 'labels' | 'mode' | 'replaces'>;
export type NewToken = Omit<TokenRecord, 'used' | keyof Bounds> & Partial<Bounds>;

/** One key that redeemed a token. */
export interface TokenUse {
  readonly token: string;
  readonly key: Sha256;
  /** Host it became. */
  readonly host: string;
  readonly at: Timestamp;
}

export interface TokenReader {
  byId(id: string): Promise<TokenRecord | null>;
  list(): Promise<readonly TokenRecord[]>;
  /** Null when that key has not redeemed the token. */
  useBy(id: string, key: Sha256): Promise<TokenUse | null>;
}

export interface TokenWriter {
  add(token: NewToken): Promise<void>;
  /** Counts a key once, however often it asks. TOKEN_USED when all uses are taken, or by that key for something else. */
  use(id: string, use: { readonly at: Timestamp; readonly key: Sha256; readonly for: string }): Promise<void>;
  revoke(id: string, at: Timestamp): Promise<void>;
}

// --- admins ----------------------------------------------------------------------------------------------------------

export interface AdminRecord {
  readonly name: string;
  readonly role: 'admin' | 'reader';
  readonly state: 'active' | 'revoked';
  readonly certificate: Sha256;
  readonly certificateExpires: Timestamp;
  /** TUF key id of the signing key, null for one who only reads. */
  readonly keyId: string | null;
  readonly addedAt: Timestamp;
  readonly revokedAt: Timestamp | null;
  /** Given out and not yet used. */
  readonly next?: { readonly certificate: Sha256; readonly expires: Timestamp };
}

export interface AdminReader {
  byName(name: string): Promise<AdminRecord | null>;
  /** By the current certificate or the next one. */
  byCertificate(fingerprint: Sha256): Promise<AdminRecord | null>;
  list(): Promise<readonly AdminRecord[]>;
}

export interface AdminWriter {
  add(admin: AdminRecord): Promise<void>;
  revoke(name: string, at: Timestamp): Promise<void>;
  renewCertificate(name: string, certificate: Sha256, expires: Timestamp): Promise<void>;
  /** A certificate to be used from now on, beside the current one until it is. */
  offer(name: string, next: { readonly certificate: Sha256; readonly expires: Timestamp }): Promise<void>;
  /** The next certificate has been used: it is the current one. STATE when there is none. */
  promote(name: string): Promise<void>;
  /** Another signing key in the place of the one before. */
  replaceKey(name: string, keyId: string): Promise<void>;
}

// --- results ---------------------------------------------------------------------------------------------------------

export interface StoredResult {
  readonly host: HostId;
  readonly receivedAt: Timestamp;
  readonly result: RunResult;
}

export interface ResultReader {
  ofHost(host: HostId, limit: number): Promise<readonly StoredResult[]>;
  ofApproval(approval: string): Promise<readonly StoredResult[]>;
  /** In the order they came. */
  after(host: HostId, serial: number, limit: number): Promise<readonly SerialResult[]>;
  /** True when exactly these signed bytes are kept. */
  has(host: HostId, number: number, payloadSha256: Sha256): Promise<boolean>;
  /** How many of the numbers `first` … `last` are kept, each counted once. */
  countNumbers(host: HostId, first: bigint, last: bigint): Promise<number>;
}

export interface ResultWriter {
  /** Idempotent by (host, number). Keeps the signed bytes beside the decoded result. */
  put(
    host: HostId,
    receivedAt: Timestamp,
    result: RunResult,
    signed: { readonly payload: Uint8Array; readonly signature: Uint8Array },
  ): Promise<void>;
}

// --- policy repository -----------------------------------------------------------------------------------------------

export interface PolicyFileRecord {
  /** Name in the TUF repository: "3.root.json", "timestamp.json", "7.snapshot.json", "policy/windows/x.json" … */
  readonly name: string;
  readonly sha256: Sha256;
  readonly content: Uint8Array;
}

export interface PolicyReader {
  /** A metadata file by name, or a target by name and hash. */
  file(name: string, sha256?: Sha256): Promise<Uint8Array | null>;
  names(): Promise<readonly { readonly name: string; readonly sha256: Sha256 }[]>;
}

export interface PolicyWriter {
  /** Adds or replaces files in one step; with `expected` it fails (POLICY_CONFLICT) when the timestamp has moved on. */
  put(files: readonly PolicyFileRecord[], expectedTimestampVersion: number): Promise<void>;
  /** Drops every target but those in `keep`; with `metadata`, every metadata file but those as well. */
  prune(
    keep: readonly { readonly name: string; readonly sha256: Sha256 }[],
    metadata?: readonly string[],
  ): Promise<void>;
}

// --- audit ledger ----------------------------------------------------------------------------------------------------

export interface AuditEntry {
  /** 1, 2, 3 … without gaps. */
  readonly sequence: number;
  readonly at: Timestamp;
  /** `admin:NAME`, `host:ID`, `collector`. */
  readonly actor: string;
  /** Dotted verb: host.enrolled, host.revoked, token.created, policy.pushed, fix.approved, result.received … */
  readonly action: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Hash of the entry before, 64 zeros for the first. */
  readonly previous: Sha256;
  readonly hash: Sha256;
}

export interface AuditReader {
  after(sequence: number, limit: number): Promise<readonly AuditEntry[]>;
  head(): Promise<AuditEntry | null>;
  /** The newest of that kind first; looks through the whole ledger, so for the start of a program. */
  byAction(action: string, limit: number): Promise<readonly AuditEntry[]>;
  /** The newest about that subject first. */
  bySubject(subject: string, limit: number): Promise<readonly AuditEntry[]>;
}

export interface AuditWriter {
  /** Appends with the right sequence, previous and hash; see collector/audit/chain.ts for how the hash is made. */
  append(entry: {
    readonly at: Timestamp;
    readonly actor: string;
    readonly action: string;
    readonly subject: string;
    readonly details?: Readonly<Record<string, unknown>>;
  }): Promise<AuditEntry>;
}
