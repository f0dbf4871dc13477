// What the rooms of the collector may ask of the store about hosts, in their words.

import type { Code } from '@selvage/shared/errors/codes.ts';
import type { HostId, Mode, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';

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
  /** What it can read of signed documents, as it said at its last Hello; null: it did not say. */
  readonly understands: readonly string[] | null;
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

/** Where a page of hosts ends. */
export type HostPlace = Pick<HostRecord, 'name' | 'id'>;

export interface HostReader {
  byId(id: HostId): Promise<HostRecord | null>;
  /** The active host of that name, else the newest revoked one. */
  byName(name: string): Promise<HostRecord | null>;
  list(): Promise<readonly HostRecord[]>;
  /** The next `limit` hosts of all states by name and id, after that one; null: the first ones. Neither ever changes of a host. */
  page(after: HostPlace | null, limit: number): Promise<readonly HostRecord[]>;
  /** The host whose current or next certificate has that key. */
  byKey(key: Sha256): Promise<HostRecord | null>;
  /** Active hosts that said they are that machine, pending ones too. */
  byMachine(machineId: string): Promise<readonly HostRecord[]>;
  /** The same for several machines at once, in the order in which they enrolled. */
  onMachines(
    machineIds: readonly string[],
  ): Promise<readonly Pick<HostRecord, 'id' | 'name' | 'state' | 'machineId'>[]>;
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
  /** Null: it did not say. */
  readonly understands: readonly string[] | null;
}
