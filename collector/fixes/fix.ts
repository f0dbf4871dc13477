// The words of fixes: what a fix is, which states a host can be in, and what is known of the hosts. Types only.
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { PackageVersion, ProviderName } from '@selvage/shared/model/package.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';

/**
 * `open`: nobody decided. `approved`: may be installed. `waiting`: the host knows and waits (window, fetch). `installed`:
 * proven by inventory or by the runner's evidence. `refused`: an admin or the host said no. `failed`: tried, not proven.
 * `unknown`: the host's updates are not known; it is never counted as fixed.
 */
export const FIX_STATES = ['open', 'approved', 'waiting', 'installed', 'refused', 'failed', 'unknown'] as const;
export type FixState = (typeof FIX_STATES)[number];

export interface FixHost {
  readonly id: HostId;
  readonly name: string;
  readonly state: FixState;
  /** Why it is so, where there is more to say: the runner's problem, a hold, why updates are unknown. */
  readonly reason: string | null;
}

/** One source package brought to one version, on every host that it concerns. */
export interface Fix {
  /** `<source>@<version>`, such as `openssl@3.0.22-1~deb12u2`. */
  readonly id: string;
  readonly provider: ProviderName;
  readonly source: string;
  readonly version: string;
  readonly security: boolean;
  /** Every binary package of it that some host needs, at its exact version; by name, architecture and version. */
  readonly packages: readonly PackageVersion[];
  /** By name. */
  readonly hosts: readonly FixHost[];
  /** The decision that counts: the newest that has not expired, else the newest. */
  readonly approval: ApprovalDocument | null;
}

/** What one active host says of its updates. */
export interface HostUpdates {
  readonly id: HostId;
  readonly name: string;
  /** Instant of the report, null before the first one. */
  readonly takenAt: string | null;
  /** Null when the section could not be taken or there is no report: unknown, like `known: false`. */
  readonly updates: Section<'updates'> | null;
  readonly problem: string | null;
}

/** The packages of one active host, null when they are not known. */
export interface HostPackages {
  readonly id: HostId;
  readonly packages: Section<'packages'> | null;
}

/** A host that no fix can be counted for, with why. */
export interface UnknownHost {
  readonly id: HostId;
  readonly name: string;
  readonly reason: string;
}
