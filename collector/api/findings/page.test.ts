// Pages of a list: together they are the whole list in order, whatever comes in which order, and a missing score is no low one.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { compareKeys, decodeKey, encodeKey, Page, type SortKey } from './page.ts';

const keys = fc.uniqueArray(
  fc.tuple(
    fc.nat(4),
    fc.option(fc.constantFrom('2025-05-22', '2026-11-25', '2026-12-01')),
    fc.option(fc.constantFrom(0, 0.05, 0.9996)),
    fc.constantFrom('CVE-2024-1', 'CVE-2024-2'),
    fc.constantFrom('db host:1', 'web host:2'),
    fc.nat(3),
  ),
  { selector: (key) => JSON.stringify(key), maxLength: 60 },
) as fc.Arbitrary<SortKey[]>;

function pagesOf(all: readonly SortKey[], limit: number): readonly (readonly SortKey[])[] {
  const pages: (readonly SortKey[])[] = [];
  for (let after: SortKey | null = null; ; ) {
    const page = new Page<SortKey>(limit, after);
    for (const key of all) page.offer(key, () => key);
    pages.push(page.things());
    const next = page.next();
    if (next === null) return pages;
    after = decodeKey(encodeKey(next));
  }
}

describe('when a list is paged', () => {
  it('gives everything once, in order, on pages of any size', () => {
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 20 }), (all, limit) => {
        const pages = pagesOf(all, limit);

        expect(pages.flat()).toEqual(all.toSorted(compareKeys));
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      }),
    );
  });

  it('does not depend on the order in which things come', () => {
    fc.assert(
      fc.property(keys, (all) => {
        expect(pagesOf(all.toReversed(), 7)).toEqual(pagesOf(all, 7));
      }),
    );
  });

  it('makes only what may be shown', () => {
    const page = new Page<number>(2, null);
    let made = 0;
    for (let index = 0; index < 100; index += 1) {
      page.offer([0, null, null, 'CVE-1', 'x', index], () => {
        made += 1;

        return index;
      });
    }

    expect([page.things(), made]).toEqual([[0, 1], 2]);
  });
});

describe('when findings are ordered', () => {
  const key = (over: Partial<Record<0 | 1 | 2 | 3, unknown>>): SortKey =>
    Object.assign([1, '2026-12-01', 0.5, 'CVE-1', 'x', 1], over) as unknown as SortKey;

  it.each([
    ['the worse decision', key({ 0: 0 }), key({ 0: 1, 1: '2020-01-01' })],
    ['the earlier date', key({ 1: '2025-01-01', 2: null }), key({ 1: '2026-01-01', 2: 1 })],
    ['a date before none', key({ 1: '2999-01-01' }), key({ 1: null })],
    ['the higher score', key({ 2: 0.9 }), key({ 2: 0.1 })],
    ['a score of zero before none', key({ 2: 0 }), key({ 2: null })],
  ])('%s comes first', (_what, first, second) => {
    expect(compareKeys(first, second)).toBeLessThan(0);
    expect(compareKeys(second, first)).toBeGreaterThan(0);
  });
});

describe('when a page is asked for', () => {
  it('takes back what it gave out, and nothing else', () => {
    fc.assert(
      fc.property(keys, (all) => {
        expect(all.map((one) => decodeKey(encodeKey(one)))).toEqual(all);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => decodeKey(text) === null || Array.isArray(decodeKey(text))));
    for (const bad of [
      '',
      'x',
      encodeKey([1, 2] as never),
      encodeKey({} as never),
      encodeKey([1, null, null, 'a', 'b', 'c'] as never),
    ])
      expect(decodeKey(bad)).toBeNull();
  });
});
