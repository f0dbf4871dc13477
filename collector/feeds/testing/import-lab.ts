// A real store, real files and a real thread for tests of imports. For tests only.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import type { CollectorEvent } from '../../events.ts';
import type { Store } from '../../store/ports.ts';
import { freshStores } from '../../store/testing/fresh-store.ts';
import { type FeedImported, type ImportOptions, importFeed } from '../import/importing.ts';

const NOW = '2026-11-23T20:00:00Z';

export interface ImportLab {
  readonly store: Store;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly events: CollectorEvent[];
  readonly folder: string;
  /** Path of a file with that content. */
  file(name: string, content: string | Uint8Array): string;
  take(feed: string | null, path: string, options?: ImportOptions): Promise<FeedImported>;
}

/** Call at the top of a test file; what it returns makes a new lab each time. */
export function importLabs(label: string): () => Promise<ImportLab> {
  const stores = freshStores(label);
  const folder = temporaryFolder(`${label}-files`);
  let count = 0;

  return async () => {
    const store = await stores();
    const clock = fakeClock(NOW);
    const events: CollectorEvent[] = [];
    const parts = { store, clock, events: { publish: (event: CollectorEvent) => void events.push(event) } };

    return {
      ...{ store, clock, events, folder },
      file: (name, content) => {
        count += 1;
        const path = join(folder, `${count}-${name}`);
        writeFileSync(path, content);

        return path;
      },
      take: (feed, path, options) => importFeed(parts, feed, [{ path }], options),
    };
  };
}

/** A record of OSV about packages of Debian 12. */
export function osvOf(id: string, packages: Readonly<Record<string, string | null>>, over: object = {}): object {
  return {
    ...{ schema_version: '1.6.0', id, modified: '2025-02-01T00:00:00Z', published: '2025-01-01T00:00:00Z' },
    affected: Object.entries(packages).map(([name, fixed]) => ({
      package: { ecosystem: 'Debian:12', name },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, ...(fixed === null ? [] : [{ fixed }])] }],
    })),
    ...over,
  };
}

export const lines = (records: readonly object[]): string =>
  `${records.map((each) => JSON.stringify(each)).join('\n')}\n`;
