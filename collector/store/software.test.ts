import { describe, expect, it } from 'vitest';
import type { Software } from '../matching/software.ts';
import { freshStores } from './testing/fresh-store.ts';

const freshStore = freshStores('software');
const of = (name: string, over: Partial<Software> = {}): Software => ({
  ...{ ecosystem: 'Debian:12', name, version: '1-1', source: name, module: null, kernel: null, origin: null },
  ...over,
});

describe('when software is given its numbers', () => {
  it('what is known keeps its own, in whatever order it comes beside what is new', async () => {
    const store = await freshStore();
    const given = await store.transaction(({ software }) => software.intern([of('curl'), of('bash'), of('curl')]));
    const again = await store.transaction(({ software }) => software.intern([of('zlib'), of('bash'), of('curl')]));

    expect(given).toEqual([given[0], given[1], given[0]]);
    expect(again.slice(1)).toEqual([given[1], given[0]]);
    expect(new Set([...given, ...again])).toHaveLength(3);
  });

  it('so it is with the binary packages of each', async () => {
    const store = await freshStore();
    const [curl = 0] = await store.transaction(({ software }) => software.intern([of('curl')]));
    const form = (name: string) => ({ software: curl, binaries: [[name, '1-1']] as const });
    const given = await store.transaction(({ software }) => software.internVariants([form('curl'), form('libcurl4')]));
    const again = await store.transaction(({ software }) => software.internVariants([form('new'), form('curl')]));

    expect(again[1]).toBe(given[0]);
    expect(new Set([...given, ...again])).toHaveLength(3);
  });

  it.each([
    ['a text that could not be read again', of('x'.repeat(5000))],
    ['a version of such a length', of('curl', { sourceVersion: '1'.repeat(5000) })],
    ['a kernel in a state that does not exist', of('linux', { kernel: 'asleep' as never })],
    ['no text at all', of('curl', { version: 1 as never })],
    ['no text where there may be none', of('curl', { origin: 7 as never })],
  ])('%s is refused, and nothing is written', async (_what, wrong) => {
    const store = await freshStore();
    const asked = store.transaction(({ software }) => software.intern([of('curl'), wrong]));

    await expect(asked).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await store.read.software.software(0, 10)).toEqual([]);
  });
});
