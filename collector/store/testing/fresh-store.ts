// Stores on real files for tests: each call is a new database, closed and removed when the test file ends.
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll } from 'vitest';
import type { Store } from '../ports.ts';
import { AT } from '../samples.ts';
import { openStore } from '../store.ts';

/** Call at the top of a test file; the function it returns opens a new store each time. */
export function freshStores(label: string): () => Promise<Store> {
  const stores: Store[] = [];
  // Registered after the folder's own removal, so it runs before it: hooks after tests run last first.
  const folder = temporaryFolder(label);
  afterAll(async () => {
    for (const store of stores) await store.close();
  });

  return async () => {
    const store = await openStore({ file: join(folder, `${stores.length}.sqlite`), clock: fakeClock(AT) });
    stores.push(store);

    return store;
  };
}
