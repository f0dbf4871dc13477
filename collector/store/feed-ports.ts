// What the rooms of the collector may ask of the store about feeds. Types only; see ./ports.ts.
// A generation is one whole import of a feed: written beside the current one in small transactions, made current by one row.
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Bulletin, ReleaseCycle } from '../feeds/feed.ts';
import type { Rule, RuleGroup } from '../matching/rule.ts';
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
  /** Which program read it; the same file is read anew by another. */
  readonly format: number | null;
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

/** The same as they are kept, which is faster to read. */
export interface PackageRuleGroups extends Omit<PackageRules, 'rules'> {
  readonly groups: readonly RuleGroup[];
  /** What more than one of the groups speaks of, each with their places; null: nobody noted it. */
  readonly shared: readonly (readonly [subject: string, ...places: number[]])[] | null;
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
  ruleGroups(packages: readonly PackageName[]): Promise<readonly PackageRuleGroups[]>;
  /** Of the current generations: CVE → what each feed says. */
  facts(cves: readonly string[]): Promise<ReadonlyMap<string, readonly CveFactsPart[]>>;
  /** Distinct CVEs of the current generations from one text on and before another, and how many of them KEV has. */
  countCves(from: string, before: string): Promise<{ readonly known: number; readonly exploited: number }>;
  /**
   * Packages whose rules differ between two generations of a feed (null: none); what has to be matched again. Of the generation
   * before the current one it is known; NOT_FOUND when one of them is older, and then everything may have changed.
   */
  changed(from: number | null, to: number): Promise<readonly PackageName[]>;
  bulletins(filter: {
    readonly cve?: string;
    readonly vendor?: string;
    /** Only of that feed. */
    readonly feed?: string;
    readonly limit: number;
  }): Promise<readonly Bulletin[]>;
  cycles(product: string): Promise<readonly ReleaseCycle[]>;
  /** Ecosystems (as in rules) that some current feed speaks of, with the names of the feeds. */
  ecosystems(): Promise<ReadonlyMap<string, readonly string[]>>;
}

/** What a row of a generation is about. */
export type FeedRowKind = 'rules' | 'facts' | 'bulletins' | 'bulletinCves' | 'cycles';

/**
 * Rows of one kind as one JSON text, made by whoever read the feed: a list of lists. rules: ecosystem, package, hash, rules
 * (../feed-rows/rules.ts). facts: CVE, CveFactsPart as text. bulletins: id, vendor, published, Bulletin as text.
 * bulletinCves: CVE, id. cycles: product, cycle, ReleaseCycle as text.
 */
export interface FeedRows {
  readonly kind: FeedRowKind;
  readonly json: string;
}

/** What becomes current with a generation. */
export interface NewGeneration {
  readonly asOf: Timestamp | null;
  readonly importedAt: Timestamp;
  readonly records: number;
  readonly skipped: number;
  readonly sha256: Sha256;
  /** Which program read it. */
  readonly format: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface Leftover {
  readonly generation: number;
  /** `all`: it is of no use. `rules`: its hashes are kept to be compared with. */
  readonly drop: 'all' | 'rules';
}

export interface FeedWriter {
  /** A new generation that nobody sees yet. */
  begin(feed: string, at: Timestamp): Promise<number>;
  /** The later row of the same name replaces the one before. STATE when the generation is current. */
  put(generation: number, rows: FeedRows): Promise<void>;
  /** Packages per ecosystem; asked for once, before it becomes current. */
  seal(
    generation: number,
    ecosystems: readonly { readonly ecosystem: string; readonly packages: number }[],
  ): Promise<void>;
  /** What `seal` was told of the current generation of a feed; empty where it has none. */
  sealed(feed: string): Promise<readonly { readonly ecosystem: string; readonly packages: number }[]>;
  /** One row: whoever reads sees all of it from now on. STATE when the generation is another feed's, or not the newest. */
  makeCurrent(feed: string, generation: number, state: NewGeneration): Promise<{ readonly from: number | null }>;
  /** What happened when the source was asked; what is left out stays. A feed that is not known yet is made known. */
  note(
    feed: string,
    seen: {
      readonly checkedAt?: Timestamp;
      readonly error?: FeedState['error'];
      readonly etag?: string | null;
      readonly lastModified?: string | null;
    },
  ): Promise<void>;
  /** Generations that are neither current nor being written by `begin` of this run. */
  leftovers(writing: ReadonlySet<number>): Promise<readonly Leftover[]>;
  /** Removes up to `rows` rows of it; false when nothing of it is left. */
  drop(leftover: Leftover, rows: number): Promise<boolean>;
}
