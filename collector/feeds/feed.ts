// What every feed is: where its data comes from and how its bytes become records. One file per feed in this folder, one line each in
// ./list.ts. A feed only reads: importing, keeping and fetching are the same for all and lie elsewhere.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Rule } from '../matching/rule.ts';
import type { CveFactsPart } from '../triage/cve-facts.ts';

/** One thing a feed says. */
export type FeedRecord =
  /**
   * Everything up to the next of these is what this record says. Of two with one id the one that was modified later counts. Feeds
   * whose records have ids say it; `records` of a feed then counts these.
   */
  | { readonly type: 'record'; readonly id: string; readonly modified: Timestamp | null }
  /** About a package of a release. */
  | { readonly type: 'rule'; readonly rule: Rule }
  /** About a CVE wherever it is. */
  | { readonly type: 'cve'; readonly cve: string; readonly facts: CveFactsPart }
  /** An announcement of a vendor, to be linked by CVE id and product. */
  | { readonly type: 'bulletin'; readonly bulletin: Bulletin }
  /** A release cycle of a product (endoflife.date). */
  | { readonly type: 'cycle'; readonly cycle: ReleaseCycle };

export interface Bulletin {
  readonly id: string;
  readonly vendor: string;
  readonly product: string | null;
  readonly title: string;
  readonly url: string | null;
  readonly published: Timestamp;
  readonly cves: readonly string[];
}

export interface ReleaseCycle {
  readonly product: string;
  readonly cycle: string;
  readonly released: string | null;
  /** Date, or true/false where only that is known. */
  readonly eol: string | boolean | null;
  readonly support: string | boolean | null;
  readonly extended: string | boolean | null;
  readonly latest: string | null;
  readonly latestDate: string | null;
}

/** What is read: a name for type detection and errors, and its bytes, already unpacked and bounded. */
export interface FeedSource {
  /** File name or path inside an archive, never used as a path. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A record that could not be understood: counted and shown, the others stand. */
export interface FeedProblem {
  readonly name: string;
  readonly reason: string;
}

export interface FeedReading {
  /** Records in any order; throws FEED_INVALID when the whole is not what it should be. */
  readonly records: AsyncIterable<FeedRecord | FeedProblem>;
  /** Date that the data itself carries, known at the latest when `records` has ended. */
  asOf(): Timestamp | null;
}

export interface Feed {
  /** Stable, lower case: `debian-tracker`, `osv-debian`, `kev`, `epss` … */
  readonly name: string;
  readonly title: string;
  /** Where it is fetched when settings name nothing else; several for one feed (releases, years) are fetched in turn. */
  readonly urls: readonly string[];
  /** How old its data may be before it is called stale; milliseconds. */
  readonly staleAfterMs: number;
  /** Ecosystems (prefix before the colon) that need it; `all` for facts about CVEs. Decides what fits a fleet. */
  readonly serves: readonly string[];
  /**
   * True when `start` (the first 64 KiB of a file, or of a member of an archive, unpacked, as text) is of this feed beyond doubt. Left
   * out: it is only imported by name.
   */
  readonly recognises?: (start: string, name: string) => boolean;
  /** Facts about one CVE come from several records and are put together; else the last word counts. Costs memory. */
  readonly gathers?: boolean;
  /**
   * Its sources only have what is newest: what was kept stays beside it, and a source that cannot be asked takes nothing away.
   * Only bulletins are kept in this way.
   */
  readonly keepsHistory?: boolean;
  /** Reads one source; archives are opened before. `member`: false says that this member of an archive is not for this feed. */
  read(source: FeedSource): FeedReading;
  readonly member?: (name: string) => boolean;
}
