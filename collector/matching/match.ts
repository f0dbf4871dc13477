// What matching found for one piece of software: each with its evidence. Types only.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { DistroStatus, VersionRange } from './rule.ts';

/** Why a rule applies or does not: enough to be checked by hand. */
export interface Evidence {
  readonly feed: string;
  /** Date of the feed's data. */
  readonly feedAsOf: Timestamp | null;
  readonly record: string;
  /** The comparison in words: `deb: 2.4.57-2 < 2.4.61-1~deb12u1`. */
  readonly rule: string;
  readonly status: DistroStatus;
  readonly range: VersionRange | null;
  readonly fixed: string | null;
  readonly pocket: string | null;
  readonly urgency: string | null;
  readonly published: Timestamp | null;
  /** What this source says: `affected`, `fixed` (the installed version has it), `not-affected`. */
  readonly says: 'affected' | 'fixed' | 'not-affected' | 'unknown';
}

/**
 * `fixable`: a fixed version exists. `open`: affected and no fix exists (its `status` says in which way).
 * Fixed and not affected are no matches; they are worked out when somebody asks (`judge`).
 */
export type MatchState = 'fixable' | 'open';

export interface Match {
  /** The CVE; the record's own id where it has none. */
  readonly cve: string;
  readonly records: readonly string[];
  readonly state: MatchState;
  readonly status: DistroStatus;
  /** The lowest version that has the fix; null when there is none. Beside a `pocket` that is not for everybody it is only for some. */
  readonly fixed: string | null;
  /** Where the fix is served: esm-infra … (not for everybody, see pockets.ts), point-release (for everybody, later); null: as usual. */
  readonly pocket: string | null;
  readonly urgency: string | null;
  /** The one that decided first; the others after it. */
  readonly evidence: readonly Evidence[];
  /** Sources say different things: a sentence, null when they agree or there is one. */
  readonly disagreement: string | null;
}

/**
 * Whether anybody watches this software: `feed`: matched against it. `rule`: every update of its repository counts as security.
 * `unknown`: no feed knows it; it is never said to be clean.
 */
export type Coverage =
  | { readonly by: 'feed'; readonly feeds: readonly string[] }
  | { readonly by: 'rule'; readonly repository: string }
  | { readonly by: 'unknown'; readonly reason: string };
