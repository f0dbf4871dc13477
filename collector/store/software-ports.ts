// What the rooms of the collector may ask of the store about distinct software and who has it. Types only; see ./ports.ts.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Match } from '../matching/match.ts';
import type { Software } from '../matching/software.ts';

/** Number of a distinct piece of software in this store. */
export type SoftwareId = number;

/** `host:<id>` or `import:<name>`. */
export type MachineKey = string;

export interface SoftwareRow {
  readonly id: SoftwareId;
  readonly software: Software;
}

export interface SoftwareMatches {
  readonly id: SoftwareId;
  /** When it was matched last; null: not yet. */
  readonly matchedAt: Timestamp | null;
  readonly matches: readonly Match[];
  /** CVE → since when this store knows that it concerns this package; survives new versions of the package. */
  readonly since: Readonly<Record<string, Timestamp>>;
}

/** One machine's whole list, and since when each is there. */
export interface MachineSoftware {
  readonly machine: MachineKey;
  /** Hash of what it was made of: the same means there is nothing to do. */
  readonly basis: string;
  readonly software: readonly { readonly id: SoftwareId; readonly since: Timestamp }[];
}

/** A version that a machine had and has no more. */
export interface SoftwareEpisode {
  readonly machine: MachineKey;
  readonly id: SoftwareId;
  readonly since: Timestamp;
  readonly until: Timestamp;
}
