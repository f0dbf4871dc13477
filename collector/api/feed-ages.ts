// How old what each feed says is, for those who count by it.
import { ageOf } from '../feeds/keeping/standing.ts';
import { FEEDS } from '../feeds/list.ts';
import type { FeedReader } from '../store/feed-ports.ts';

/** One feed that was tried at least once. */
export interface FeedAge {
  readonly name: string;
  readonly asOf: string | null;
  /** Null: never whole. */
  readonly importedAt: string | null;
  readonly records: number;
  readonly stale: boolean;
  readonly error: string | null;
  /** Ecosystems (before the colon) that it speaks of; `all`: facts about CVEs. */
  readonly serves: readonly string[];
}

/** How old each is, is told as in the list of feeds. */
export async function feedAges(feeds: Pick<FeedReader, 'list'>, now: Temporal.Instant): Promise<readonly FeedAge[]> {
  const states = await feeds.list();
  const known = new Map(FEEDS.map((feed) => [feed.name, feed]));

  return states.map((state) => {
    const { name, asOf, importedAt, records, error } = state;
    // No publisher has it: what admins signed grows old by nobody else's news.
    const { staleAfterMs = Number.POSITIVE_INFINITY, serves = [] } = known.get(name) ?? {};
    const ageMs = ageOf(state, now);

    return {
      ...{ name, asOf, importedAt, records, serves, error: error?.reason ?? null },
      stale: ageMs === null || ageMs > staleAfterMs,
    };
  });
}
