// What sources hold, whatever they are packed in, and how far a hostile one gets. Real bytes, read as the thread reads them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { packTar } from 'modern-tar';
import { describe, expect, it } from 'vitest';
import { decodeRules } from '../../feed-rows/rules.ts';
import { FEEDS } from '../list.ts';
import { lines, osvOf } from '../testing/import-lab.ts';
import { zipOf } from '../testing/zip.ts';
import { FEED_BOUNDS, type FeedBounds } from './bounds.ts';
import { FeedRead, lookAt } from './read.ts';

const folder = temporaryFolder('feed-read');
const code = (expected: string) => expect.objectContaining({ code: expected });
let count = 0;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, content);

  return path;
}

/** All of it, in pieces as small as they get. */
async function read(name: string | null, path: string, bounds: Partial<FeedBounds> = {}) {
  const source = { files: [{ path }], bounds: { ...FEED_BOUNDS, ...bounds } };
  const { feed, sha256 } = await lookAt(source, name, FEEDS);
  const reading = new FeedRead(feed, source);
  const rules: string[][] = [];
  for (let next = await reading.next(1); next !== null; next = await reading.next(1)) {
    if (next.kind !== 'rules') continue;
    for (const [ecosystem = '', of = '', _hash, text = ''] of JSON.parse(next.json) as string[][]) {
      rules.push([
        ecosystem,
        of,
        decodeRules(text, ecosystem, of)
          .map(({ record }) => record)
          .join(' '),
      ]);
    }
  }

  return { feed: feed.name, sha256, rules, summary: reading.summary() };
}

const two = lines([osvOf('CVE-2025-0001', { curl: '8.1-1', zlib: null }), osvOf('CVE-2025-0002', { curl: '8.2-1' })]);
const many = (number: number) =>
  lines(Array.from({ length: number }, (_, n) => osvOf(`CVE-2025-${1000 + n}`, { [`p${n % 40}`]: '1-1' })));

describe('when it comes packed', () => {
  const record = (n: number) => JSON.stringify(osvOf(`CVE-2025-000${n}`, { curl: `${n}-1` }));
  const folderOf = (): string => {
    const top = join(folder, `folder-${++count}`);
    mkdirSync(join(top, 'deep/er'), { recursive: true });
    writeFileSync(join(top, '1.json'), record(1));
    writeFileSync(join(top, 'deep/er/2.json'), record(2));
    writeFileSync(join(top, 'readme.txt'), 'no record');

    return top;
  };
  const tar = () =>
    packTar([
      { header: { name: 'all/', type: 'directory', size: 0 } },
      { header: { name: '../../1.json', size: record(1).length }, body: record(1) },
      { header: { name: 'link.json', type: 'symlink', linkname: '/etc/passwd', size: 0 } },
      { header: { name: '/etc/2.json', size: record(2).length }, body: record(2) },
    ]);
  const zip = () =>
    zipOf([
      ['../../../1.json', record(1)],
      ['C:\\2.json', record(2)],
      ['folder/', ''],
    ]);

  it.each<[string, () => Promise<string> | string]>([
    ['as a list', () => file('x.json', `[${record(1)},\n${record(2)}]`)],
    ['with zstd', () => file('x.jsonl.zst', zstdCompressSync(`${record(1)}\n${record(2)}`))],
    ['with gzip in two parts', () => file('x.gz', Buffer.concat([gzipSync(`${record(1)}\n`), gzipSync(record(2))]))],
    ['as a zip', () => file('x.zip', zip())],
    ['as a tar', async () => file('x.tar', await tar())],
    ['as a tar.gz', async () => file('x.tar.gz', gzipSync(await tar()))],
    [
      'with packed members',
      () =>
        file(
          'x.zip',
          zipOf([
            ['1.json', gzipSync(record(1))],
            ['2.json', record(2)],
          ]),
        ),
    ],
    ['as a folder', folderOf],
  ])('%s it is the same', async (_what, make) => {
    const path = await make();
    const { summary, rules, feed } = await read(null, path);

    expect([feed, summary.records]).toEqual(['osv-debian', 2]);
    expect(rules).toEqual([['Debian:12', 'curl', 'CVE-2025-0001 CVE-2025-0002']]);
    expect((await read(null, path)).sha256).toBe((await read(null, path)).sha256);
  });

  it('a long member that is not of the feed is passed over, whatever it is packed in', async () => {
    const long = 'no record '.repeat(100_000);
    const members: [string, string][] = [
      ['1.json', record(1)],
      ['readme.txt', long],
      ['2.json', record(2)],
    ];
    const packed = await packTar(members.map(([name, body]) => ({ header: { name, size: body.length }, body })));

    for (const path of [file('x.tar', packed), file('x.tgz', gzipSync(packed)), file('x.zip', zipOf(members))])
      expect((await read('osv-debian', path)).summary).toMatchObject({ records: 2, skipped: 0 });
  });

  it('one damaged record of an archive is one record, and what is not of the feed is passed over', async () => {
    const members = [
      ['1.json', record(1)],
      ['2.json', '{"id":'],
      ['3.json', record(3)],
      ['index.html', '<html>'],
    ] as const;
    const { summary } = await read('osv-debian', file('x.zip', zipOf(members)));

    expect(summary).toMatchObject({ records: 2, skipped: 1, problems: [{ name: '2.json' }] });
  });
});

describe('when what is brought is wrong', () => {
  const refused: readonly (readonly [string, string | null, () => string | Uint8Array, Partial<FeedBounds>?])[] = [
    ['a page of a portal', 'osv-debian', () => '<!DOCTYPE html><title>Please log in</title>'],
    ['data of another feed', 'osv-debian', () => JSON.stringify({ catalogVersion: '1', vulnerabilities: [] })],
    ['records of another distribution', 'osv-ubuntu', () => two],
    ['nothing', 'osv-debian', () => ''],
    ['half of a line', 'osv-debian', () => `[${JSON.stringify(osvOf('CVE-2025-0001', { a: '1' }))},{"id":`],
    ['half of a gzip', 'osv-debian', () => gzipSync(many(500)).subarray(0, 2000)],
    ['a gzip with a wrong sum', 'osv-debian', () => damaged(gzipSync(two), -6)],
    ['half of a zstd', 'osv-debian', () => zstdCompressSync(many(500)).subarray(0, 1000)],
    ['half of a zip', 'osv-debian', () => zipOf([['1.json', many(50)]]).subarray(0, -40)],
    ['a zip with a wrong sum', 'osv-debian', () => damaged(zipOf([['1.json', two]]), 60)],
    ['an empty zip', 'osv-debian', () => zipOf([])],
    ['a zip in a zip', 'osv-debian', () => zipOf([['1.zip', zipOf([['1.json', two]])]])],
    ['a zip that claims a small member', 'osv-debian', () => zipOf([['1.json', many(500)]], { claimed: 10 })],
    ['packed four times', 'osv-debian', () => gzipSync(gzipSync(gzipSync(gzipSync(two))))],
    ['mostly not understood', 'osv-debian', () => `${two}${'{"id":7}\n'.repeat(3)}`],
    ['text of no kind', null, () => 'root:x:0:0:root:/root:/bin/sh\n'],
    ['more bytes than it may have', 'osv-debian', () => many(200), { sourceBytes: 10_000 }],
    ['a member of more bytes', 'osv-debian', () => gzipSync(many(200)), { memberBytes: 10_000 }],
    ['more bytes once unpacked', 'osv-debian', () => gzipSync(many(200)), { unpackedBytes: 10_000 }],
    ['a bomb', 'osv-debian', () => gzipSync(Buffer.alloc(80 * 1024 * 1024, ' '))],
    ['a bomb of zstd', 'osv-debian', () => zstdCompressSync(Buffer.alloc(80 * 1024 * 1024, '['))],
    ['a bomb in a zip', 'osv-debian', () => zipOf([['1.json', Buffer.alloc(80 * 1024 * 1024, ' ')]])],
    [
      'more members',
      'osv-debian',
      () => zipOf(Array.from({ length: 20 }, (_, n) => [`${n}.json`, two])),
      { members: 10 },
    ],
    ['a line without an end', 'osv-debian', () => `{"id":"${'x'.repeat(9 * 1024 * 1024)}`],
  ];

  it.each(refused.map((each) => ({ what: each[0], each })))(
    '$what is refused',
    async ({ each: [, feed, make, bounds] }) => {
      await expect(read(feed, file('x', make()), bounds)).rejects.toThrow(code('FEED_INVALID'));
    },
  );

  /** Lines of nothing, none of them too long. */
  const bomb = Buffer.from(`${' '.repeat(1024 * 1024)}\n`.repeat(80));

  it.each([
    ['gzip', () => gzipSync(bomb)],
    ['zstd', () => zstdCompressSync(bomb)],
    ['zip', () => zipOf([['1.json', bomb]])],
  ])('a bomb of %s is stopped for what it is, before it is all there', async (_kind, make) => {
    const path = file('bomb', make());

    await expect(read('osv-debian', path)).rejects.toThrow(/more than 100 times its size/);
  });

  it('a member that ends half-way after others of it is no single record: nothing is taken', async () => {
    const path = file('x.zip', zipOf([['1.jsonl', `${two}"${'x'.repeat(9 * 1024 * 1024)}`]]));

    await expect(read('osv-debian', path)).rejects.toThrow(/a line of more than/);
  });

  it.each([
    ['a file that is not there', '/nowhere/at/all', 'NOT_FOUND'],
    ['a device', '/dev/zero', 'FILE_UNSAFE'],
  ])('%s is said as such', async (_what, path, expected) => {
    await expect(read('osv-debian', path)).rejects.toThrow(code(expected));
  });
});

function damaged(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] ?? 0) ^ 0xff;

  return copy;
}

describe('when one advisory is served in parts', () => {
  const notice = (name: string, version: string) => `<update type="security"><id>ALSA-2026:1</id>
    <references><reference id="CVE-2026-1000" type="cve"/></references>
    <pkglist><collection><package name="${name}" version="${version}" release="1.el9" arch="x86_64"/></collection></pkglist></update>`;
  const rulesIn = async (...updates: readonly string[]) => {
    const path = join(folder, `parts-${++count}`);
    mkdirSync(path);
    for (const [index, update] of updates.entries()) {
      writeFileSync(join(path, `${index}-updateinfo.xml`), `<updates>${update}</updates>`);
    }

    return read('updateinfo', path);
  };

  it('no repository takes away what another has of it, and the same part twice is one', async () => {
    const [base, apps] = [notice('openssl-libs', '3.0'), notice('openssl-devel', '3.0')];

    for (const updates of [[base, apps], [base + apps], [apps, base, base]]) {
      expect((await rulesIn(...updates)).rules).toEqual([
        ['AlmaLinux:9', 'openssl-devel', 'ALSA-2026:1'],
        ['AlmaLinux:9', 'openssl-libs', 'ALSA-2026:1'],
      ]);
    }
    expect((await rulesIn(base, base)).summary.duplicates).toBe(1);
  });
});
