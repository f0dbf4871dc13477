// Feeds in Prometheus' text format: how old and how much. Pure; labels are names of our own list.
import type { FeedView } from '../feeds/keeping/standing.ts';
import { family } from './prometheus.ts';

const MS_PER_SECOND = 1000;

export function feedExposition(feeds: readonly FeedView[]): string {
  const kept = feeds.filter(({ standing }) => standing !== 'never');
  const label = ({ name, wanted }: FeedView) => `{feed="${name}",wanted="${wanted}"}`;

  return [
    family(
      'feed_age_seconds',
      'gauge',
      'Age of the data of a feed, from the date that it carries',
      kept.map((feed) => [label(feed), Math.floor((feed.ageMs ?? 0) / MS_PER_SECOND)] as const),
    ),
    family(
      'feed_records',
      'gauge',
      'Records of the data that counts',
      kept.map((feed) => [label(feed), feed.state?.records ?? 0] as const),
    ),
    family(
      'feed_skipped_records',
      'gauge',
      'Records of it that were not understood',
      kept.map((feed) => [label(feed), feed.state?.skipped ?? 0] as const),
    ),
    family(
      'feed_failed',
      'gauge',
      'Whether the last attempt to update a feed failed',
      feeds.filter(({ state }) => state !== null).map((feed) => [label(feed), feed.state?.error ? 1 : 0] as const),
    ),
  ].join('');
}
