// The feeds of a collector, put together: what is left on its disk of files that it refuses.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFeeds } from './feeds.ts';
import { feedSettings } from './keeping/settings.ts';
import { importLabs } from './testing/import-lab.ts';

const labs = importLabs('feeds');

describe('when more files of feeds are brought than may wait', () => {
  it('one that is refused leaves nothing on the disk', async () => {
    const { store, clock, folder: parent } = await labs();
    const folder = join(parent, 'arriving');
    const feeds = await createFeeds({
      ...{ store, clock, folder, random: seededRandom(1), log: silentLog, environment: {}, version: '0' },
      ...{ events: { publish: () => undefined }, settings: feedSettings.parse({ list: 'off' }) },
      ecosystems: async () => [],
    });
    onTestFinished(() => feeds.close());
    const by = 'admin:ann';
    const bring = async () => {
      const { id } = await feeds.uploads.begin({ name: 'x', bytes: null, by });
      await feeds.uploads.add(id, by, 0, new TextEncoder().encode('x'));
      try {
        feeds.import(id, { by, feed: null });

        return null;
      } catch (error) {
        return { error, file: join(folder, `upload-${id}.part`) };
      }
    };
    let refused = await bring();
    while (refused === null) refused = await bring();

    expect(refused.error).toMatchObject({ code: 'RATE_LIMITED' });
    const { file } = refused;
    await expect.poll(() => existsSync(file)).toBe(false);
  });
});
