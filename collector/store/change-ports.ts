// What may be asked of the store about changes of packages on hosts. Part of ./ports.ts.
import type { HostId, Sha256 } from '@selvage/shared/model/ids.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { ChangeRow } from '../history/rows.ts';

/** How far the sections and results of a host were looked at. Times are milliseconds since 1970. */
export interface HistoryState {
  /** Hash of the section `changes` that was last taken in. */
  readonly told: Sha256 | null;
  /** The packages that the next ones are compared with; the store keeps that section. */
  readonly packages: Sha256 | null;
  /** When the host last said that these are its packages. */
  readonly packagesAt: number | null;
  /** Serial of the last result that was taken in. */
  readonly result: number;
  /** The host's logs were told whole. */
  readonly complete: boolean;
  /** Logs that the host could not read, and sections that could not be compared. */
  readonly problems: readonly { readonly log: string; readonly reason: string }[];
  /** Rows up to then were let go, because there were too many. */
  readonly cutAt: number | null;
  readonly lastOutside: number | null;
  /** Day since 1970 that `ledgerEntries` counts. */
  readonly ledgerDay: number;
  readonly ledgerEntries: number;
  /** Changes since the last entry of the ledger. */
  readonly unentered: number;
}

export interface SerialResult {
  readonly serial: number;
  readonly payloadSha256: Sha256;
  readonly receivedAt: string;
  readonly result: RunResult;
}

export interface ChangeReader {
  /** Null before anything was noted of the host. */
  state(host: HostId): Promise<HistoryState | null>;
  known(
    host: HostId,
  ): Promise<readonly { readonly id: string; readonly endedAt: number | null; readonly size: number }[]>;
  /** All rows from then on, oldest first. */
  near(host: HostId, from: number): Promise<readonly ChangeRow[]>;
  /** Newest first, without those that tell of what another row tells. */
  ofHost(host: HostId, options: { readonly since: number; readonly limit: number }): Promise<readonly ChangeRow[]>;
  /** The earliest row whose verdict may still become another, of those first heard of since then. */
  unresolvedSince(host: HostId, toldAfter: number): Promise<number | null>;
  /** Hosts with changes made outside that the collector heard of since then. */
  outside(
    since: number,
  ): Promise<readonly { readonly host: HostId; readonly count: number; readonly lastAt: number }[]>;
  lastOutsideOf(host: HostId): Promise<ChangeRow | null>;
  /** The newest change made outside, of every host that has one. */
  lastOutside(): Promise<ReadonlyMap<HostId, number>>;
  /** Hosts with marks heard of before then whose result has not come. */
  late(before: number): Promise<readonly HostId[]>;
  /** Hosts of which something was committed that has not been taken in: after a crash. */
  behind(): Promise<readonly HostId[]>;
}

export interface ChangeWriter {
  /** Notes what the packages of a host were and until when; the first ones become those to compare with. */
  begin(
    host: HostId,
    packages: {
      readonly packages: Sha256 | null;
      readonly at: number;
      readonly before: Sha256 | null;
      readonly beforeAt: number | null;
    },
  ): Promise<void>;
  put(host: HostId, rows: readonly ChangeRow[]): Promise<void>;
  drop(host: HostId, ids: readonly string[]): Promise<void>;
  /** Lets the oldest go where there are more; up to when, null when there were not. */
  trim(host: HostId, most: { readonly rows: number; readonly changes: number }): Promise<number | null>;
  /** `lastOutside` is worked out from the rows. */
  setState(host: HostId, state: Omit<HistoryState, 'lastOutside'>): Promise<void>;
}
