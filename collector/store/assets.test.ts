import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Asset, AssetList } from './import-ports.ts';
import type { Store } from './ports.ts';
import { AT, hashOf } from './samples.ts';
import { openStore } from './store.ts';

let store: Store;
beforeEach(async () => {
  store = await openStore({ file: `${temporaryFolder('assets')}/selvage.db`, clock: fakeClock(AT) });
});
afterEach(() => store.close());

const asset = (name: string): Asset => ({
  ...{ name, line: 1, names: [name], instance: null, serial: null, macs: [], owner: null, state: null, expected: true },
});
const list = (source: string, over: Partial<AssetList> = {}): AssetList => ({
  ...{
    source,
    format: 'csv',
    file: 'x.csv',
    fileDate: null,
    sha256: hashOf(source),
    importedAt: AT,
    importedBy: 'admin:ann',
  },
  ...{ entries: 1, skipped: 0 },
  ...over,
});
const names = async (source?: string) =>
  (await store.read.assets.all(source)).map((each) => `${each.source}/${each.name}`);
const put = (source: string, ...machines: readonly string[]) =>
  store.transaction(({ assets }) => assets.replace(list(source), machines.map(asset)));

describe('when lists of machines are kept', () => {
  it('each is replaced as a whole, and the others stay', async () => {
    await put('csv', 'a', 'b');
    await put('aws', 'c');
    await put('csv', 'b', 'd');

    expect(await names()).toEqual(['aws/c', 'csv/b', 'csv/d']);
    expect(await names('csv')).toEqual(['csv/b', 'csv/d']);
    expect((await store.read.assets.lists()).map(({ source }) => source)).toEqual(['aws', 'csv']);
  });

  it('a list of several pages is whole and in its order, however lists lie beside each other', async () => {
    const many = Array.from({ length: 1234 }, (_, index) => `m${index}`);
    await put('b', ...many);
    await put('a', 'x');
    await put('c', ...many.slice(0, 500));

    expect(await names('b')).toEqual(many.map((name) => `b/${name}`));
    expect(await names()).toHaveLength(1 + 1234 + 500);
    expect(await names('c')).toHaveLength(500);
  });

  it('a machine that could not be read again is refused with all of its list, and the one before stays', async () => {
    await put('csv', 'a');
    await expect(put('csv', 'b', '')).rejects.toMatchObject({ code: 'STORE_FAILED' });

    expect(await names()).toEqual(['csv/a']);
  });

  it('one that is removed is gone; another is NOT_FOUND', async () => {
    await put('csv', 'a');
    await store.transaction(({ assets }) => assets.remove('csv'));
    expect([await names(), await store.read.assets.lists()]).toEqual([[], []]);
    await expect(store.transaction(({ assets }) => assets.remove('csv'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
