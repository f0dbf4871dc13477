// What the rooms of the collector may ask of the store about VEX documents of others and about what other scanners said. Types
// only; see ./ports.ts.
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { MachineKey } from './software-ports.ts';

export const VEX_STATUSES = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const;
export type VexStatus = (typeof VEX_STATUSES)[number];

/** What a statement is about. */
export interface VexProduct {
  /** As the document writes it: a package URL, a CPE, any other id. */
  readonly id: string;
  /** Of the package; null where the document names none. */
  readonly purl: string | null;
  /** Ecosystem of the platform that it is a part of, such as `RedHat:9`; null: not said. */
  readonly ecosystem: string | null;
  /** A machine of ours, where the document names one. */
  readonly machine: MachineKey | null;
}

export interface VexStatement {
  /** The CVE, and every other name of it. */
  readonly vulnerabilities: readonly string[];
  readonly status: VexStatus;
  /** OpenVEX's word, or CSAF's label. */
  readonly justification: string | null;
  /** The author's sentence. */
  readonly detail: string | null;
  readonly products: readonly VexProduct[];
  /** When the author said so. */
  readonly at: Timestamp;
}

/** One file that an admin imported. */
export interface VexDocument {
  /** Short, for `vex remove`; the first digits of the file's hash. */
  readonly id: string;
  readonly format: 'openvex' | 'csaf';
  /** What its author calls it, with the version of it. */
  readonly document: string;
  readonly version: string | null;
  readonly author: string;
  readonly at: Timestamp;
  readonly file: string;
  readonly sha256: Sha256;
  readonly importedAt: Timestamp;
  /** `admin:NAME`. */
  readonly importedBy: string;
  readonly statements: number;
}

export interface VexReader {
  /** In the order of their import. */
  documents(): Promise<readonly VexDocument[]>;
  /** All, with the document each is of. */
  statements(): Promise<readonly { readonly document: string; readonly statement: VexStatement }[]>;
}

export interface VexWriter {
  /** ALREADY_EXISTS when this very file is there. */
  add(document: VexDocument, statements: readonly VexStatement[]): Promise<void>;
  /** NOT_FOUND when there is no such document. */
  remove(id: string): Promise<void>;
}

/** What one scanner said about one machine, the last time its report was compared. */
export interface ScannerReport {
  readonly machine: MachineKey;
  readonly scanner: string;
  /** When it scanned, as the report says; null where it does not. */
  readonly scannedAt: Timestamp | null;
  readonly file: string;
  readonly sha256: Sha256;
  readonly comparedAt: Timestamp;
  /** `admin:NAME`. */
  readonly comparedBy: string;
  readonly rows: readonly ScannerRow[];
}

export interface ScannerRow {
  readonly cve: string;
  /** Package as the scanner names it. */
  readonly package: string | null;
  /** The group that it came into. */
  readonly group: 'agreed' | 'answered' | 'open';
  /** Our answer at that time. */
  readonly answer: string | null;
}

export interface ScannerReader {
  ofMachine(machine: MachineKey): Promise<readonly ScannerReport[]>;
}

export interface ScannerWriter {
  /** In the place of the one before of the same scanner and machine. */
  put(reports: readonly ScannerReport[]): Promise<void>;
}
