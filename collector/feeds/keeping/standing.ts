// How a feed stands: whether anybody here needs it, how old its data is and what to do about it. Pure.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { FeedState } from '../../store/feed-ports.ts';
import { BULLETINS, markOf } from '../bulletins/mark.ts';
import type { Feed } from '../feed.ts';
import type { FeedSettings } from './settings.ts';

/** `never`: no data. `stale`: too old, whatever happened. `failed`: the last attempt, while the data is not yet too old. */
export const FEED_STANDINGS = ['fresh', 'failed', 'stale', 'never'] as const;
export type FeedStanding = (typeof FEED_STANDINGS)[number];

export interface FeedView {
  readonly name: string;
  readonly title: string;
  readonly serves: readonly string[];
  /** Where it is fetched; empty: it is only imported from files. */
  readonly sources: readonly string[];
  /** The settings or the machines known here ask for it. */
  readonly wanted: boolean;
  readonly standing: FeedStanding;
  /** Milliseconds; null without data. */
  readonly ageMs: number | null;
  readonly staleAfterMs: number;
  /** Null before anything happened. */
  readonly state: FeedState | null;
  /** The exact next command or act; null when there is nothing to do. */
  readonly next: string | null;
}

export interface ViewFacts {
  readonly settings: FeedSettings;
  /** As in rules: `Debian:12`, `PyPI`. */
  readonly ecosystems: readonly string[];
  readonly now: Temporal.Instant;
}

/** Where a feed is fetched: what the settings name, else its own addresses. */
export function sourcesOf(feed: Feed, settings: FeedSettings): readonly string[] {
  const said = settings.sources[feed.name];
  if (said !== undefined || feed.name !== BULLETINS) return said ?? feed.urls;

  return settings.bulletins.map(
    ({ vendor, product = null, url, maildir = '' }) => `${url ?? maildir}${markOf({ vendor, product })}`,
  );
}

/** True when the settings name it, or leave the choice and a machine known here needs it. */
export function isWanted(feed: Feed, { settings, ecosystems }: Omit<ViewFacts, 'now'>): boolean {
  if (settings.list === 'off') return false;
  if (settings.list !== 'auto') return settings.list.includes(feed.name);
  const known = new Set(ecosystems.map((each) => each.split(':', 1)[0] ?? ''));
  if (known.size === 0) return false;
  // Whose announcements there are, only the settings can say: without one there is nothing to need.
  if (feed.name === BULLETINS && settings.bulletins.length === 0) return false;

  return feed.serves.includes('all') || feed.serves.some((each) => known.has(each));
}

export function viewOf(feed: Feed, state: FeedState | null, facts: ViewFacts): FeedView {
  const sources = sourcesOf(feed, facts.settings);
  const ageMs = ageOf(state, facts.now);
  const standing = standingOf(feed, state, ageMs);
  const wanted = isWanted(feed, facts);

  return {
    ...{ name: feed.name, title: feed.title, serves: feed.serves, sources, wanted, standing, ageMs },
    ...{ staleAfterMs: feed.staleAfterMs, state, next: nextOf(feed.name, { standing, state, sources, wanted }) },
  };
}

/** Age in words: `2 h`; `–` without data. */
export function ageInWords(ageMs: number | null): string {
  return ageMs === null ? '–' : formatDuration(Math.max(0, ageMs));
}

/** Of the data where it says its date; else of the last time that its source had nothing newer. A date after its arrival is none. */
export function ageOf(state: FeedState | null, now: Temporal.Instant): number | null {
  if (state?.generation == null) return null;
  const looked = state.error === null ? state.checkedAt : null;
  const since = earlier(state.asOf, state.importedAt) ?? looked ?? state.importedAt;

  return since === null ? null : now.epochMilliseconds - Temporal.Instant.from(since).epochMilliseconds;
}

/** Data from the future would be fresh for ever. */
function earlier(asOf: Timestamp | null, importedAt: Timestamp | null): Timestamp | null {
  if (asOf === null || importedAt === null) return asOf;

  return Temporal.Instant.compare(asOf, importedAt) > 0 ? importedAt : asOf;
}

function standingOf(feed: Feed, state: FeedState | null, ageMs: number | null): FeedStanding {
  if (state?.generation == null || ageMs === null) return 'never';
  if (ageMs > feed.staleAfterMs) return 'stale';

  return state.error === null ? 'fresh' : 'failed';
}

function nextOf(name: string, about: Pick<FeedView, 'standing' | 'state' | 'sources' | 'wanted'>): string | null {
  const { standing, state, sources, wanted } = about;
  if (standing === 'fresh') return null;
  if (state?.error?.code === 'FEED_SHRUNK')
    return `selvage feed update ${name} --accept-shrunk, if its source is right`;
  if (!wanted && standing === 'never') return null;

  return sources.length === 0 ? `selvage feed import FILE --feed ${name}` : `selvage feed update ${name}`;
}
