import { describe, expect, it } from 'vitest';
import type { Rule } from '../matching/rule.ts';
import { rangesOf } from './osv/ranges.ts';
import { OSV_FEEDS } from './osv.ts';
import { codeOf, fixture, readAll, sourceOf } from './testing/reading.ts';

const feedOf = (name: string) => {
  const feed = OSV_FEEDS.find((each) => each.name === name);
  if (!feed) throw new Error(name);

  return feed;
};
const bytes = (name: string) => fixture(new URL(`osv/fixtures/${name}.jsonl`, import.meta.url));
const read = (feed: string, file: string) => readAll(feedOf(feed), sourceOf(`${file}.jsonl`, bytes(file)));
const ofRecord = (rules: readonly Rule[], record: string) => rules.filter((rule) => rule.record === record);
const short = ({ ecosystem, package: name, status, ranges, pocket }: Rule) =>
  [ecosystem, name, status, ...ranges.map(({ fixed }) => fixed), pocket ?? ''].join(' ');

/** A record with what a test gives. */
const made = (over: object) =>
  JSON.stringify({
    ...{ id: 'CVE-2024-0001', modified: '2024-02-01T00:00:00Z' },
    affected: [
      {
        package: { ecosystem: 'Debian:12', name: 'thing' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.2-1' }] }],
      },
    ],
    ...over,
  });
const one = async (over: object, feed = 'osv-debian') => readAll(feedOf(feed), sourceOf('made.json', made(over)));

describe("when Debian's records are read", () => {
  it('an announcement is about the CVEs that it names as related, release by release', async () => {
    const { rules, cves } = await read('osv-debian', 'debian');
    const dsa = ofRecord(rules, 'DSA-5542-1');

    expect(dsa.map(short)).toEqual([
      'Debian:11 request-tracker4 fixed 4.4.4+dfsg-2+deb11u3 ',
      'Debian:12 request-tracker4 fixed 4.4.6+dfsg-1.1+deb12u1 ',
    ]);
    expect(dsa[0]).toMatchObject({ cves: ['CVE-2023-41259', 'CVE-2023-41260'], published: '2023-10-30T00:00:00Z' });
    // Of a distribution the ranges say it all.
    expect(dsa[0]).not.toHaveProperty('versions');
    // Its severity would be that of neither.
    expect([...cves.keys()]).not.toContain('CVE-2023-41259');
  });

  it('what a record says of another distribution is left to the feed of that one', async () => {
    const debian = await read('osv-debian', 'debian');
    const alpine = await read('osv-alpine', 'debian');

    expect(new Set(debian.rules.map(({ ecosystem }) => ecosystem.split(':')[0]))).toEqual(new Set(['Debian']));
    expect(ofRecord(alpine.rules, 'CVE-2016-2147').map(short)).toContain('Alpine:3.4 busybox fixed 1.24.2-r0 ');
    expect(ofRecord(alpine.rules, 'DSA-5542-1')).toEqual([]);
  });

  it('a CVE is about itself, with its vectors, its date and the word of the distribution', async () => {
    const { rules, cves, asOf } = await read('osv-debian', 'debian');

    expect(ofRecord(rules, 'CVE-2016-2147')[0]).toMatchObject({ cves: ['CVE-2016-2147'], urgency: 'not yet assigned' });
    expect(cves.get('CVE-2016-2147')).toEqual({
      published: '2017-02-09T15:59:00Z',
      cvss: [
        {
          ...{ version: '3.1', vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H', score: 7.5, severity: 'high' },
          source: 'NVD',
        },
      ],
    });
    expect(ofRecord(rules, 'CVE-2007-4199').map(({ urgency }) => urgency)).toContain('unimportant');
    expect(asOf).toBe('2025-01-15T01:11:44.418608Z');
  });

  it('end of life is a status of its own, release by release', async () => {
    const statuses = ofRecord((await read('osv-debian', 'debian')).rules, 'CVE-2024-2173').map(
      ({ ecosystem, status }) => `${ecosystem} ${status}`,
    );

    expect(statuses).toEqual(expect.arrayContaining(['Debian:11 end-of-life', 'Debian:12 fixed']));
  });
});

describe("when Ubuntu's records are read", () => {
  it('a notice is about the CVEs behind the names of its own records, package by package', async () => {
    const { rules } = await read('osv-ubuntu', 'ubuntu');
    const notice = ofRecord(rules, 'USN-5614-1');

    expect(notice.map(short)).toEqual([
      'Ubuntu:18.04 wayland fixed 1.16.0-1ubuntu1.1~18.04.4 ',
      'Ubuntu:20.04 wayland fixed 1.18.0-1ubuntu0.1 ',
      'Ubuntu:22.04 wayland fixed 1.20.0-1ubuntu0.1 ',
    ]);
    for (const { cves } of notice) expect(cves).toEqual(['CVE-2021-3782']);
  });

  it('a fix for subscribers says where it is served', async () => {
    const { rules } = await read('osv-ubuntu', 'ubuntu');

    expect(ofRecord(rules, 'UBUNTU-CVE-2021-3782').map(short)[0]).toBe(
      'Ubuntu:16.04 wayland fixed 1.12.0-1~ubuntu16.04.3+esm1 esm-infra',
    );
    expect(ofRecord(rules, 'UBUNTU-CVE-2014-9913').map(short)).toEqual([
      'Ubuntu:14.04 unzip fixed 6.0-9ubuntu1.6 esm-infra',
      'Ubuntu:16.04 unzip fixed 6.0-20ubuntu1.1 ',
    ]);
  });

  it('its own word stands among the scores, and one that was withdrawn says when', async () => {
    const { rules, cves } = await read('osv-ubuntu', 'ubuntu');

    expect(ofRecord(rules, 'UBUNTU-CVE-2014-9913')[0]).toMatchObject({
      urgency: 'negligible',
      cves: ['CVE-2014-9913'],
    });
    expect(cves.get('CVE-2014-9913')?.cvss).toMatchObject([{ version: '3.0', source: 'UBUNTU' }]);
    expect(ofRecord(rules, 'UBUNTU-CVE-2013-2208')[0]?.withdrawn).toBe('2025-07-18T16:42:51Z');
    expect(cves.has('CVE-2013-2208')).toBe(false);
  });

  it.each([
    ['Ubuntu:Pro:18.04:LTS', 'pkg:deb/ubuntu/x@1?arch=source&distro=esm-apps/bionic', 'esm-apps'],
    ['Ubuntu:Pro:14.04:LTS', 'pkg:deb/ubuntu/x@1?arch=source&distro=esm-infra-legacy/trusty', 'esm-infra'],
    ['Ubuntu:Pro:14.04:LTS', 'pkg:deb/ubuntu/x@1?arch=source&distro=trusty/esm', 'esm-infra'],
    ['Ubuntu:Pro:FIPS-updates:20.04:LTS', 'pkg:deb/ubuntu/x@1?arch=source&distro=fips-updates/focal', 'fips-updates'],
    ['Ubuntu:Pro:18.04:LTS', undefined, 'esm'],
    ['Ubuntu:22.04:LTS', 'pkg:deb/ubuntu/x@1?arch=source&distro=jammy', undefined],
  ])('%s with %s is served in %s', async (ecosystem, purl, pocket) => {
    const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1' }] }];
    const { rules } = await one({ affected: [{ package: { ecosystem, name: 'x', purl }, ranges }] }, 'osv-ubuntu');

    expect(rules.map((rule) => rule.pocket)).toEqual([pocket]);
  });
});

describe('when records of rpm distributions are read', () => {
  it('AlmaLinux writes of binary packages, Rocky of sources', async () => {
    const alma = await read('osv-almalinux', 'almalinux');
    const rocky = await read('osv-rocky', 'rocky');

    expect(new Set(alma.rules.map(({ names }) => names))).toEqual(new Set(['binary']));
    expect(alma.rules.every(({ cves }) => cves.length > 0)).toBe(true);
    expect(new Set(rocky.rules.map(({ names }) => names))).toEqual(new Set([undefined]));
    expect(ofRecord(rocky.rules, 'RLSA-2021:3891').map(short)).toEqual([
      'Rocky:8 java-11-openjdk fixed 1:11.0.13.0.8-1.el8_4 ',
    ]);
    expect(ofRecord(rocky.rules, 'RLSA-2021:3891')[0]?.cves).toHaveLength(10);
  });

  it('a kernel of a special interest group is not for everybody', async () => {
    const purl = 'pkg:rpm/rocky-linux/kernel?distro=rocky-linux-8-sig-cloud&epoch=0';
    const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '0:4.18.0-425.10.1.el8_7.cloud' }] }];
    const affected = [{ package: { ecosystem: 'Rocky Linux:8', name: 'kernel', purl }, ranges }];
    const { rules } = await one({ id: 'RXSA-2023:0101', related: ['CVE-2022-2964'], affected }, 'osv-rocky');

    expect(rules[0]).toMatchObject({ pocket: 'sig-cloud', cves: ['CVE-2022-2964'] });
  });
});

describe('when records of Red Hat are read', () => {
  it('the CVEs of an announcement are those that it names as related', async () => {
    const affected = [
      {
        package: { ecosystem: 'Red Hat:rhel_eus:9.2::appstream', name: 'podman', purl: 'pkg:rpm/redhat/podman' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2:4.4.1-21.el9_2' }] }],
      },
    ];
    const { rules } = await one({ id: 'RHSA-2024:8709', related: ['CVE-2024-9675'], affected }, 'osv');

    expect(rules[0]).toMatchObject({ ecosystem: 'RedHat:9', pocket: 'rhel_eus', cves: ['CVE-2024-9675'] });
  });
});

describe('when records of language packages are read', () => {
  it('an alias is what it is about; what is merely related is not', async () => {
    const { rules, cves } = await read('osv-npm', 'language');

    expect(ofRecord(rules, 'GHSA-xxxq-chmp-67g4')[0]).toMatchObject({ ecosystem: 'npm', cves: ['CVE-2020-14967'] });
    expect(cves.get('CVE-2020-14967')?.cvss).toMatchObject([{ source: 'GHSA', severity: 'critical' }]);
    expect(ofRecord(rules, 'MAL-2023-1')[0]).toMatchObject({ cves: [], ranges: [], versions: ['77.77.79'] });
    const other = await one(
      {
        ...{ id: 'GHSA-aaaa-bbbb-cccc', related: ['CVE-2020-1111'] },
        affected: [{ package: { ecosystem: 'npm', name: 'x' }, versions: ['1.0.0'] }],
      },
      'osv-npm',
    );
    expect(other.rules[0]?.cves).toEqual([]);
  });

  it.each([
    ['< 29.3.1', { fixed: '29.3.1', lastAffected: null }],
    ['<= 29.3.1', { fixed: null, lastAffected: '29.3.1' }],
    ['29.3.1', { fixed: null, lastAffected: null }],
    ['> 1, < 2', { fixed: null, lastAffected: null }],
  ])('a range without an end ends where its source knows it to end: %s', async (known, end) => {
    const affected = [
      {
        package: { ecosystem: 'npm', name: 'x' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }],
        database_specific: { last_known_affected_version_range: known },
      },
    ];
    const [open] = (await one({ affected }, 'osv-npm')).rules;
    const closed = [{ ...affected[0], ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '3' }] }] }];
    const [ended] = (await one({ affected: closed }, 'osv-npm')).rules;

    expect(open?.ranges).toEqual([{ introduced: null, ...end }]);
    expect(ended?.ranges).toEqual([{ introduced: null, fixed: '3', lastAffected: null }]);
  });

  it('ranges of commits are left out and versions named one by one stay', async () => {
    const { rules } = await read('osv-pypi', 'language');

    expect(ofRecord(rules, 'OSV-2022-1074')[0]).toMatchObject({ ranges: [], versions: ['9.1.0', '9.1.1', '9.2.0'] });
    expect(ofRecord(rules, 'PYSEC-2023-1')[0]).toMatchObject({
      ranges: [{ introduced: '2.2.0', fixed: '7.1.0', lastAffected: null }],
      status: 'fixed',
    });
    const commits = [{ type: 'GIT', events: [{ introduced: '0' }, { fixed: 'abc' }] }];
    const bare = await one({ affected: [{ package: { ecosystem: 'PyPI', name: 'x' }, ranges: commits }] }, 'osv-pypi');
    expect(bare.rules).toEqual([]);
  });

  it('the name of a Python package is written one way', async () => {
    const affected = [{ package: { ecosystem: 'PyPI', name: 'Foo_Bar.baz' }, versions: ['1'] }];

    expect((await one({ affected }, 'osv-pypi')).rules[0]?.package).toBe('foo-bar-baz');
  });
});

describe('when events say which versions are affected', () => {
  const none = { introduced: null, fixed: null, lastAffected: null };

  it.each([
    ['all', [{ introduced: '0' }], [none]],
    ['until before a fix', [{ introduced: '0' }, { fixed: '2' }], [{ ...none, fixed: '2' }]],
    [
      'twice',
      [{ introduced: '1' }, { fixed: '2' }, { introduced: '3' }, { fixed: '4' }],
      [
        { introduced: '1', fixed: '2', lastAffected: null },
        { introduced: '3', fixed: '4', lastAffected: null },
      ],
    ],
    [
      'up to and with',
      [{ introduced: '1' }, { last_affected: '2' }],
      [{ ...none, introduced: '1', lastAffected: '2' }],
    ],
    ['until before a limit', [{ introduced: '1' }, { limit: '2' }], [{ ...none, introduced: '1', fixed: '2' }]],
    ['without a limit', [{ introduced: '1' }, { limit: '*' }], [{ ...none, introduced: '1' }]],
    [
      'again and still',
      [{ introduced: '0' }, { fixed: '1' }, { introduced: '5' }],
      [
        { ...none, fixed: '1' },
        { ...none, introduced: '5' },
      ],
    ],
    ['a fix alone', [{ fixed: '2' }], [{ ...none, fixed: '2' }]],
    ['nothing', [], []],
    ['a fix before its beginning', [{ fixed: '2' }, { introduced: '0' }], [{ ...none, fixed: '2' }]],
    [
      'pairs, the newest first',
      [{ introduced: '10' }, { fixed: '11' }, { introduced: '2' }, { last_affected: '3' }],
      [
        { introduced: '10', fixed: '11', lastAffected: null },
        { introduced: '2', fixed: null, lastAffected: '3' },
      ],
    ],
    [
      'beginnings first, then fixes',
      [{ introduced: '0' }, { introduced: '9' }, { fixed: '2' }, { fixed: '10' }],
      [
        { ...none, fixed: '2' },
        { introduced: '9', fixed: '10', lastAffected: null },
      ],
    ],
    ['two fixes of one beginning', [{ introduced: '0' }, { fixed: '2' }, { fixed: '3' }], [{ ...none, fixed: '2' }]],
    [
      'two beginnings of one fix',
      [{ introduced: '1' }, { introduced: '2' }, { fixed: '3' }],
      [{ introduced: '1', fixed: '3', lastAffected: null }],
    ],
    [
      'the newest first and still open',
      [{ introduced: '10' }, { fixed: '11' }, { introduced: '0' }],
      [{ ...none, fixed: '11' }],
    ],
  ])('%s', (_what, events, ranges) => {
    expect(rangesOf(events, 'PyPI')).toEqual(ranges);
  });

  it.each([
    ['Important: nodejs:18 security update', 'nodejs:18'],
    ['Moderate: 389-ds:1.4 security update', '389-ds:1.4'],
    ['Low: virt:rhel and virt-devel:rhel security update', 'virt:rhel virt-devel:rhel'],
    ['Important: openssl security update of 10:30', undefined],
  ])('the streams in %s are %s', async (summary, module) => {
    const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1-1.module_el8.6.0+1+a' }] }];
    const affected = [{ package: { ecosystem: 'AlmaLinux:8', name: 'x' }, ranges }];

    expect((await one({ id: 'ALSA-2026:1', affected, summary }, 'osv-almalinux')).rules[0]?.module).toBe(module);
  });

  it('a title of any length is looked into at once', async () => {
    const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1' }] }];
    const affected = [{ package: { ecosystem: 'AlmaLinux:9', name: 'x' }, ranges }];
    const before = process.cpuUsage();
    await one({ id: 'ALSA-2026:1', affected, summary: 'a+'.repeat(100_000) }, 'osv-almalinux');

    // Of the processor, not of the clock: how much else runs here does not matter.
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(2_000_000);
  });
});

describe('when records are not what they should be', () => {
  it.each([
    ['without an id', { id: undefined }],
    ['with an id that is a number', { id: 7 }],
    ['with affected that is no list', { affected: 'all of them' }],
    [
      'with events that are no objects',
      { affected: [{ package: { ecosystem: 'Debian:12', name: 'x' }, ranges: [{ type: 'ECOSYSTEM', events: [1] }] }] },
    ],
    ['with more packages than there are', { affected: Array.from({ length: 20_001 }, () => ({})) }],
  ])('one %s is counted and said, and the others stand', async (_what, over) => {
    const text = `${made({})}\n${made(over)}\n${made({ id: 'CVE-2024-0003' })}\n`;
    const { rules, problems } = await readAll(feedOf('osv-debian'), sourceOf('x.jsonl', text));

    expect(rules.map(({ record }) => record)).toEqual(['CVE-2024-0001', 'CVE-2024-0003']);
    expect(problems).toHaveLength(1);
  });

  it.each([{ urgency: 3 }, 'text', [1], { urgency: { constructor: 1 }, availability: null }])(
    'what an ecosystem or a database writes for itself loses no record: %j',
    async (specific) => {
      const affected = [
        {
          package: { ecosystem: 'npm', name: 'x' },
          versions: ['1'],
          ecosystem_specific: specific,
          database_specific: specific,
        },
      ];

      expect((await one({ affected }, 'osv-npm')).rules).toMatchObject([{ package: 'x', versions: ['1'] }]);
    },
  );

  it('one of thousands of packages is read whole', async () => {
    const ranges = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }] }];
    const affected = Array.from({ length: 5000 }, (_, n) => ({
      package: { ecosystem: 'Debian:12', name: `p${n}` },
      ranges,
    }));

    expect((await one({ affected })).rules).toHaveLength(5000);
  });

  it('releases that nobody knows are left out', async () => {
    const affected = ['Debian', 'Debian:sid', 'Bitnami', 'openEuler:24.03'].map((ecosystem) => ({
      package: { ecosystem, name: 'x' },
      versions: ['1'],
    }));

    expect((await one({ affected }, 'osv')).rules).toEqual([]);
  });

  it('a page of a portal is no feed, and neither is half of a record', async () => {
    const cut = made({}).slice(0, -20);

    expect(await codeOf(feedOf('osv-debian'), sourceOf('x', '<!DOCTYPE html><title>Please log in</title>'))).toBe(
      'FEED_INVALID',
    );
    expect(await codeOf(feedOf('osv-debian'), sourceOf('x', cut))).toBe('FEED_INVALID');
    expect(await codeOf(feedOf('osv-debian'), sourceOf('x', ''))).toBe('FEED_INVALID');
  });
});
