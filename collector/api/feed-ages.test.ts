import { describe, expect, it } from 'vitest';
import type { FeedState } from '../store/feed-ports.ts';
import { feedAges } from './feed-ages.ts';

const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const state = (name: string, asOf: string | null, importedAt: string | null) =>
  ({
    ...{ name, asOf, importedAt, generation: 1, checkedAt: null, records: 1, skipped: 0, sha256: null, etag: null },
    ...{ lastModified: null, error: null, format: null },
  }) as FeedState;
const staleOf = async (...states: readonly FeedState[]) =>
  (await feedAges({ list: async () => states }, NOW)).map(({ name, stale }) => `${name} ${stale}`);

describe('when it is asked how old feeds are', () => {
  it('the date of the data counts, and without one the time of the import', async () => {
    expect(
      await staleOf(
        state('kev', '2025-01-01T00:00:00Z', '2026-11-23T00:00:00Z'),
        state('epss', null, '2026-11-23T00:00:00Z'),
        state('debian-tracker', null, null),
      ),
    ).toEqual(['kev true', 'epss false', 'debian-tracker true']);
  });

  it('a date after its arrival is none, and a source that had nothing newer makes data without a date no older', async () => {
    const undated = { ...state('epss', null, '2025-01-01T00:00:00Z'), checkedAt: '2026-11-23T00:00:00Z' } as FeedState;

    expect(await staleOf(state('kev', '2099-01-01T00:00:00Z', '2025-01-01T00:00:00Z'), undated)).toEqual([
      ...['kev true', 'epss false'],
    ]);
  });

  it('what admins signed does not grow old', async () => {
    expect(await staleOf(state('advisory', '2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z'))).toEqual([
      'advisory false',
    ]);
  });
});
