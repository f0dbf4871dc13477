import { describe, expect, it } from 'vitest';
import { endoflife } from './endoflife.ts';
import { codeOf, fixture, readAll, sourceOf } from './testing/reading.ts';

const file = (name: string) => fixture(new URL(`endoflife/fixtures/${name}`, import.meta.url));
const read = (name: string, content: string | Uint8Array) => readAll(endoflife, sourceOf(name, content));

describe('when releases are read', () => {
  it('of the files of the repository', async () => {
    const { cycles, problems } = await read('products/debian.md', file('debian.md'));

    expect(problems).toEqual([]);
    expect(cycles.find(({ cycle }) => cycle === '12')).toEqual({
      ...{ product: 'debian', cycle: '12', released: '2023-06-10', eol: '2026-07-11', support: null },
      ...{ extended: '2028-06-30', latest: '12.15', latestDate: '2026-07-11' },
    });
    expect((await read('products/nodejs.md', file('nodejs.md'))).cycles[1]).toMatchObject({ support: '2026-04-01' });
  });

  it('of the API as it is', async () => {
    const { cycles } = await read('full', file('full.json'));

    expect(cycles).toHaveLength(6);
    expect(cycles.find(({ product, cycle }) => product === 'ubuntu' && cycle === '18.04')).toMatchObject({
      ...{ released: '2018-04-26', eol: '2023-04-26', support: '2028-04-26', extended: null, latest: null },
    });
    const one = {
      schema_version: '1.2.0',
      generated_at: '2026-08-22T00:00:00Z',
      result: {
        name: 'alpine',
        releases: [{ name: '3.19', isEol: true, latest: { name: '3.19.9', date: '2025-10-08' } }],
      },
    };
    expect(await read('alpine', JSON.stringify(one))).toMatchObject({
      cycles: [{ product: 'alpine', cycle: '3.19', eol: true, latest: '3.19.9', latestDate: '2025-10-08' }],
      asOf: '2026-08-22T00:00:00Z',
    });
  });

  it('of the API as it was, where true is support and not its end', async () => {
    const old = [
      {
        cycle: '12',
        releaseDate: '2023-06-10',
        eol: '2026-06-10',
        support: true,
        extendedSupport: '2028-06-30',
        lts: false,
      },
      { cycle: 11, eol: true, support: false },
    ];

    expect((await read('https://endoflife.date/api/debian.json', JSON.stringify(old))).cycles).toEqual([
      expect.objectContaining({ product: 'debian', cycle: '12', support: false, extended: '2028-06-30' }),
      expect.objectContaining({ cycle: '11', eol: true, support: true, released: null }),
    ]);
  });

  it('dates that are none are not known, and a release that is there twice counts once', async () => {
    const list = [{ cycle: '1', eol: '2026-02-31' }, { cycle: '1', eol: '2027-01-01' }, { eol: true }];
    const { cycles, problems } = await read('a.json', JSON.stringify(list));

    expect(cycles).toEqual([expect.objectContaining({ cycle: '1', eol: null })]);
    expect(problems).toHaveLength(2);
  });
});

describe('when something else comes instead', () => {
  const bomb = `---\na: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
    .split('')
    .map((each, index) => `${each}: &${each} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]\n`)
    .join('')}releases: *h\n---\n`;

  it.each([
    ['a.json', ''],
    ['a.json', '{"result":7}'],
    ['a.json', '{"result":[{"name":"../x","releases":[]}]}'],
    ['a.json', '[{"cycle":{}},{"cycle":[]}]'],
    ['a.json', '{"result":'],
    ['..json', '[{"cycle":"1"}]'],
    ['a.md', 'no front matter'],
    ['a.md', '---\ntitle: x\n---\n'],
    ['a.md', '---\nreleases: [\n---\n'],
    ['a.md', '---\nreleases: 1\nreleases: []\n---\n'],
    ['a.md', bomb],
    ['a.md', '---\nx: &a [{releaseCycle: "1"}]\nreleases: *a\n---\n'],
    ['a.md', `---\nreleases: ${'['.repeat(20_000)}\n---\n`],
    ['a.md', `---\nreleases: "${'x'.repeat(600 * 1024)}"\n---\n`],
  ])('%s %#', async (name, content) => {
    expect(await codeOf(endoflife, sourceOf(name, content, 65_536))).toBe('FEED_INVALID');
  });
});
