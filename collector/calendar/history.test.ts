import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { describe, expect, it } from 'vitest';
import type { Bulletin } from '../feeds/feed.ts';
import type { Rule } from '../matching/rule.ts';
import type { Software } from '../matching/software.ts';
import type { FeedReader, PackageName } from '../store/feed-ports.ts';
import { delaysOf } from './delays.ts';
import { readEnds, readHistory } from './history.ts';
import { concerns } from './vendors.ts';

const software = (ecosystem: string, name: string, origin: string | null = null): Software => ({
  ...{ ecosystem, name, version: '1', source: name, module: null, kernel: null, origin },
});
const fleet = (...all: readonly Software[]) => ({
  ids: () => all.keys(),
  software: (id: number) => all[id] ?? software('none', 'none'),
});
const rule = (record: string, cves: readonly string[], published: string | null, more: Partial<Rule> = {}): Rule => ({
  ...{ ecosystem: 'Debian:12', package: 'openssl', record, cves, status: 'fixed' },
  ranges: [{ introduced: null, fixed: '2', lastAffected: null }],
  ...(published !== null && { published: published as Timestamp }),
  ...more,
});
const bulletin = (
  vendor: string,
  product: string | null,
  published: string,
  cves: readonly string[] = [],
): Bulletin => ({
  ...{ id: `${vendor}-${published}`, vendor, product, title: 'x', url: null, cves },
  published: `${published}T00:00:00Z` as Timestamp,
});

/** A reader that knows these rules, facts and bulletins, and what it was asked. */
function reader(rules: readonly Rule[], facts: Record<string, string>, bulletins: readonly Bulletin[] = []) {
  const asked: PackageName[] = [];

  return {
    asked,
    feeds: {
      rules: async (packages: readonly PackageName[]) => {
        asked.push(...packages);
        return packages.flatMap((one) => {
          const found = rules.filter((each) => each.ecosystem === one.ecosystem && each.package === one.package);
          return found.length === 0 ? [] : [{ feed: 'osv-debian', asOf: null, ...one, rules: found }];
        });
      },
      facts: async (cves: readonly string[]) =>
        new Map(cves.flatMap((cve) => (facts[cve] ? [[cve, [{ published: facts[cve] as Timestamp }]] as const] : []))),
      bulletins: async () => bulletins,
    } as unknown as FeedReader,
  };
}

describe('when the history of releases is read', () => {
  const rules = [
    rule('DSA-1', ['CVE-2024-1000', 'CVE-2024-1001'], '2024-03-10T08:00:00Z'),
    rule('DSA-1', ['CVE-2024-1000'], '2024-03-10T08:00:00Z', { package: 'curl' }),
    rule('CVE-2024-1002', ['CVE-2024-1002'], '2024-01-01T00:00:00Z'),
    rule('CVE-2024-1003', ['CVE-2024-1003'], null, { status: 'open' }),
    rule('DSA-2', ['CVE-2024-1004'], '2024-04-01T00:00:00Z', { withdrawn: '2024-04-02T00:00:00Z' as Timestamp }),
    rule('DSA-3', ['CVE-2024-1005'], '2024-04-01T00:00:00Z', { pocket: 'esm-apps' }),
    rule('GHSA-1', ['CVE-2024-1006'], '2024-04-01T00:00:00Z', { ecosystem: 'npm', package: 'left-pad' }),
  ];
  const here = fleet(software('Debian:12', 'openssl'), software('Debian:12', 'curl'), software('npm', 'left-pad'));

  it('days of advisories are releases; records of flaws, withdrawn ones and those for some customers are none', async () => {
    const { feeds } = reader(rules, {});
    const { streams } = await readHistory(feeds, here);

    expect(streams).toEqual([
      { vendor: 'Debian', product: 'Debian:12', from: ['osv-debian'], dates: new Set(['2024-03-10']) },
    ]);
  });

  it('packages are asked for once, however many machines have them', async () => {
    const { feeds, asked } = reader(rules, {});
    await readHistory(feeds, fleet(...Array.from({ length: 1000 }, () => software('Debian:12', 'openssl'))));

    expect(asked).toEqual([{ ecosystem: 'Debian:12', package: 'openssl' }]);
  });

  it('days to a fix are counted from the publication of the CVE, and what has no date is counted as such', async () => {
    const { feeds } = reader(rules, {
      'CVE-2024-1000': '2024-03-01T00:00:00Z',
      'CVE-2024-1003': '2024-01-01T00:00:00Z',
    });
    const { fixed, open, published } = await readHistory(feeds, here);

    expect(delaysOf(fixed, open, published)).toEqual([
      {
        ...{ vendor: 'Debian', product: 'Debian:12', number: 1, ahead: 0, median: 9, p90: 9 },
        worst: { days: 9, cve: 'CVE-2024-1000', record: 'DSA-1' },
        unknown: { publication: 1, fix: 1, open: 1 },
      },
    ]);
  });

  it('announcements count where something of them is here, the others are only counted', async () => {
    const chrome = software('Debian:12', 'google-chrome-stable', 'Google LLC');
    const { feeds } = reader([], { 'CVE-2024-2000': '2024-05-01T00:00:00Z' }, [
      bulletin('Google', 'Google Chrome', '2024-05-02', ['CVE-2024-2000']),
      bulletin('Google', null, '2024-05-03'),
      bulletin('Debian', null, '2024-05-04'),
      bulletin('Cisco', null, '2024-05-05'),
      bulletin('Example', 'openssl', '2024-05-06'),
    ]);
    const { streams, elsewhere, fixed } = await readHistory(feeds, fleet(chrome, software('Debian:12', 'openssl')));

    expect(streams.map(({ vendor, product }) => [vendor, product])).toEqual([
      ['Google', 'Google Chrome'],
      ['Google', null],
      ['Debian', null],
      ['Example', 'openssl'],
    ]);
    expect(elsewhere).toBe(1);
    expect(fixed.map(({ cve, fixed: at }) => [cve, at])).toEqual([['CVE-2024-2000', '2024-05-02']]);
  });

  it('a product is a release, a package or the repository of a vendor', () => {
    const found = {
      ecosystems: new Set(['RedHat:9']),
      names: new Set(['docker-ce', 'google-chrome']),
      origins: new Set(['postgresql.org']),
    };
    const is = (vendor: string, product: string | null) => concerns({ vendor, product }, found);

    expect([is('Red Hat', 'RedHat:9'), is('Red Hat', 'RedHat:8'), is('Red Hat', null)]).toEqual([true, false, true]);
    expect([is('Google', 'Google Chrome'), is('Docker', 'docker-ce'), is('x', 'PostgreSQL')]).toEqual([
      true,
      true,
      true,
    ]);
    expect([is('Microsoft', null), is('Debian', null)]).toEqual([false, false]);
  });
});

describe('when ends of releases are read', () => {
  it('of those that are installed here, the soonest first', async () => {
    const cycle = (product: string, name: string, eol: string | boolean) => ({
      ...{ product, cycle: name, released: null, eol, support: null, extended: null, latest: null, latestDate: null },
    });
    const known = [
      cycle('debian', '12', '2026-07-11'),
      cycle('debian', '13', '2028-08-09'),
      cycle('rocky-linux', '8', true),
    ];
    const feeds = { cycles: async (product: string) => known.filter((each) => each.product === product) };
    const here = fleet(
      ...['Debian:13', 'Debian:12', 'Rocky:8', 'Rocky:9', 'npm', 'Arch'].map((each) => software(each, 'x')),
    );

    expect(await readEnds(feeds as unknown as FeedReader, here)).toEqual([
      { ecosystem: 'Rocky:8', eol: true, extended: null },
      { ecosystem: 'Debian:12', eol: '2026-07-11', extended: null },
      { ecosystem: 'Debian:13', eol: '2028-08-09', extended: null },
    ]);
  });
});

describe('when days to fixes are counted', () => {
  const fixed = (cve: string, date: string | null, record = 'DSA-1') => ({
    ...{ vendor: 'V', product: 'p', cve, record, fixed: date },
  });
  const since = (days: Record<string, string>) => new Map(Object.entries(days));

  it('one CVE counts once, by its first fix', () => {
    const [row] = delaysOf(
      [fixed('A', null), fixed('A', '2024-01-11', 'first'), fixed('A', '2024-01-20', 'late'), fixed('A', null)],
      [],
      since({ A: '2024-01-01' }),
    );

    expect(row).toMatchObject({ number: 1, worst: { days: 10, record: 'first' }, unknown: { fix: 0 } });
  });

  it('median, 90th percentile and worst are those of the list, and a fix before publication is ahead', () => {
    const all = Array.from({ length: 10 }, (_, index) =>
      fixed(`C${index}`, `2024-02-${String(index + 1).padStart(2, '0')}`),
    );
    const published = since(Object.fromEntries(all.map(({ cve }) => [cve, '2024-02-02'])));

    expect(delaysOf(all, [], published)[0]).toMatchObject({
      ...{ number: 10, ahead: 2, median: 3, p90: 7, worst: { days: 8, cve: 'C9' } },
    });
  });

  it('a vendor of whom nothing is known has no number, and comes last', () => {
    const rows = delaysOf(
      [fixed('A', null), { ...fixed('B', '2024-01-02'), vendor: 'W' }],
      [{ vendor: 'X', product: 'p', cve: 'C' }],
      since({ B: '2024-01-01' }),
    );

    expect(rows.map(({ vendor, median }) => [vendor, median])).toEqual([
      ['W', 1],
      ['V', null],
      ['X', null],
    ]);
    expect(rows[2]?.unknown.open).toBe(1);
  });
});
