// The snapshot that the product ships, imported into the store of a lab, before it serves. For tests only.
import { join } from 'node:path';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { importFeed } from '../../feeds/import/importing.ts';
import type { CollectorLab } from './collector-lab.ts';

const SNAPSHOT = join(import.meta.dirname, '../../feeds/snapshot');

export async function importSnapshot(lab: CollectorLab, files: Readonly<Record<string, string>>): Promise<void> {
  await lab.withStore(async (store) => {
    const parts = { store, clock: systemClock, events: { publish: () => undefined } };
    for (const [feed, file] of Object.entries(files)) {
      await importFeed(parts, feed, [{ path: join(SNAPSHOT, file), name: file }]);
    }
  });
}
