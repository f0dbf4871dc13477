// The fleet as findings see it: distinct software, who has it, and what else of each machine decides. Kept in memory, made again from
// the store at a start. Types only.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import type { ProviderName } from '@selvage/shared/model/package.ts';
import type { Match } from '../matching/match.ts';
import type { Software } from '../matching/software.ts';
import type { MachineKey, SoftwareEpisode, SoftwareId } from '../store/software-ports.ts';

/** A pending update, by source package: what the host's own package manager offers. */
export interface Offer {
  readonly provider: ProviderName;
  readonly source: string;
  readonly version: string;
  readonly security: boolean;
  readonly held: boolean;
}

/** Old code in use: the processes of one package whose file was replaced. */
export interface StillRunning {
  readonly package: string;
  readonly source: string;
  readonly processes: readonly { readonly pid: number; readonly program: string; readonly service: string | null }[];
}

export interface Listening {
  readonly source: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly pid: number | null;
  readonly program: string | null;
}

export interface Machine {
  readonly key: MachineKey;
  /** Null for a machine that is known from a file. */
  readonly id: HostId | null;
  readonly name: string;
  readonly os: { readonly id: string; readonly version: string; readonly idLike?: readonly string[] } | null;
  /** Time of what is known. */
  readonly takenAt: Timestamp;
  readonly firstReportedAt: Timestamp;
  /** Of every origin, later origins do not hide earlier ones. */
  readonly labels: Labels;
  /** Of its own settings alone: what signed documents select by. Left out or null: not known, and nothing is accepted by a label. */
  readonly ownLabels?: Labels | null;
  readonly software: readonly { readonly id: SoftwareId; readonly since: Timestamp }[];
  /** Null where updates are not known: unknown is not none. */
  readonly offers: readonly Offer[] | null;
  /** When it was started last; null where that is not known. */
  readonly bootedAt: Timestamp | null;
  /** Null where nobody could look. */
  readonly listening: readonly Listening[] | null;
  readonly stillRunning: readonly StillRunning[] | null;
  /** Processes that nobody could look into: what they run is not known, so that `stillRunning` is a floor. */
  readonly unseenProcesses: number;
  readonly kernel: { readonly running: string; readonly newest: string | null } | null;
  /** Why its packages are not known; its findings then are unknown, never none. */
  readonly unknown: string | null;
}

export interface Fleet {
  /** Active accepted hosts and current imports. */
  readonly machines: ReadonlyMap<MachineKey, Machine>;
  software(id: SoftwareId): Software;
  /** Every distinct software that some machine has. */
  ids(): Iterable<SoftwareId>;
  matches(id: SoftwareId): readonly Match[];
  /** CVE → since when it is known that it concerns this software's package. */
  since(id: SoftwareId): Readonly<Record<string, Timestamp>>;
  /** Costs what it answers, not what the fleet has. */
  machinesWith(id: SoftwareId): Iterable<MachineKey>;
  /** Versions that the machine had and has no more, in no order. */
  episodes(machine: MachineKey): readonly SoftwareEpisode[];
  /** Of a machine, only what some advisory is open against; the same as looking through its whole list. */
  affected(machine: MachineKey): readonly { readonly id: SoftwareId; readonly since: Timestamp }[];
  /** Kernel images of a machine, the running one too. */
  kernels(machine: MachineKey): readonly { readonly id: SoftwareId; readonly since: Timestamp }[];
  /** By name of the package (or of its source), whatever its version and ecosystem. */
  byName(name: string): readonly SoftwareId[];
  /** Software that has a binary package of that name on some machine. */
  withBinary(name: string): readonly SoftwareId[];
  /** Another number after every change of matches; left out: nothing that was worked out from them may be kept. */
  readonly revision?: number;
  /** Another number after every change of anything; left out: nothing that was worked out may be kept. */
  readonly changes?: number;
  /** True once everything has been read and matched; counts before are not all. */
  readonly complete: boolean;
}
