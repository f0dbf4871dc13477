// The words by which feeds are selected.
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import { FEED_STANDINGS, type FeedView } from '../../feeds/keeping/standing.ts';

export const FEED_WORDS: Vocabulary<FeedView> = {
  noun: 'feeds',
  fields: {
    name: { kind: 'text', about: 'as in feed list', of: ({ name }) => [name] },
    state: { kind: 'text', about: FEED_STANDINGS.join(', '), of: ({ standing }) => [standing], values: FEED_STANDINGS },
    needed: { kind: 'flag', about: 'machines here or the settings ask for it', of: ({ wanted }) => wanted },
    serves: { kind: 'text', about: 'distribution or registry, or all', of: ({ serves }) => serves },
    records: { kind: 'number', about: 'how many', of: ({ state }) => state?.records ?? 0 },
    age: { kind: 'age', about: 'time since the date of its data', of: ({ state }) => ({ at: state?.asOf ?? null }) },
    imported: {
      kind: 'age',
      about: 'time since it was taken',
      of: ({ state }) => ({ at: state?.importedAt ?? null }),
    },
    failed: { kind: 'flag', about: 'the last attempt failed', of: ({ state }) => (state?.error ?? null) !== null },
  },
  label: null,
};
