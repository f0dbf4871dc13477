// What the rooms of the collector may ask of the store, in their words. The store implements it on SQLite (and later
// PostgreSQL); no other room sees SQL. All changes happen inside Store.transaction, together with their audit entry.

import type { Code } from '@selvage/shared/errors/codes.ts';
import type { HostId, Mode, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Inventory, Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { ChangeReader, ChangeWriter, SerialResult } from './change-ports.ts';
import type { AssetReader, AssetWriter, ImportReader, ImportWriter } from './import-ports.ts';

export type { Labels };

export interface Store {
  /** Reads on a read-only connection. */
  readonly read: Readers;
  /** One write transaction on the one write connection; queued, committed when the promise resolves. */
  transaction<T>(work: (writers: Writers) => Promise<T>): Promise<T>;
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
  readonly changes: ChangeReader;
  readonly imports: ImportReader;
  readonly assets: AssetReader;
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
  readonly changes: ChangeReader & ChangeWriter;
  readonly imports: ImportReader & ImportWriter;
  readonly assets: AssetReader & AssetWriter;
  readonly audit: AuditReader & AuditWriter;
}

// --- hosts -----------------------------------------------------------------------------------------------------------

/** What an enrollment says of a host. */
export interface NewHost {
  readonly id: HostId;
  readonly name: string;
  readonly state: 'active' | 'revoked';
  readonly mode: Mode;
  readonly machineId: string;
  readonly enrolledAt: Timestamp;
  readonly revokedAt: Timestamp | null;
  /** Hex SHA-256 of the DER of the certificate that is valid now. */
  readonly certificate: Sha256;
  readonly certificateExpires: Timestamp;
  /** SPKI PEM of the runner's result-signing key. */
  readonly runnerKey: string;
  readonly agentVersion: string | null;
  readonly lastSeen: Timestamp | null;
  /** Hash of the public key in the certificate, and the authority that issued it; null: from before these were kept. */
  readonly key?: Sha256 | null;
  readonly authority?: Sha256 | null;
  /** When an admin (or a token that was made for this one host) let it in; null: pending. Left out: when it enrolled. */
  readonly acceptedAt?: Timestamp | null;
  readonly labels?: Labels;
  readonly owner?: string | null;
  /** Id of the token it came by. */
  readonly token?: string | null;
  /** The host whose place it took: the same machine, installed anew. */
  readonly replaces?: HostId | null;
  /** Where it came from to enroll. */
  readonly lastAddress?: string | null;
}

export interface HostRecord extends NewHost {
  readonly key: Sha256 | null;
  readonly authority: Sha256 | null;
  /** Issued and not yet used; it becomes the current one when the host has connected with it. */
  readonly next: NextCertificate | null;
  /** Fingerprints of the authorities that the host said it trusts, at its last Hello; empty: it never said. */
  readonly authorities: readonly Sha256[];
  readonly quarantine: Quarantine | null;
  readonly readmit: Readmission | null;
  /** When an admin last decided which machine is the host: older certificates of other machines accuse nobody anew. */
  readonly settledAt: Timestamp | null;
  readonly knock: Knock | null;
  /** Where it last came from: its last connection that was greeted, before the first one its enrollment. */
  readonly lastAddress: string | null;
  /** The host's clock minus the collector's, milliseconds, at its last Hello; null: it did not say. */
  readonly clockSkewMs: number | null;
  /** Null: pending. It may connect and report; it gets no policy and counts nowhere. */
  readonly acceptedAt: Timestamp | null;
  /** The machine is no more; its state is revoked then. Not shown and not counted unless asked for. */
  readonly retiredAt: Timestamp | null;
  /** Who answers for the machine, as an admin wrote it. */
  readonly owner: string | null;
  /** Labels that only the collector asserts: for lists and reports; no policy selects by them. */
  readonly labels: Labels;
  readonly token: string | null;
  readonly replaces: HostId | null;
}

export interface NextCertificate {
  readonly certificate: Sha256;
  readonly expires: Timestamp;
  readonly key: Sha256;
  readonly authority: Sha256;
  /** Kept until it is used, so that the same request gets the same answer. */
  readonly pem: string;
}

/** One identity in two places: nobody may use it until an admin has looked. */
export interface Quarantine {
  readonly at: Timestamp;
  readonly reason: 'cloned' | 'superseded';
  /** Machine ids, the enrolled one first. */
  readonly machines: readonly string[];
  /** Where they came from, in the same order as far as it is known. */
  readonly addresses: readonly string[];
}

/** The door that an admin opened: any certificate of the host may be exchanged for a new one until then. */
export interface Readmission {
  readonly until: Timestamp;
  /** The machine that the admin picked among several, null when there was one. */
  readonly machine: string | null;
}

/** The last time the host was refused at the door with a certificate of its own. */
export interface Knock {
  readonly at: Timestamp;
  readonly address: string;
  readonly code: Code;
  /** When the ledger last took one; kept over readmissions, so that nothing a host does makes it take more. */
  readonly entered: Timestamp;
  /** It has been let in or readmitted since: nothing to show any more. */
  readonly answered?: true;
}

export interface HostReader {
  byId(id: HostId): Promise<HostRecord | null>;
  /** The active host of that name, else the newest revoked one. */
  byName(name: string): Promise<HostRecord | null>;
  list(): Promise<readonly HostRecord[]>;
  /** The host whose current or next certificate has that key. */
  byKey(key: Sha256): Promise<HostRecord | null>;
  /** Active hosts that said they are that machine, pending ones too. */
  byMachine(machineId: string): Promise<readonly HostRecord[]>;
  /** The host that took its place; null: none did. */
  successor(id: HostId): Promise<HostRecord | null>;
  /** How many there are of each kind, counted where they lie. */
  tally(): Promise<readonly (Pick<HostRecord, 'state' | 'acceptedAt' | 'retiredAt'> & { readonly count: number })[]>;
  /** Active hosts that wait to be accepted, oldest first. */
  pending(): Promise<readonly HostRecord[]>;
}

export interface HostWriter {
  /** ALREADY_EXISTS when an active host has the name. */
  add(host: NewHost): Promise<void>;
  revoke(id: HostId, at: Timestamp): Promise<void>;
  /** A pending host counts from now on; one that was accepted stays as it is. HOST_REVOKED when it is not active. */
  accept(id: HostId, at: Timestamp): Promise<void>;
  /** Revoked, and the machine is no more: also for a host that is revoked already. */
  retire(id: HostId, at: Timestamp): Promise<void>;
  /** What the collector says of a host, of any state; what is left out stays. */
  describe(id: HostId, said: { readonly owner?: string | null; readonly labels?: Labels }): Promise<void>;
  /** Another current certificate; a next one is dropped. */
  renewCertificate(
    id: HostId,
    certificate: Sha256,
    expires: Timestamp,
    from?: { readonly key: Sha256; readonly authority: Sha256 | null },
  ): Promise<void>;
  seen(id: HostId, at: Timestamp, facts: Seen): Promise<void>;
  /** The same for many at once; those who are not active any more are passed over. */
  seenAll(sighted: readonly SightedHost[]): Promise<void>;
  /** A certificate to be used from now on, beside the current one until it is; replaces an earlier offer. */
  offer(id: HostId, next: NextCertificate): Promise<void>;
  /** The next certificate has connected: it is the current one, and the door is shut. STATE when there is none. */
  promote(id: HostId): Promise<void>;
  /** Ends an offer and a readmission too: what was given to either machine counts no more. */
  quarantine(id: HostId, quarantine: Quarantine): Promise<void>;
  /** Ends the quarantine and opens the door; the host is that machine from now on. */
  readmit(id: HostId, at: Timestamp, door: Readmission): Promise<void>;
  knock(id: HostId, knock: Knock): Promise<void>;
}

export interface Seen {
  readonly agentVersion: string;
  readonly mode: Mode;
}

/** What a Hello says of its host. */
export interface SightedHost extends Seen {
  readonly id: HostId;
  readonly at: Timestamp;
  readonly address: string;
  /** The host's clock minus the collector's, milliseconds; null: it did not say. */
  readonly clockSkewMs: number | null;
  readonly authorities: readonly Sha256[];
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

// --- durable streams and inventory -----------------------------------------------------------------------------------

/** What has to be known before a message of a host is committed, in one look. */
export interface Sender extends Pick<HostRecord, 'id' | 'name' | 'state' | 'mode' | 'agentVersion' | 'acceptedAt'> {
  readonly quarantined: boolean;
  /** Highest committed sequence of the stream, 0 for an unknown one. */
  readonly position: bigint;
}

export interface StreamReader {
  /** Highest committed sequence, 0 for an unknown stream. */
  position(host: HostId, stream: string): Promise<bigint>;
  /** Null when there is no such host. */
  sender(host: HostId, stream: string): Promise<Sender | null>;
}

export interface StreamWriter {
  advance(host: HostId, stream: string, sequence: bigint): Promise<void>;
}

export interface SectionKey {
  readonly name: SectionName;
  readonly sha256: Sha256;
}

export interface StoredSection {
  readonly name: SectionName;
  readonly sha256: Sha256 | null;
  readonly problem: { readonly code: Code; readonly reason: string } | null;
  readonly takenAt: Timestamp;
}

export interface SectionOfHost<N extends SectionName> {
  readonly host: HostId;
  readonly takenAt: Timestamp;
  /** Null exactly when there is a problem: the host then counts as unknown. */
  readonly data: Section<N> | null;
  readonly problem: { readonly code: Code; readonly reason: string } | null;
}

export interface InventoryReader {
  hasSection(host: HostId, name: SectionName, sha256: Sha256): Promise<boolean>;
  /** The zstd bytes of a section as they came, null when the store has it no more. */
  content(host: HostId, name: SectionName, sha256: Sha256): Promise<Uint8Array | null>;
  /** Which of these the store has, of that host. */
  kept(host: HostId, sections: readonly SectionKey[]): Promise<readonly SectionKey[]>;
  /** Bytes of everything that is kept of a host. */
  size(host: HostId): Promise<number>;
  /** Hash or problem per section of the newest report. */
  sections(host: HostId): Promise<readonly StoredSection[]>;
  /** The newest report with all data, null before the first one. */
  latest(host: HostId): Promise<Inventory | null>;
  /**
   * One section of every active host that has reported, in the order of ids: what fixes and counts are made of. One after the
   * other, because those of a fleet are gigabytes; whoever reads keeps of each what it needs.
   */
  eachSection<N extends SectionName>(name: N): AsyncIterable<SectionOfHost<N>>;
  /**
   * The same of what `derivation` makes of each section. Worked out once per content and kept while some host has it: a list of a
   * fleet costs what changed since the one before.
   */
  eachDerived<N extends SectionName, T>(derivation: Derivation<N, T>): AsyncIterable<DerivedOfHost<T>>;
}

/** What lists need of a section: small, and the same for the same content. Known by its identity, so made once. */
export interface Derivation<N extends SectionName, T> {
  readonly section: N;
  of(data: Section<N>): T;
}

export interface DerivedOfHost<T> {
  readonly host: HostId;
  readonly takenAt: Timestamp;
  /** Null exactly when there is a problem. */
  readonly data: T | null;
  readonly problem: { readonly code: Code; readonly reason: string } | null;
}

export interface InventoryWriter {
  /** Keeps a section's zstd bytes under its hash; idempotent. */
  putSection(host: HostId, name: SectionName, sha256: Sha256, zstdJson: Uint8Array): Promise<void>;
  /** Makes the report current and drops sections that no report uses any more. */
  putReport(host: HostId, takenAt: Timestamp, sections: readonly Omit<StoredSection, 'takenAt'>[]): Promise<void>;
  /** Nothing that the host reported, and nothing worked out of it, is kept any more. */
  forget(host: HostId): Promise<void>;
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
