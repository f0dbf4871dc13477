// What a feed says about one package of one release: the only shape that matching knows of advisories. Types only.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Ecosystem } from './software.ts';

/**
 * The source's own verdict about this release, in its words. `fixed`: the ranges say up to where. `open`: affected, nothing
 * more said. `minor`: affected, no advisory will come (no-dsa); `postponed`: will be fixed some day; `ignored`: will not be;
 * `end-of-life`: nobody looks any more; `undetermined`: nobody knows yet; `not-affected`: the code is not in it.
 */
export const DISTRO_STATUSES = [
  'fixed',
  'open',
  'minor',
  'postponed',
  'ignored',
  'end-of-life',
  'undetermined',
  'not-affected',
] as const;
export type DistroStatus = (typeof DISTRO_STATUSES)[number];

/** Affected from `introduced` (null: from the first version) until before `fixed`, or up to and with `lastAffected`; both null: all. */
export interface VersionRange {
  readonly introduced: string | null;
  readonly fixed: string | null;
  readonly lastAffected: string | null;
}

export interface Rule {
  readonly ecosystem: Ecosystem;
  readonly package: string;
  /** Id of the record at its source: CVE-…, DSA-…, USN-…, ALSA-…, GHSA-… */
  readonly record: string;
  /** What it is about. None: the record speaks only for itself (a bug fix, or no CVE yet). */
  readonly cves: readonly string[];
  readonly status: DistroStatus;
  readonly ranges: readonly VersionRange[];
  /** Versions named one by one, beside the ranges. */
  readonly versions?: readonly string[];
  /** Which kind of name `package` is; source where left out. */
  readonly names?: 'source' | 'binary';
  /** Only in this module stream, such as `nodejs:18`. */
  readonly module?: string;
  /** Where the fix is served, when not for everybody or not at once: esm-infra, esm-apps, fips, point-release … */
  readonly pocket?: string;
  /** The source's own word (unimportant, low, Important, negligible …), as it writes it. */
  readonly urgency?: string;
  readonly published?: Timestamp;
  /** Withdrawn by its source: it matches nothing, and says so where it did. */
  readonly withdrawn?: Timestamp;
}

/**
 * Rules that differ in their record and its CVEs only: a kernel has thousands in a few hundred groups. Which rules there are is made
 * when somebody asks for one.
 */
export interface RuleGroup {
  readonly size: number;
  /** What the rule in that place is about; a text: the CVE that is its record. */
  about(place: number): string | readonly string[];
  /** From 0 until `size`. */
  rule(place: number): Rule;
}
