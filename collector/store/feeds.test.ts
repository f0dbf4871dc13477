import { join } from 'node:path';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { encodeRule, joinRules } from '../feed-rows/rules.ts';
import type { Rule } from '../matching/rule.ts';
import type { FeedRows, NewGeneration } from './feed-ports.ts';
import type { Store } from './ports.ts';
import { AT, hashOf } from './samples.ts';
import { openStore } from './store.ts';
import { freshStores } from './testing/fresh-store.ts';

const stores = freshStores('feeds');
const folder = temporaryFolder('feeds-rows');
const code = (expected: string) => expect.objectContaining({ code: expected });
const state: NewGeneration = {
  ...{ asOf: AT, importedAt: AT, records: 1, skipped: 0, format: 1, etag: null, lastModified: null },
  sha256: hashOf('x') as Sha256,
};
const rule = (over: Partial<Rule> = {}): Rule => ({
  ...{ ecosystem: 'Debian:12', package: 'curl', record: 'CVE-2025-0001', cves: ['CVE-2025-0001'], status: 'fixed' },
  ranges: [{ introduced: null, fixed: '8.1-1', lastAffected: null }],
  ...over,
});
const rules = (...names: readonly string[]): FeedRows => ({
  kind: 'rules',
  json: JSON.stringify(names.map((name) => ['Debian:12', name, `hash of ${name}`, joinRules([encodeRule(rule())])])),
});

/** One whole generation. */
async function filled(
  store: Store,
  feed: string,
  rows: readonly FeedRows[],
  over: Partial<NewGeneration> = {},
): Promise<number> {
  const generation = await store.transaction(({ feeds }) => feeds.begin(feed, AT));
  for (const each of rows) await store.transaction(({ feeds }) => feeds.put(generation, each));
  await store.transaction(async ({ feeds }) => {
    await feeds.seal(generation, [{ ecosystem: 'Debian:12', packages: 1 }]);
    await feeds.makeCurrent(feed, generation, { ...state, ...over });
  });

  return generation;
}

describe('when a generation is written', () => {
  it('nobody sees it before it is current, and then nobody adds to it or takes from it', async () => {
    const store = await stores();
    const asked = [{ ecosystem: 'Debian:12', package: 'curl' }];
    const generation = await store.transaction(({ feeds }) => feeds.begin('a', AT));
    await store.transaction(({ feeds }) => feeds.put(generation, rules('curl')));
    expect(await store.read.feeds.rules(asked)).toEqual([]);
    expect(await store.read.feeds.list()).toEqual([]);
    await store.transaction(async ({ feeds }) => {
      await feeds.seal(generation, [{ ecosystem: 'Debian:12', packages: 1 }]);
      expect(await feeds.makeCurrent('a', generation, state)).toEqual({ from: null });
    });

    expect(await store.read.feeds.rules(asked)).toEqual([
      { feed: 'a', asOf: AT, ecosystem: 'Debian:12', package: 'curl', rules: [rule()] },
    ]);
    await expect(store.transaction(({ feeds }) => feeds.put(generation, rules('zlib')))).rejects.toThrow(code('STATE'));
    await expect(store.transaction(({ feeds }) => feeds.drop({ generation, drop: 'all' }, 1))).rejects.toThrow(
      code('STATE'),
    );
  });

  it('one that another has overtaken, or of another feed, never becomes current', async () => {
    const store = await stores();
    const old = await store.transaction(({ feeds }) => feeds.begin('a', AT));
    const current = await filled(store, 'a', []);

    await expect(store.transaction(({ feeds }) => feeds.makeCurrent('a', old, state))).rejects.toThrow(code('STATE'));
    await expect(store.transaction(({ feeds }) => feeds.makeCurrent('b', current, state))).rejects.toThrow(
      code('STATE'),
    );
    expect((await store.read.feeds.byName('a'))?.generation).toBe(current);
  });

  it('what several feeds say of a package comes in the order of their names', async () => {
    const store = await stores();
    await filled(store, 'b', [rules('curl')]);
    await filled(store, 'a', [rules('curl', 'zlib')], { asOf: null });
    const asked = ['zlib', 'curl', 'nothing'].map((name) => ({ ecosystem: 'Debian:12', package: name }));

    expect((await store.read.feeds.rules(asked)).map(({ feed, package: name }) => `${name} ${feed}`)).toEqual([
      ...['zlib a', 'curl a', 'curl b'],
    ]);
    expect(await store.read.feeds.ecosystems()).toEqual(new Map([['Debian:12', ['a', 'b']]]));
  });
});

describe('when generations are left over', () => {
  it('one that goes while it is compared is no answer: what only it had would be forgotten', async () => {
    const store = await stores();
    const many = Array.from({ length: 9000 }, (_, at) => `new-${at}`);
    const first = await filled(store, 'a', [rules('only-here', 'curl')]);
    const second = await filled(store, 'a', [rules('curl', ...many)]);
    const third = await store.transaction(({ feeds }) => feeds.begin('a', AT));
    await store.transaction(({ feeds }) => feeds.put(third, rules('curl')));

    const asked = store.read.feeds.changed(first, second);
    const refused = expect(asked).rejects.toThrow(code('NOT_FOUND'));
    // Between two pages of it.
    await store.transaction(async ({ feeds }) => {
      await feeds.seal(third, [{ ecosystem: 'Debian:12', packages: 1 }]);
      await feeds.makeCurrent('a', third, state);
      while (await feeds.drop({ generation: first, drop: 'all' }, 100_000));
    });
    await refused;
  });

  it('the one before keeps its hashes, older ones and unfinished ones go, step by step', async () => {
    const file = join(folder, 'left.sqlite');
    const store = await openStore({ file, clock: fakeClock(AT) });
    const facts: FeedRows = { kind: 'facts', json: JSON.stringify([1, 2, 3].map((n) => [`CVE-2025-000${n}`, '{}'])) };
    await filled(store, 'a', [rules('curl', 'zlib'), facts]);
    await filled(store, 'a', [rules('curl'), facts]);
    await filled(store, 'a', [rules('xz'), facts]);
    const half = await store.transaction(({ feeds }) => feeds.begin('b', AT));
    await store.transaction(({ feeds }) => feeds.put(half, rules('curl', 'zlib', 'xz')));
    const leftovers = () => store.transaction(({ feeds }) => feeds.leftovers(new Set()));

    expect(await leftovers()).toEqual([
      { generation: 1, drop: 'all' },
      { generation: 2, drop: 'rules' },
      { generation: half, drop: 'all' },
    ]);
    expect(await store.transaction(({ feeds }) => feeds.leftovers(new Set([half])))).toHaveLength(2);
    for (const leftover of await leftovers()) {
      let steps = 0;
      while (await store.transaction(({ feeds }) => feeds.drop(leftover, 2))) steps += 1;
      expect(steps).toBeGreaterThan(1);
    }

    expect(await leftovers()).toEqual([]);
    expect(await store.read.feeds.changed(2, 3)).toEqual([
      { ecosystem: 'Debian:12', package: 'xz' },
      { ecosystem: 'Debian:12', package: 'curl' },
    ]);
    await expect(store.read.feeds.changed(1, 3)).rejects.toThrow(code('NOT_FOUND'));
    await store.close();
    const connection = new SQLite(file, { readonly: true });
    const count = (text: string) => connection.prepare(text).pluck().all();
    expect(count('select generation from feedGenerations order by 1')).toEqual([2, 3]);
    expect(count("select generation || ' ' || package || ' ' || (rules <> '') from feedRules order by 1")).toEqual([
      '2 curl 0',
      '3 xz 1',
    ]);
    expect(count('select distinct generation from feedFacts')).toEqual([3]);
    expect(count('select generation from feedEcosystems')).toEqual([3]);
    connection.close();
  });
});

describe('when something is noted of a feed', () => {
  it('what is left out stays', async () => {
    const store = await stores();
    const error = { code: 'FEED_INVALID', reason: 'a page', at: AT } as const;
    await store.transaction(({ feeds }) => feeds.note('a', { checkedAt: AT, error }));
    expect(await store.read.feeds.byName('a')).toMatchObject({ generation: null, records: 0, checkedAt: AT, error });
    await store.transaction(({ feeds }) => feeds.note('a', { etag: '"1"' }));
    expect(await store.read.feeds.byName('a')).toMatchObject({ etag: '"1"', error });
    await store.transaction(({ feeds }) => feeds.note('a', { error: null }));
    expect((await store.read.feeds.byName('a'))?.error).toBeNull();
    expect(await store.read.feeds.byName('b')).toBeNull();
  });
});

describe('when bulletins and cycles are asked for', () => {
  it('they are found by CVE, by vendor and by product, the newest first', async () => {
    const store = await stores();
    const bulletin = (id: string, vendor: string, published: string, cves: readonly string[]) => ({
      ...{ id, vendor, product: null, title: id, url: null, published: published as Timestamp, cves },
    });
    const all = [
      bulletin('one', 'acme', '2025-01-01T00:00:00Z', ['CVE-2025-0001']),
      bulletin('two', 'acme', '2025-02-01T00:00:00Z', ['CVE-2025-0001', 'CVE-2025-0002']),
      bulletin('three', 'other', '2025-03-01T00:00:00Z', []),
    ];
    const cycle = {
      ...{ product: 'debian', cycle: '12', released: '2023-06-10', eol: true, support: '2026-06-10', extended: null },
      ...{ latest: null, latestDate: null },
    };
    await filled(store, 'news', [
      { kind: 'bulletins', json: JSON.stringify(all.map((b) => [b.id, b.vendor, b.published, JSON.stringify(b)])) },
      { kind: 'bulletinCves', json: JSON.stringify(all.flatMap((b) => b.cves.map((cve) => [cve, b.id]))) },
    ]);
    await filled(store, 'ends', [{ kind: 'cycles', json: JSON.stringify([['debian', '12', JSON.stringify(cycle)]]) }]);
    const ids = async (filter: Parameters<typeof store.read.feeds.bulletins>[0]) =>
      (await store.read.feeds.bulletins(filter)).map(({ id }) => id);

    expect(await ids({ limit: 10 })).toEqual(['three', 'two', 'one']);
    expect(await ids({ cve: 'CVE-2025-0001', limit: 10 })).toEqual(['two', 'one']);
    expect(await ids({ vendor: 'acme', limit: 1 })).toEqual(['two']);
    expect(await ids({ cve: 'CVE-2025-0001', vendor: 'other', limit: 10 })).toEqual([]);
    expect(await store.read.feeds.cycles('debian')).toEqual([cycle]);
    expect(await store.read.feeds.cycles('nothing')).toEqual([]);
  });
});
