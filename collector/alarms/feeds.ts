// Alarms of feeds: data that this fleet needs and that is too old, is not there or cannot be had. Pure.
import type { FeedView } from '../feeds/keeping/standing.ts';

const DAY_MS = 24 * 3_600_000;
/** So much older than it may be, it no longer waits for next week. */
const URGENT_TIMES = 3;

/** An Alarm; see ./alarms.ts, which makes one list of all kinds. */
interface FeedAlarm {
  readonly severity: 'urgent' | 'warning';
  readonly kind: 'feed';
  readonly subject: string;
  readonly ends: null;
  readonly message: string;
  readonly stops: string;
  readonly next: string;
}

/** Of feeds that nobody here needs nothing is said. */
export function feedAlarms(feeds: readonly FeedView[]): readonly FeedAlarm[] {
  return feeds.filter(({ wanted }) => wanted).flatMap((feed) => alarmOf(feed));
}

function alarmOf(feed: FeedView): readonly FeedAlarm[] {
  const { name, standing, state, next } = feed;
  const why = state?.error ? `: ${state.error.code}, ${state.error.reason}` : '';
  const about = { kind: 'feed', subject: name, ends: null, next: next ?? `selvage feed update ${name}` } as const;

  switch (standing) {
    case 'fresh':
      return [];
    case 'failed':
      // One failure of a server elsewhere is no news; data that somebody has to look at is.
      if (state?.error?.code !== 'FEED_SHRUNK' && state?.error?.code !== 'FEED_INVALID') return [];

      return [
        {
          ...about,
          severity: 'urgent',
          message: `the feed ${name} was not taken${why}`,
          stops: 'what is published since is not known here; the copy from before still counts',
        },
      ];
    case 'stale':
      return [
        {
          ...about,
          severity: (feed.ageMs ?? 0) > feed.staleAfterMs * URGENT_TIMES ? 'urgent' : 'warning',
          message: `the data of ${name} is ${daysOf(feed.ageMs)} old${why}`,
          stops: 'what is published since is not known here: findings may be missing',
        },
      ];
    case 'never':
      return [
        {
          ...about,
          severity: state?.error ? 'urgent' : 'warning',
          message: `there is no data of ${name}, which machines here need${why}`,
          stops: 'nothing that only this feed says is found',
        },
      ];
  }
}

function daysOf(ageMs: number | null): string {
  const days = Math.floor((ageMs ?? 0) / DAY_MS);

  return `${days} day${days === 1 ? '' : 's'}`;
}
