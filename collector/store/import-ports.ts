// What the rooms of the collector may ask of the store about machines without an agent. Types only; see ./ports.ts.
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Inventory, Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';

/** One file that was imported: the current one of its name, or what was before. */
export interface ImportRecord {
  readonly id: string;
  readonly name: string;
  /** `superseded`: the machine has got an agent. */
  readonly state: 'current' | 'replaced' | 'superseded' | 'retired';
  readonly asOf: Timestamp;
  /** Whose word `asOf` is. */
  readonly asOfFrom: 'machine' | 'file' | 'import';
  /** What the machine's clock said, believed or not. */
  readonly clock: Timestamp;
  readonly importedAt: Timestamp;
  /** `admin:NAME`. */
  readonly importedBy: string;
  /** Of the file. */
  readonly sha256: Sha256;
  readonly bytes: number;
  readonly hostname: string;
  /** Made as the agent makes it; null where the machine has none. */
  readonly machineId: string | null;
  readonly owner: string | null;
  readonly labels: Labels;
  readonly facts: ImportFacts;
  readonly endedAt: Timestamp | null;
  /** The import or host that took its place (`import:ID`, `host:ID`), or the admin who ended it. */
  readonly endedBy: string | null;
}

/** What lists show of it without looking at its sections. */
export interface ImportFacts {
  readonly os: {
    readonly id: string;
    readonly version: string;
    readonly prettyName: string;
    readonly idLike: readonly string[];
  } | null;
  readonly kernel: string;
  readonly arch: string;
  /** Null: not known. */
  readonly packages: number | null;
  readonly rebootRequired: boolean | null;
  readonly staleProcesses: number | null;
  /** By what a list of machines may know it. */
  readonly marks: {
    readonly serials: readonly string[];
    readonly macs: readonly string[];
    readonly instances: readonly string[];
  };
  /** What is odd about the file, in sentences: its clock. */
  readonly warnings: readonly string[];
  /** What collect.sh could not collect. */
  readonly missing: readonly string[];
  /** It was not collected by root. */
  readonly unprivileged: boolean;
}

export interface ImportSection {
  readonly name: SectionName;
  readonly sha256: Sha256 | null;
  readonly zstdJson: Uint8Array | null;
  readonly problem: { readonly code: Code; readonly reason: string } | null;
}

export interface SectionOfImport<N extends SectionName> {
  readonly import: string;
  readonly asOf: Timestamp;
  readonly data: Section<N> | null;
  readonly problem: { readonly code: Code; readonly reason: string } | null;
}

export interface ImportReader {
  /** Current ones, by name. */
  list(): Promise<readonly ImportRecord[]>;
  /** The current one of that name, else the newest of before. */
  byName(name: string): Promise<ImportRecord | null>;
  /** Every one of that name, the newest first, without what was in it. */
  history(name: string, limit: number): Promise<readonly ImportRecord[]>;
  /** Null when it is no longer kept: only the newest of a machine is. */
  inventory(id: string): Promise<Inventory | null>;
  /** One section of every current import: what matching looks at. */
  eachSection<N extends SectionName>(name: N): AsyncIterable<SectionOfImport<N>>;
}

export interface ImportWriter {
  /** Becomes the current one of its name; the one before is history, and its sections go. */
  put(record: ImportRecord, sections: readonly ImportSection[]): Promise<void>;
  /** The machine is no more. NOT_FOUND when none of that name is current. */
  retire(name: string, at: Timestamp, by: string): Promise<void>;
}

// --- machines that ought to exist ------------------------------------------------------------------------------------

/** One machine of a list, as the list knows it. */
export interface Asset {
  /** What people call it; where a list has no names, its id. */
  readonly name: string;
  /** Where it stands in the file: a line, or the number of the entry. */
  readonly line: number;
  /** Other names: fully qualified ones, those of the network. */
  readonly names: readonly string[];
  /** Id that a cloud gave it. */
  readonly instance: string | null;
  readonly serial: string | null;
  /** Lower case with colons. */
  readonly macs: readonly string[];
  readonly owner: string | null;
  /** The list's own word for its state. */
  readonly state: string | null;
  /** False where the list itself says that it is gone. */
  readonly expected: boolean;
}

export interface AssetList {
  readonly source: string;
  readonly format: string;
  /** Name of the file, without folders. */
  readonly file: string;
  /** When the file was last written, as whoever brought it says. */
  readonly fileDate: Timestamp | null;
  readonly sha256: Sha256;
  readonly importedAt: Timestamp;
  readonly importedBy: string;
  readonly entries: number;
  /** Wrong ones that were left out because the admin said so. */
  readonly skipped: number;
}

export interface AssetReader {
  lists(): Promise<readonly AssetList[]>;
  /** Of one list, or of all of them in the order of their names. */
  all(source?: string): Promise<readonly (Asset & { readonly source: string })[]>;
}

export interface AssetWriter {
  /** The whole list in the place of the one before. */
  replace(list: AssetList, assets: readonly Asset[]): Promise<void>;
  /** NOT_FOUND when there is no such list. */
  remove(source: string): Promise<void>;
}
