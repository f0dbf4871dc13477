// One interface for every other program that may update this host: what is known of it, and what stops it so that it can be
// given back as it was. To look changes nothing; only ./takeover acts.
import type { Run } from '@selvage/shared/exec/run.ts';
import type { UPDATER_KINDS } from '@selvage/shared/model/inventory.ts';
import type { UnitFacts, Units } from './units.ts';

/** How a takeover stops one way in which an updater starts. */
export type Stop =
  | { readonly by: 'mask'; readonly unit: string }
  /** A fragment of ours in apt.conf.d, for what reads apt's configuration each time. */
  | { readonly by: 'apt-conf' }
  | { readonly by: 'snap-hold' }
  /** Nothing of ours can stop it without breaking something: a person must. */
  | { readonly by: 'person'; readonly what: string };

export interface UpdaterFacts {
  readonly name: string;
  readonly kind: (typeof UPDATER_KINDS)[number];
  /** Installs without being asked; false: it only tells, downloads or refreshes. */
  readonly installs: boolean;
  readonly enabled: boolean;
  readonly nextRun: Temporal.Instant | null;
  /** A sentence: what it does, and why `nextRun` is null where it is. */
  readonly detail: string;
  readonly units: readonly UnitFacts[];
  /** What takes it over; empty where there is nothing to stop. */
  readonly stops: readonly Stop[];
}

export interface UpdaterHost {
  readonly root: string;
  /** IANA zone in which cron reads its lines. */
  readonly zone: string;
  readonly now: Temporal.Instant;
  readonly run: Run;
  readonly units: Units;
  /** True when there is something at the path below the root. */
  has(path: string): boolean;
  /** Text of a small regular file below the root; null where there is none or it may not be read. */
  text(path: string): string | null;
  /** A regular file of a size that text has. */
  isScript(path: string): boolean;
  /** Somebody may execute it. */
  isExecutable(path: string): boolean;
  /** Sorted names in a folder below the root; none where there is no such folder or it may not be read. */
  names(path: string): readonly string[];
}

export interface Updater {
  readonly name: string;
  /** One row for each way of updating that is there, on or off; none where it is not installed. */
  look(host: UpdaterHost): Promise<readonly UpdaterFacts[]>;
}
