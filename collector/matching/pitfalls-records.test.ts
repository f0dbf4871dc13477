// More traps of real advisory data: of records, sources, languages and facts; see pitfalls.test.ts. The last test holds the list of
// docs/matching.md against both files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compareKeys, type SortKey } from '../api/findings/page.ts';
import { cveRecords } from '../feeds/cve-records.ts';
import { EPSS } from '../feeds/epss.ts';
import type { Feed } from '../feeds/feed.ts';
import { KEV } from '../feeds/kev.ts';
import { OSV_FEEDS } from '../feeds/osv.ts';
import { readAll, sourceOf } from '../feeds/testing/reading.ts';
import { mergeFacts } from '../triage/facts.ts';
import { judge, matchSoftware } from './matching.ts';
import { matched, snapshotRules, software, sourcesOf, table } from './testing/data.ts';
import { before, rule, source } from './testing/rules.ts';

const SNAPSHOT = join(import.meta.dirname, '../feeds/snapshot');
const shipped = (file: string) => gunzipSync(readFileSync(join(SNAPSHOT, file)));
const osv = (name: string) => OSV_FEEDS.find((one) => one.name === name) as Feed;
const demo = (version: string) => software('Debian:12', 'demo', version);
const hostPackages = () => table('debian-12-host.packages');
const cvesOf = (matches: readonly { readonly cve: string }[]) => matches.map(({ cve }) => cve);

describe('several records for one CVE', () => {
  it('of an announcement and of the CVE itself are one finding with both as evidence', () => {
    const announced = rule({ record: 'DSA-5753-1', cves: ['CVE-2026-1', 'CVE-2026-2'] });
    const matches = matchSoftware(demo('1.0-1'), [source('osv-debian', announced, rule())]);

    expect(cvesOf(matches)).toEqual(['CVE-2026-1', 'CVE-2026-2']);
    expect(matches[0]).toMatchObject({ records: ['CVE-2026-1', 'DSA-5753-1'], disagreement: null });
    expect(matches[0]?.evidence.map(({ record }) => record)).toEqual(['CVE-2026-1', 'DSA-5753-1']);
    expect(matches[1]?.records).toEqual(['DSA-5753-1']);
  });

  it('an announcement without a CVE stands for itself', () => {
    const regression = rule({ record: 'DSA-5460-1', cves: [] });

    expect(cvesOf(matchSoftware(demo('1.0-1'), [source('osv-debian', regression)]))).toEqual(['DSA-5460-1']);
  });

  it('the record of the CVE counts before an announcement, and the difference is said', () => {
    const announced = rule({ record: 'DSA-1-1', ranges: before('3.0-1') });

    expect(matchSoftware(demo('2.0-1'), [source('osv-debian', announced, rule())])).toEqual([]);
    expect(judge(demo('2.0-1'), 'CVE-2026-1', [source('osv-debian', announced, rule())])).toMatchObject({
      says: 'fixed',
      disagreement:
        'osv-debian (CVE-2026-1, 2026-11-23) says not affected any more, fixed in 2.0-1, but osv-debian (DSA-1-1, 2026-11-23) says affected, fixed in 3.0-1; osv-debian decides',
    });
  });

  it('that announce the same CVE twice are answered only by the newer fix', () => {
    const alma = (record: string, fixed: string) => rule({ ecosystem: 'AlmaLinux:9', record, ranges: before(fixed) });
    const rules = [source('osv-almalinux', alma('ALSA-2026:1', '2.0-1.el9'), alma('ALSA-2026:2', '2.0-3.el9'))];
    const at = (version: string) => matchSoftware(software('AlmaLinux:9', 'demo', version), rules)[0];

    expect(at('1.0-1.el9')).toMatchObject({ fixed: '2.0-3.el9', records: ['ALSA-2026:2', 'ALSA-2026:1'] });
    expect(at('2.0-1.el9')).toMatchObject({ fixed: '2.0-3.el9', records: ['ALSA-2026:2'] });
    expect(at('2.0-3.el9')).toBeUndefined();
  });

  it('with the last affected version instead of the first fixed one hold up to and with it', () => {
    const last = rule({ ranges: [{ introduced: '1.0-1', fixed: null, lastAffected: '2.0-1' }] });
    const says = (version: string) => judge(demo(version), 'CVE-2026-1', [source('osv', last)]).says;

    expect(['0.9-1', '1.0-1', '2.0-1', '2.0-2'].map(says)).toEqual(['not-affected', 'affected', 'affected', 'fixed']);
    expect(matchSoftware(demo('2.0-1'), [source('osv', last)])[0]).toMatchObject({ state: 'open', fixed: null });
  });

  it('that promise a fix and name no version are unknown', () => {
    const [match] = matchSoftware(demo('1.0-1'), [source('osv', rule({ ranges: [] }))]);

    expect(match).toMatchObject({ state: 'open', status: 'undetermined' });
    expect(match?.evidence[0]?.rule).toContain('names no version at all');
  });

  it('with branches: the one that the version lies in counts', () => {
    const ranges = [
      { introduced: null, fixed: '1.5.0', lastAffected: null },
      { introduced: '2.0.0', fixed: '2.3.0', lastAffected: null },
    ];
    const asOne = [source('osv-npm', rule({ ecosystem: 'npm', record: 'GHSA-1', ranges }))];
    const asTwo = [
      source('osv-npm', ...ranges.map((range) => rule({ ecosystem: 'npm', record: 'GHSA-1', ranges: [range] }))),
    ];

    for (const rules of [asOne, asTwo]) {
      const fixedOf = (version: string) => matchSoftware(software('npm', 'demo', version), rules)[0]?.fixed;

      expect(['1.0.0', '1.5.0', '2.0.0', '2.3.0'].map(fixedOf)).toEqual(['1.5.0', undefined, '2.3.0', undefined]);
    }
  });
});

describe('sources that disagree', () => {
  const tracker = (more = {}) => source('debian-tracker', rule(more));
  const copy = (more = {}) => source('osv-debian', rule(more));

  it('are both shown, the own tracker of the distribution decides', () => {
    const [match] = matchSoftware(demo('2.0-1'), [copy(), tracker({ ranges: before('2.0-2') })]);

    expect(match?.evidence.map(({ feed, says }) => [feed, says])).toEqual([
      ['debian-tracker', 'affected'],
      ['osv-debian', 'fixed'],
    ]);
    expect(match?.disagreement).toBe(
      'debian-tracker (CVE-2026-1, 2026-11-23) says affected, fixed in 2.0-2, but osv-debian (CVE-2026-1, 2026-11-23) says not affected any more, fixed in 2.0-1; debian-tracker decides',
    );
    expect(matchSoftware(demo('2.0-1'), [copy({ ranges: before('2.0-2') }), tracker()])).toEqual([]);
  });

  it('agree in silence', () => {
    expect(matchSoftware(demo('1.0-1'), [copy(), tracker()])[0]?.disagreement).toBeNull();
  });

  it('a source that does not know leaves the word to one that does', () => {
    const [match] = matchSoftware(demo('1.0-1'), [tracker({ status: 'undetermined', ranges: before(null) }), copy()]);

    expect(match).toMatchObject({ state: 'fixable', fixed: '2.0-1' });
    expect(match?.disagreement).toContain('osv-debian decides');
  });

  it('own advisories count until a real record arrives, then they are retired and still shown', () => {
    const own = source('advisory', rule({ record: 'ADV-2026-1', ranges: before('5.0-1') }));
    const alone = matchSoftware(demo('2.0-1'), [own]);
    const later = [own, copy()];

    expect(alone[0]).toMatchObject({ cve: 'CVE-2026-1', fixed: '5.0-1', records: ['ADV-2026-1'] });
    expect(matchSoftware(demo('2.0-1'), later)).toEqual([]);
    expect(judge(demo('2.0-1'), 'CVE-2026-1', later).evidence[1]).toMatchObject({
      ...{ feed: 'advisory', rule: expect.stringContaining('retired') },
    });
  });
});

describe('records of OSV', () => {
  const record = {
    schema_version: '1.6.0',
    id: 'CVE-2024-1',
    modified: '2025-01-01T00:00:00Z',
    affected: ['Debian:11', 'Debian:12', 'Debian:13', 'Alpine:v3.19'].map((ecosystem, index) => ({
      ...{
        package: { ecosystem, name: 'demo' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: `${index + 1}.0-1` }] }],
      },
    })),
  };

  it('carry several releases and distributions: each is for its own', async () => {
    const { rules } = await readAll(osv('osv-debian'), sourceOf('CVE-2024-1.json', JSON.stringify(record)));
    const all = Map.groupBy(rules, ({ ecosystem }) => ecosystem);
    const fixedIn = (ecosystem: string) =>
      matchSoftware(
        software(ecosystem, 'demo', '0.1-1'),
        [...all.values()].map((group) => source('osv-debian', ...group)),
      )[0]?.fixed;

    expect([...all.keys()]).toEqual(['Debian:11', 'Debian:12', 'Debian:13']);
    expect(['Debian:11', 'Debian:12', 'Debian:13'].map(fixedIn)).toEqual(['1.0-1', '2.0-1', '3.0-1']);
  });

  it('written anew with tabs and another order of keys say the same', async () => {
    const anew = JSON.stringify(Object.fromEntries(Object.entries(record).reverse()), null, '\t');

    expect((await readAll(osv('osv-debian'), sourceOf('a.json', anew))).rules).toEqual(
      (await readAll(osv('osv-debian'), sourceOf('a.json', JSON.stringify(record)))).rules,
    );
  });

  it('with made-up ids are about the CVE that they name', async () => {
    const derived = { ...record, id: 'DERIVED-DEBIAN-CVE-2026-56208-aom', upstream: ['CVE-2026-56208'] };
    const { rules } = await readAll(osv('osv-debian'), sourceOf('a.jsonl', `${JSON.stringify(derived)}\n`));
    const matches = matchSoftware(demo('1.0-1'), [
      source('osv-debian', ...rules.filter(({ ecosystem }) => ecosystem === 'Debian:12')),
    ]);

    expect(matches[0]).toMatchObject({ cve: 'CVE-2026-56208', records: ['DERIVED-DEBIAN-CVE-2026-56208-aom'] });
  });
});

describe('packages of languages', () => {
  it('of PyPI are one whatever their case, dashes, dots and underscores', () => {
    const rules = [source('osv-pypi', rule({ ecosystem: 'PyPI', package: 'ruamel-yaml', ranges: before('0.18') }))];

    expect(matchSoftware(software('PyPI', 'Ruamel.YAML', '0.17'), rules)).toHaveLength(1);
    expect(matchSoftware(software('PyPI', 'ruamel__yaml', '0.17'), rules)).toHaveLength(1);
    expect(matchSoftware(software('PyPI', 'ruamelyaml', '0.17'), rules)).toHaveLength(0);
  });

  it('of npm and Go keep their case', () => {
    const at = (ecosystem: string, name: string) =>
      matchSoftware(software(ecosystem, name, '1.0.0'), [
        source(
          'osv',
          rule({
            ecosystem,
            package: ecosystem === 'npm' ? 'JSONStream' : 'github.com/Masterminds/goutils',
            ranges: before('1.1.1'),
          }),
        ),
      ]).length;

    expect([at('npm', 'JSONStream'), at('npm', 'jsonstream')]).toEqual([1, 0]);
    expect([at('Go', 'github.com/Masterminds/goutils'), at('Go', 'github.com/masterminds/goutils')]).toEqual([1, 0]);
  });

  it('may list versions beside ranges, and 1.0 is 1.0.0', () => {
    const listed = rule({ ecosystem: 'PyPI', ranges: [], versions: ['1.0', '1.1rc1'] });
    const at = (version: string) =>
      matchSoftware(software('PyPI', 'demo', version), [source('osv-pypi', listed)]).length;

    expect(['1.0', '1.0.0', '1.1rc1', '1.1'].map(at)).toEqual([1, 1, 1, 0]);
  });
});

describe('facts about CVEs', () => {
  it('dates of KEV no longer follow 21 days', async () => {
    const { cves } = await readAll(KEV, sourceOf('kev.json', shipped('kev.json.gz')));
    const days = [...cves.values()].flatMap(({ kev }) =>
      kev?.dueDate ? [Temporal.PlainDate.from(kev.dateAdded).until(kev.dueDate).days] : [],
    );

    expect(days).toHaveLength(1662);
    expect(days.filter((one) => one === 21)).toHaveLength(1025);
    expect(days.filter((one) => one === 3)).toHaveLength(71);
    expect(cves.get('CVE-2026-8037')?.kev?.dueDate).toBe('2026-08-10');
  });

  it('a CVE without an EPSS score has none, and is not sorted as zero', async () => {
    const key = (epss: number | null): SortKey => [1, null, epss, 'CVE-2026-1', 'host:1', 1];

    expect(mergeFacts('CVE-2026-1', []).epss).toBeNull();
    expect([key(null), key(0), key(0.5)].sort(compareKeys).map(([, , epss]) => epss)).toEqual([0.5, 0, null]);
    expect(compareKeys(key(null), key(0))).not.toBe(0);
  });

  it('a first line of EPSS that names no model is taken for what it is', async () => {
    const { cves, asOf, problems } = await readAll(EPSS, sourceOf('epss.csv', shipped('epss.csv.gz')));

    expect([asOf?.slice(0, 10), problems]).toEqual(['2026-08-16', []]);
    expect(cves.get('CVE-2024-38475')?.epss?.score).toBeGreaterThan(0.9);
    const bare = await readAll(
      EPSS,
      sourceOf('epss.csv', 'cve,epss,percentile\nCVE-2026-0001,0.033510000,0.876500000\n'),
    );
    expect(bare.cves.get('CVE-2026-0001')?.epss?.score).toBe(0.03351);
    expect(bare.problems).toHaveLength(1);
  });

  it('decision points of SSVC are written in any letter case', async () => {
    const written = shipped('cve-records.jsonl.gz').toString('utf8');
    const { cves } = await readAll(cveRecords, sourceOf('cve.jsonl', written));
    const words = new Set([...cves.values()].flatMap(({ ssvc }) => ssvc?.exploitation ?? []));

    expect(written).toMatch(/"Exploitation":"(?:None|PoC|Active)"/);
    expect(words).toEqual(new Set(['none', 'poc', 'active']));
  });

  it('data of different days are never joined in silence: every evidence has the date of its feed', async () => {
    const [host] = sourcesOf(
      'Debian:12',
      hostPackages().filter(({ binary }) => binary === 'libaom3'),
    );
    const rules = await snapshotRules(osv('osv-debian'));

    expect(host).toBeDefined();
    if (host)
      expect(new Set(matched(host, rules).flatMap(({ evidence }) => evidence.map(({ feedAsOf }) => feedAsOf)))).toEqual(
        new Set(['2025-02-12T00:00:00Z']),
      );
  });
});

/** Every test in these is a trap. */
const TRAPS = ['collector/matching/pitfalls.test.ts', 'collector/matching/pitfalls-records.test.ts'];

describe('the table of docs/matching.md', () => {
  it('names tests that exist, and every test here', () => {
    const root = join(import.meta.dirname, '../..');
    const page = readFileSync(join(root, 'docs/matching.md'), 'utf8').split('## Traps')[1]?.split('\n## ')[0] ?? '';
    const rows = [...page.matchAll(/^\| .+ \| `([^`]+)` › (.+?) \|$/gm)].map(([, file = '', name = '']) => ({
      file,
      name,
    }));
    const missing = rows.filter(({ file, name }) => !readFileSync(join(root, file), 'utf8').includes(`'${name}'`));
    const text = TRAPS.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
    const own = [...text.matchAll(/^ {2}it(?:\.each\(.+\))?\('(.+)', /gm)].map(([, name]) => name);
    const here = rows.filter(({ file }) => TRAPS.includes(file)).map(({ name }) => name);

    expect(rows.length).toBeGreaterThan(40);
    expect(missing).toEqual([]);
    expect(
      own.filter((name) => name !== 'names tests that exist, and every test here' && !here.includes(name ?? '')),
    ).toEqual([]);
  });
});
