// What every feed keeps to, whoever wrote it: one suite over every line of ./list.ts. A new feed needs a line in SAMPLES.
import { describe, expect, it } from 'vitest';
import type { Feed, FeedProblem, FeedRecord } from './feed.ts';
import { assertBounded } from './import/record-bounds.ts';
import { FEED_NAME } from './keeping/settings.ts';
import { FEEDS } from './list.ts';
import { codeOf, fixture, sourceOf } from './testing/reading.ts';

const file = (path: string) => fixture(new URL(path, import.meta.url));
const osv = (ecosystem: string) =>
  JSON.stringify({
    ...{ schema_version: '1.6.0', id: 'CVE-2025-0001', modified: '2025-01-01T00:00:00Z' },
    affected: [
      {
        package: { ecosystem, name: 'thing' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.2' }] }],
      },
    ],
  });

/** A true beginning of each feed's data. */
const SAMPLES: Readonly<Record<string, readonly [name: string, content: string | Uint8Array]>> = {
  'osv-debian': ['debian.jsonl', file('osv/fixtures/debian.jsonl')],
  'osv-ubuntu': ['ubuntu.jsonl', file('osv/fixtures/ubuntu.jsonl')],
  'osv-almalinux': ['almalinux.jsonl', file('osv/fixtures/almalinux.jsonl')],
  'osv-rocky': ['rocky.jsonl', file('osv/fixtures/rocky.jsonl')],
  'osv-alpine': ['x.json', osv('Alpine:v3.19')],
  'osv-pypi': ['x.json', osv('PyPI')],
  'osv-npm': ['x.json', osv('npm')],
  'osv-go': ['x.json', osv('Go')],
  'osv-crates': ['x.json', osv('crates.io')],
  osv: ['language.jsonl', file('osv/fixtures/language.jsonl')],
  kev: [
    'kev.json',
    '{"catalogVersion":"2025.02.19","vulnerabilities":[{"cveID":"CVE-2025-0108","dateAdded":"2025-02-18","dueDate":"2025-03-11"}]}',
  ],
  epss: ['epss.csv', '#model_version:v1,score_date:2025-02-20T00:00:00Z\ncve,epss,percentile\nCVE-1999-0001,0.1,0.2\n'],
  'debian-tracker': ['tracker.json', file('debian-tracker/fixtures/tracker.json')],
  redhat: ['rhsa-2024_0811.json', file('redhat/fixtures/rhsa-2024_0811.json')],
  'cve-records': ['records.jsonl', file('cve-records/fixtures/records.jsonl')],
  endoflife: ['products/debian.md', file('endoflife/fixtures/debian.md')],
  updateinfo: [
    'updateinfo.xml',
    '<?xml version="1.0"?>\n<updates><update type="security"><id>ALSA-2024:0001</id><title>t</title><issued date="2024-01-02 00:00:00"/>' +
      '<references><reference type="cve" id="CVE-2024-0001"/></references><pkglist><collection short="a"><package name="curl" version="1" release="2.el9" epoch="0" arch="x86_64">' +
      '<filename>curl-1-2.el9.x86_64.rpm</filename></package></collection></pkglist></update></updates>',
  ],
  'host-updateinfo': [
    'told.jsonl',
    '{"selvageHostUpdateinfo":1,"asOf":"2025-01-01T00:00:00Z"}\n' +
      '{"ecosystem":"AlmaLinux:9","id":"ALSA-2024:0001","type":"security","severity":"Important","issued":"2024-01-02","cves":["CVE-2024-0001"],' +
      '"packages":[{"name":"curl","epoch":"0","version":"1","release":"2.el9","arch":"x86_64","module":null}]}\n',
  ],
  bulletins: [
    'news.xml',
    '<?xml version="1.0"?><rss version="2.0"><channel><title>Acme advisories</title><item><title>CVE-2025-0001 in Thing</title>' +
      '<link>https://acme.example/1</link><guid>1</guid><pubDate>Tue, 13 Aug 2024 17:00:00 GMT</pubDate></item></channel></rss>',
  ],
};

async function itemsOf(feed: Feed, piece: number): Promise<readonly (FeedRecord | FeedProblem)[]> {
  const [name, content] = SAMPLES[feed.name] ?? ['', ''];
  const items: (FeedRecord | FeedProblem)[] = [];
  for await (const item of feed.read(sourceOf(name, content, piece)).records) items.push(item);

  return items;
}

it('every feed has a name of its own and a sample', () => {
  expect(new Set(FEEDS.map(({ name }) => name)).size).toBe(FEEDS.length);
  expect(Object.keys(SAMPLES).sort()).toEqual(FEEDS.map(({ name }) => name).sort());
});

describe.each(FEEDS)('the feed $name', (feed) => {
  it('says what it is, and names only protected addresses', () => {
    expect(feed.name).toMatch(FEED_NAME);
    expect(feed.title.length).toBeGreaterThan(3);
    expect(feed.title.length).toBeLessThanOrEqual(60);
    expect(feed.staleAfterMs).toBeGreaterThan(3_600_000);
    for (const url of feed.urls) expect(url).toMatch(/^https:\/\/[^@]+$/);
    for (const each of feed.serves) expect(each).toMatch(/^[A-Za-z.]+$/);
  });

  it('makes something of its own data, all of it within bounds', async () => {
    const items = await itemsOf(feed, 997);
    const said = items.filter((item) => 'type' in item);

    expect(items.filter((item) => !('type' in item))).toEqual([]);
    expect(said.some(({ type }) => type !== 'record')).toBe(true);
    for (const item of said) if (item.type !== 'record') assertBounded(item);
  });

  it('makes the same of it wherever its bytes are cut', async () => {
    const whole = await itemsOf(feed, 1 << 20);

    for (const piece of [1, 2, 61]) expect(await itemsOf(feed, piece)).toEqual(whole);
  });

  it('is known by its data, and no other feed is', () => {
    if (!feed.recognises) return;
    const [name, content] = SAMPLES[feed.name] ?? ['', ''];
    const start = Buffer.from(content)
      .subarray(0, 64 * 1024)
      .toString();
    const known = FEEDS.filter(({ recognises }) => recognises?.(start, name) === true).map((each) => each.name);

    expect(known).toEqual([feed.name]);
  });

  it.each([
    ['a page of a portal', '<!DOCTYPE html><html><head><title>Log in</title></head><body></body></html>'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x81, 0xc3, 0x28])],
    ['a list of nothing', '[]'],
    ['an object of nothing', '{}'],
    ['a number', '7'],
    ['braces without end', '['.repeat(100_000)],
  ])('makes nothing of %s', async (_what, content) => {
    const source = () => sourceOf('x', content);
    if ((await codeOf(feed, source())) === 'FEED_INVALID') return;
    // Else it says nothing at all, and the import refuses what says nothing.
    for await (const item of feed.read(source()).records) expect(item).not.toHaveProperty('type');
  });

  it('does not fall for names in archives', () => {
    for (const name of ['../../etc/passwd', '/etc/shadow', '', 'x'.repeat(5000), 'a\0b', '\u202e.nosj']) {
      expect([true, false, undefined]).toContain(feed.member?.(name));
    }
  });
});
