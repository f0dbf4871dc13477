// What the rooms of the collector may ask of the store about feeds. Types only; see ./ports.ts.
// A generation is one whole import of a feed: written beside the current one in small transactions, made current by one row.
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Bulletin, ReleaseCycle } from '../feeds/feed.ts';
import type { Rule } from '../matching/rule.ts';
import type { CveFactsPart } from '../triage/cve-facts.ts';

export interface FeedState {
  readonly name: string;
  /** Null before the first import. */
  readonly generation: number | null;
  /** Date of the data. */
  readonly asOf: Timestamp | null;
  readonly importedAt: Timestamp | null;
  /** When its source was last asked, whatever it answered. */
  readonly checkedAt: Timestamp | null;
  readonly records: number;
  /** Records that were not understood. */
  readonly skipped: number;
  readonly sha256: Sha256 | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** What stopped the last attempt; the current copy stands. */
  readonly error: { readonly code: string; readonly reason: string; readonly at: Timestamp } | null;
}

/** All rules of one package, as one feed has them. */
export interface PackageRules {
  readonly feed: string;
  readonly asOf: Timestamp | null;
  readonly ecosystem: string;
  readonly package: string;
  readonly rules: readonly Rule[];
}

export interface PackageName {
  readonly ecosystem: string;
  readonly package: string;
}

export interface FeedReader {
  list(): Promise<readonly FeedState[]>;
  byName(name: string): Promise<FeedState | null>;
  /** Of the current generations of all feeds. Packages that no feed names are left out. */
  rules(packages: readonly PackageName[]): Promise<readonly PackageRules[]>;
  /** Of the current generations: CVE → what each feed says. */
  facts(cves: readonly string[]): Promise<ReadonlyMap<string, readonly CveFactsPart[]>>;
  /** Packages whose rules differ between two generations of a feed (null: none); what has to be matched again. */
  changed(from: number | null, to: number): Promise<readonly PackageName[]>;
  bulletins(filter: {
    readonly cve?: string;
    readonly vendor?: string;
    readonly limit: number;
  }): Promise<readonly Bulletin[]>;
  cycles(product: string): Promise<readonly ReleaseCycle[]>;
  /** Ecosystems (as in rules) that some current feed speaks of, with the names of the feeds. */
  ecosystems(): Promise<ReadonlyMap<string, readonly string[]>>;
}
