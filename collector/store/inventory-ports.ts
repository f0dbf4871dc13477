// What the rooms of the collector may ask of the store about streams and inventories, in their words.

import type { Code } from '@selvage/shared/errors/codes.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Inventory, Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { HostRecord } from './host-ports.ts';

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
  eachSection<N extends SectionName>(name: N, among?: readonly HostId[]): AsyncIterable<SectionOfHost<N>>;
  /**
   * The same of what `derivation` makes of each section. Worked out once per content and kept while some host has it: a list of a
   * fleet costs what changed since the one before.
   */
  eachDerived<N extends SectionName, T>(
    derivation: Derivation<N, T>,
    among?: readonly HostId[],
  ): AsyncIterable<DerivedOfHost<T>>;
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
