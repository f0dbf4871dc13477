// What the rooms of the collector may ask of the store about distinct software and who has it. Types only; see ./ports.ts.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Match } from '../matching/match.ts';
import type { Software } from '../matching/software.ts';
import type { HostRecord } from './host-ports.ts';

/** Number of a distinct piece of software in this store. */
export type SoftwareId = number;

/** Number of a piece of software together with the binary packages of it that a machine has. */
export type VariantId = number;

/** `host:<id>` or `import:<name>`. */
export type MachineKey = string;

export interface SoftwareRow {
  readonly id: SoftwareId;
  readonly software: Software;
}

/** Name and version of a binary package, which may be another than that of its source. */
export type Binary = readonly [name: string, version: string];

export interface Variant {
  readonly software: SoftwareId;
  readonly binaries: readonly Binary[];
}

export interface VariantRow extends Variant {
  readonly id: VariantId;
}

export interface SoftwareMatches {
  readonly id: SoftwareId;
  /** When it was matched last; null: not yet. */
  readonly matchedAt: Timestamp | null;
  readonly matches: readonly Match[];
}

/** The same to be written: who made the text has it already, and that of a kernel is a million characters. */
export interface WrittenMatches {
  readonly id: SoftwareId;
  readonly matchedAt: Timestamp;
  /** JSON of the matches. */
  readonly json: string;
}

/** CVE → since when this store knows that it concerns this package; survives new versions of the package. */
export interface PackageSince {
  readonly ecosystem: string;
  readonly package: string;
  readonly since: Readonly<Record<string, Timestamp>>;
}

/** One machine's whole list, packed by who writes it, and what else of it findings need. */
export interface MachineRow {
  readonly machine: MachineKey;
  /** Hash of what it was made of: the same means there is nothing to do. */
  readonly basis: string;
  readonly list: Uint8Array;
  /** JSON. */
  readonly facts: string;
}

/** A version that a machine had and has no more. */
export interface SoftwareEpisode {
  readonly machine: MachineKey;
  readonly id: SoftwareId;
  readonly since: Timestamp;
  readonly until: Timestamp;
}

/** What findings need of the record of a host. */
export type CountedHost = Pick<HostRecord, 'id' | 'name' | 'enrolledAt' | 'labels'>;

/** What a machine's list would be made of now. */
export interface HostBasis {
  readonly host: HostId;
  readonly takenAt: Timestamp;
  /** `section hash-or-code;…` of the sections that count, in the order of their names. */
  readonly sections: string;
}

/** Everything of a kind in the order of its numbers or keys, page by page: a fleet's at once would hold up everything else. */
export interface SoftwareReader {
  software(after: SoftwareId, limit: number): Promise<readonly SoftwareRow[]>;
  variants(after: VariantId, limit: number): Promise<readonly VariantRow[]>;
  /** Only of software that was matched. */
  matches(after: SoftwareId, limit: number): Promise<readonly SoftwareMatches[]>;
  since(after: Pick<PackageSince, 'ecosystem' | 'package'> | null, limit: number): Promise<readonly PackageSince[]>;
  machines(after: MachineKey, limit: number): Promise<readonly MachineRow[]>;
  machine(key: MachineKey): Promise<MachineRow | null>;
  /** Active accepted hosts. */
  hosts(after: HostId | null, limit: number): Promise<readonly CountedHost[]>;
  /** Of active accepted hosts that have reported. */
  bases(after: HostId | null, limit: number): Promise<readonly HostBasis[]>;
  /** Null when it is none of these. */
  basis(host: HostId): Promise<HostBasis | null>;
  /** Feed → generation that everything was matched against. */
  matchedFeeds(): Promise<ReadonlyMap<string, number>>;
}

export interface SoftwareWriter {
  /** Numbers in the order given; what is there keeps its own. */
  intern(software: readonly Software[]): Promise<readonly SoftwareId[]>;
  internVariants(variants: readonly Variant[]): Promise<readonly VariantId[]>;
  putMachine(row: MachineRow): Promise<void>;
  dropMachine(key: MachineKey): Promise<void>;
  putMatches(matches: readonly WrittenMatches[]): Promise<void>;
  putSince(since: readonly PackageSince[]): Promise<void>;
  /** Everything was matched against that generation; null: forget that it ever was. */
  setMatchedFeed(feed: string, generation: number | null): Promise<void>;
  /** Software that no machine has or had, with its variants and matches. */
  dropSoftware(ids: readonly SoftwareId[]): Promise<void>;
}
