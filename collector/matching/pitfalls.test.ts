import { beforeAll, describe, expect, it } from 'vitest';
import type { Feed } from '../feeds/feed.ts';
import { OSV_FEEDS } from '../feeds/osv.ts';
import { advisedSource } from './kernel.ts';
import { judge, matchSoftware, packagesOf } from './matching.ts';
import { matched, type Rules, rulesOf, snapshotRules, software, sourcesOf, table } from './testing/data.ts';
import { before, rule, source } from './testing/rules.ts';

const osv = (name: string) => OSV_FEEDS.find((one) => one.name === name) as Feed;
const demo = (version: string) => software('Debian:12', 'demo', version);
const hostPackages = () => table('debian-12-host.packages');
const cvesOf = (matches: readonly { readonly cve: string }[]) => matches.map(({ cve }) => cve);

describe('versions of packages', () => {
  it('are those of the source package, which may be numbered otherwise than its binaries', () => {
    const rows = hostPackages().filter(({ binary = '' }) => ['dmsetup', 'cpp', 'bsdutils'].includes(binary));
    const rules = [source('osv-debian', rule({ package: 'lvm2', ranges: before('2.03.16-3') }))];

    // dmsetup 2:1.02.185-2 is built from lvm2 2.03.16-2: by its own number it would be newer than every fix.
    expect(sourcesOf('Debian:12', rows).map(({ name, version }) => `${name} ${version}`)).toEqual([
      'util-linux 2.38.1-5+deb12u3',
      'gcc-defaults 1.203',
      'lvm2 2.03.16-2',
    ]);
    expect(matchSoftware(software('Debian:12', 'lvm2', '2.03.16-2'), rules)).toHaveLength(1);
    expect(matchSoftware(software('Debian:12', 'lvm2', '2:1.02.185-2'), rules)).toHaveLength(0);
  });

  it('lose the +bN of a rebuild, which changes no source and fixes nothing', () => {
    expect(advisedSource('Debian:12', { name: 'libcap2', version: '1:2.66-4+deb12u2+b2' }).version).toBe(
      '1:2.66-4+deb12u2',
    );
    expect(advisedSource('Ubuntu:22.04', { name: 'demo', version: '1.0-1+b2' }).version).toBe('1.0-1+b2');
    // `+b9` sorts before `+deb12u1`, and `1.0-1+b9` after `1.0-1+a`: with the rebuild the answer depends on letters.
    expect(matchSoftware(demo('1.0-1+b9'), [source('osv-debian', rule({ ranges: before('1.0-1+a1') }))])).toHaveLength(
      1,
    );
    expect(matchSoftware(demo('1.0-1+b9'), [source('osv-debian', rule({ ranges: before('1.0-1') }))])).toHaveLength(0);
  });

  it('that cannot be compared make a finding that says unknown and why', () => {
    for (const version of ['', 'a b', '1:', 'x'.repeat(5000)]) {
      const [match] = matchSoftware(demo(version), [source('osv-debian', rule())]);

      expect(match).toMatchObject({ state: 'open', status: 'undetermined', fixed: null });
      expect(match?.evidence[0]).toMatchObject({
        says: 'unknown',
        rule: expect.stringContaining('cannot be compared'),
      });
    }
    const [absurd] = matchSoftware(demo('1.0-1'), [source('osv-debian', rule({ ranges: before('9'.repeat(5000)) }))]);
    expect(absurd?.status).toBe('undetermined');
    expect(absurd?.evidence[0]?.rule.length).toBeLessThan(400);
  });

  it('of an ecosystem whose order nobody knows are unknown, never compared as text', () => {
    const maven = rule({ ecosystem: 'Maven', package: 'org.demo:demo', ranges: before('2.0') });
    const [match] = matchSoftware(software('Maven', 'org.demo:demo', '1.0'), [source('osv', maven)]);

    expect(match).toMatchObject({ status: 'undetermined', fixed: null });
    expect(match?.evidence[0]?.rule).toContain('nobody here knows how versions of Maven are ordered');
  });

  it('of rpm are those of the package or of its source, as the record means', () => {
    const errno = (more: object) =>
      software('Rocky:9', 'perl-Errno', '1.30-471.el9', { source: 'perl', sourceVersion: '5.32.1-481.el9', ...more });
    const ofSource = source(
      'osv-rocky',
      rule({ ecosystem: 'Rocky:9', package: 'perl', ranges: before('4:5.32.1-481.el9') }),
    );
    const ofBinary = source(
      'osv-almalinux',
      rule({ ecosystem: 'Rocky:9', package: 'perl-Errno', names: 'binary', ranges: before('1.30-481.el9') }),
    );
    const ofOther = source(
      'osv-almalinux',
      rule({ ecosystem: 'Rocky:9', package: 'perl', names: 'binary', ranges: before('9.0-1.el9') }),
    );

    // By the number of the package alone (1.30) it would be older than every perl.
    expect(matchSoftware(errno({}), [ofSource])).toEqual([]);
    expect(matchSoftware(errno({ sourceVersion: '5.32.1-480.el9' }), [ofSource])[0]?.evidence[0]?.rule).toBe(
      'rpm: source perl 5.32.1-480.el9 < 4:5.32.1-481.el9',
    );
    expect(matchSoftware(errno({}), [ofBinary])).toHaveLength(1);
    expect(matchSoftware(errno({}), [ofOther])).toEqual([]);
    expect(packagesOf(errno({})).map((one) => one.package)).toEqual(['perl-Errno', 'perl']);
  });

  it('of rpm may come with an epoch or without, and none is zero', () => {
    const rules = [
      source(
        'osv-almalinux',
        rule({
          ecosystem: 'AlmaLinux:9',
          package: 'bind-libs',
          names: 'binary',
          ranges: before('32:9.16.23-24.el9_5.3'),
        }),
      ),
    ];
    const bind = (version: string) =>
      matchSoftware(software('AlmaLinux:9', 'bind-libs', version, { source: 'bind' }), rules);

    expect(bind('32:9.16.23-24.el9_5')).toHaveLength(1);
    expect(bind('32:9.16.23-24.el9_5.3')).toHaveLength(0);
    expect(bind('33:1.0-1.el9')).toHaveLength(0);
    // A list that leaves the epoch out makes the package look older than every fix: it is found, not lost.
    expect(bind('9.18.0-1.el9')).toHaveLength(1);
    const plain = [source('osv-almalinux', rule({ ecosystem: 'AlmaLinux:9', ranges: before('0:2.0-1.el9') }))];
    expect(matchSoftware(software('AlmaLinux:9', 'demo', '2.0-1.el9'), plain)).toHaveLength(0);
  });
});

describe('kernels', () => {
  const rules = [source('osv-debian', rule({ package: 'linux', ranges: before('6.1.170-1') }))];
  const signed = (version: string, kernel: 'running' | 'installed' | null = 'running') =>
    matchSoftware(software('Debian:12', 'linux-signed-amd64', version, { kernel }), rules);

  it('that are signed come from a source package of another name, whose versions have a plus for the dash', () => {
    expect(advisedSource('Debian:12', { name: 'linux-signed-amd64', version: '6.1.170+3' })).toEqual({
      name: 'linux',
      version: '6.1.170-3',
    });
    expect(advisedSource('Debian:12', { name: 'linux-signed-arm64', version: '6.12.9+1~bpo12+1' })).toEqual({
      ...{ name: 'linux', version: '6.12.9-1~bpo12+1' },
    });
    // Of a release that has a newer kernel beside its own: linux-6.12 in Debian 12, linux-6.1 in 11.
    expect(advisedSource('Debian:12', { name: 'linux-signed-6.12-amd64', version: '6.12.115+2~deb12u1' })).toEqual({
      ...{ name: 'linux-6.12', version: '6.12.115-2~deb12u1' },
    });
    const newer = software('Debian:12', 'linux-signed-6.12-amd64', '6.12.113+1~deb12u1', { kernel: 'running' });
    const newest = [source('debian-tracker', rule({ package: 'linux-6.12', ranges: before('6.12.115-2~deb12u1') }))];
    expect(packagesOf(newer)).toEqual([{ ecosystem: 'Debian:12', package: 'linux-6.12' }]);
    expect(matchSoftware(newer, newest)[0]).toMatchObject({ cve: 'CVE-2026-1', fixed: '6.12.115-2~deb12u1' });
    expect(advisedSource('Ubuntu:22.04', { name: 'linux-signed-aws', version: '6.8.0-1.1' })).toEqual({
      name: 'linux-aws',
      version: '6.8.0-1.1',
    });
    expect(signed('6.1.119+1')[0]).toMatchObject({ cve: 'CVE-2026-1', fixed: '6.1.170-1' });
    expect(signed('6.1.170+3')).toEqual([]);
  });

  it('that do not run, and headers or tools of their sources, say so in their evidence', () => {
    expect(signed('6.1.119+1')[0]?.evidence[0]?.rule).toBe('deb: 6.1.119-1 < 6.1.170-1');
    expect(signed('6.1.119+1', 'installed')[0]?.evidence[0]?.rule).toContain('installed but does not run');
    // linux-libc-dev and linux-perf of a container: no kernel at all.
    expect(signed('6.1.119+1', null)[0]?.evidence[0]?.rule).toContain('only headers or tools');
    const [firmware] = matchSoftware(software('Debian:12', 'linux-firmware', '1-1'), [
      source('osv-debian', rule({ package: 'linux-firmware' })),
    ]);
    expect(firmware?.evidence[0]?.rule).not.toContain('headers');
  });

  it('of flavours have records of their own, and those that were given up have no fix any more', () => {
    const flavours = [
      source('osv-ubuntu', rule({ ecosystem: 'Ubuntu:22.04', package: 'linux', ranges: before('5.15.0-100.110') })),
      source(
        'osv-ubuntu',
        rule({ ecosystem: 'Ubuntu:22.04', package: 'linux-hwe-6.2', status: 'end-of-life', ranges: before(null) }),
      ),
    ];

    expect(matchSoftware(software('Ubuntu:22.04', 'linux-aws', '5.15.0-1.1'), flavours)).toEqual([]);
    expect(matchSoftware(software('Ubuntu:22.04', 'linux-hwe-6.2', '6.2.0-39.40'), flavours)[0]).toMatchObject({
      ...{ state: 'open', status: 'end-of-life' },
    });
  });
});

describe('statuses of a distribution', () => {
  it.each(['open', 'minor', 'postponed', 'ignored', 'end-of-life'] as const)(
    '%s is affected, and shown as such',
    (status) => {
      const [match] = matchSoftware(demo('1.0-1'), [source('debian-tracker', rule({ status, ranges: before(null) }))]);

      expect(match).toMatchObject({ state: 'open', status, fixed: null });
      expect(match?.evidence[0]).toMatchObject({ says: 'affected', rule: 'deb: 1.0-1, no version has a fix' });
    },
  );

  it('undetermined is shown as what nobody knows', () => {
    const [match] = matchSoftware(demo('1.0-1'), [
      source('debian-tracker', rule({ status: 'undetermined', ranges: before(null) })),
    ]);

    expect(match).toMatchObject({ state: 'open', status: 'undetermined' });
    expect(match?.evidence[0]?.says).toBe('unknown');
  });

  it('not affected, and "fixed" in version 0, are no findings, and are answered when asked', () => {
    const never = [source('debian-tracker', rule({ status: 'not-affected', ranges: [] }))];
    const zero = [source('debian-tracker', rule({ ranges: before('0') }))];

    for (const rules of [never, zero]) {
      expect(matchSoftware(demo('1.0-1'), rules)).toEqual([]);
      expect(judge(demo('1.0-1'), 'CVE-2026-1', rules)).toMatchObject({
        says: 'not-affected',
        match: null,
        evidence: [{ record: 'CVE-2026-1' }],
      });
    }
  });

  it('unimportant is an urgency and no reason to hide anything', async () => {
    const rules = await snapshotRules(osv('osv-debian'));
    const urgencies = sourcesOf('Debian:12', hostPackages()).flatMap((one) =>
      matched(one, rules).map(({ urgency }) => urgency),
    );

    expect(urgencies.filter((urgency) => urgency === 'unimportant')).toHaveLength(240);
    expect(urgencies).toHaveLength(729);
  });

  it('a fix of a point release is for everybody, and says where it comes from', () => {
    const late = rule({ pocket: 'point-release', ranges: before('1.0-1+deb12u1') });
    const [match] = matchSoftware(demo('1.0-1'), [source('debian-tracker', late)]);

    expect(match).toMatchObject({ state: 'fixable', fixed: '1.0-1+deb12u1', pocket: 'point-release' });
    expect(matchSoftware(demo('1.0-1+deb12u1'), [source('debian-tracker', late)])).toEqual([]);
    // 55 of 136 upgradable packages of the reference host were in no security suite.
    expect(
      table('debian-12-host.upgradable').filter(({ in_security_suite }) => in_security_suite === 'false'),
    ).toHaveLength(55);
  });

  it('withdrawn records match nothing', () => {
    const withdrawn = rule({ withdrawn: '2025-08-01T19:34:27Z' as never });

    expect(matchSoftware(demo('1.0-1'), [source('osv-debian', withdrawn)])).toEqual([]);
    expect(judge(demo('1.0-1'), 'CVE-2026-1', [source('osv-debian', withdrawn)]).says).toBe('unknown');
  });
});

describe('pockets', () => {
  const magick = (version: string) => software('Ubuntu:22.04', 'imagemagick', version);
  const of = (more: Parameters<typeof rule>[0]) => rule({ ecosystem: 'Ubuntu:22.04', package: 'imagemagick', ...more });
  const open = of({ status: 'open', ranges: before(null) });
  const paid = of({
    record: 'UBUNTU-CVE-2026-1',
    pocket: 'esm-apps',
    ranges: before('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.3+esm1'),
  });
  const rules = [source('osv-ubuntu', open, paid)];

  it('of paid support have fixes that are not for everybody', () => {
    expect(matchSoftware(magick('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.3'), rules)[0]).toMatchObject({
      ...{ state: 'fixable', pocket: 'esm-apps', fixed: '8:6.9.11.60+dfsg-1.3ubuntu0.22.04.3+esm1' },
    });
    expect(matchSoftware(magick('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.3+esm1'), rules)).toEqual([]);
    expect(matchSoftware(magick('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.3+esm2'), rules)).toEqual([]);
  });

  it('fix nothing for a newer version that did not come from them', () => {
    expect(matchSoftware(magick('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.5'), rules)[0]).toMatchObject({
      state: 'open',
      fixed: null,
    });
  });

  it('never hide a fix that is for everybody', () => {
    const newer = of({
      record: 'UBUNTU-CVE-2026-1',
      pocket: 'esm-apps',
      ranges: before('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.4+esm1'),
    });
    const free = of({ ranges: before('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.4') });
    const [match] = matchSoftware(magick('8:6.9.11.60+dfsg-1.3ubuntu0.22.04.3'), [source('osv-ubuntu', free, newer)]);

    expect(match).toMatchObject({ state: 'fixable', pocket: null, fixed: '8:6.9.11.60+dfsg-1.3ubuntu0.22.04.4' });
  });

  it('of certified builds speak only of those builds', () => {
    const openssl = (version: string) => software('Ubuntu:22.04', 'openssl', version);
    const fips = rule({
      ecosystem: 'Ubuntu:22.04',
      package: 'openssl',
      pocket: 'fips',
      ranges: before('3.0.2-0ubuntu1.9+Fips1'),
    });
    const both = [
      source(
        'osv-ubuntu',
        fips,
        rule({ ecosystem: 'Ubuntu:22.04', package: 'openssl', ranges: before('3.0.2-0ubuntu1.8') }),
      ),
    ];

    expect(matchSoftware(openssl('3.0.2-0ubuntu1.8'), both)).toEqual([]);
    expect(matchSoftware(openssl('3.0.2-0ubuntu1.8'), [source('osv-ubuntu', fips)])).toEqual([]);
    expect(matchSoftware(openssl('3.0.2-0ubuntu1.8+Fips1'), both)[0]).toMatchObject({
      pocket: 'fips',
      fixed: '3.0.2-0ubuntu1.9+Fips1',
    });
  });
});

describe('modules of the RHEL family', () => {
  let alma: Rules;
  beforeAll(async () => {
    alma = await snapshotRules(osv('osv-almalinux'));
  });
  const nodejs = (version: string, module: string | null) =>
    matched(software('AlmaLinux:8', 'nodejs', version, { module }), alma).filter(
      ({ evidence }) => evidence[0]?.says === 'affected',
    );
  const advisories = (matches: ReturnType<typeof nodejs>) => new Set(matches.flatMap(({ records }) => records));

  it('have a fix for each stream, which says nothing of the others', () => {
    const found = nodejs('1:22.22.2-1.module_el8.10.0+4158+e796f37f', 'nodejs:22:8100020260401:abc');

    // 22.23.1 fixes it in this stream; 24.18.0 of another stream is newer and means nothing.
    expect(advisories(found)).toContain('ALSA-2026:41947');
    expect(advisories(found)).not.toContain('ALSA-2026:39868');
    expect(found.find(({ cve }) => cve === 'CVE-2026-12151')?.fixed).toBe('1:22.23.1-1.module_el8.10.0+4231+1bf2f855');
    expect(nodejs('1:22.23.1-2.module_el8.10.0+4236+04bc75d9', 'nodejs:22')).toEqual([]);
  });

  it('are named in the evidence: the stream that a fix is of, and that of the build', () => {
    const version = '1:22.22.2-1.module_el8.10.0+4158+e796f37f';
    const said = (cve: string) =>
      judge(
        software('AlmaLinux:8', 'nodejs', version, { module: 'nodejs:22' }),
        cve,
        rulesOf(software('AlmaLinux:8', 'nodejs', version), alma),
      ).evidence.map(({ record, rule: words, says }) => [record, says, words]);

    expect(said('CVE-2026-12151')).toContainEqual([
      'ALSA-2026:41947',
      'affected',
      `rpm: ${version} < 1:22.23.1-1.module_el8.10.0+4231+1bf2f855, in module nodejs:22`,
    ]);
    expect(said('CVE-2026-12151')).toContainEqual([
      'ALSA-2026:39868',
      'not-affected',
      expect.stringMatching(/, but only in module nodejs:24, and this build is of module nodejs:22$/),
    ]);
  });

  it('whose stream nobody told are unknown, not clean and not affected', () => {
    const [match] = matched(software('AlmaLinux:8', 'nodejs', '1:22.22.2-1.module_el8.10.0+4158+e796f37f'), alma);

    expect(match).toMatchObject({ state: 'open', status: 'undetermined' });
    expect(match?.evidence[0]?.rule).toContain('of which stream this build is nobody told');
  });

  it('say nothing of builds outside of modules, and those nothing of them', () => {
    expect(nodejs('1:10.0.0-1.el8', null)).toEqual([]);
    const plain = rule({ ecosystem: 'AlmaLinux:8', ranges: before('2.0-1.el8') });
    const build = software('AlmaLinux:8', 'demo', '1.0-1.module_el8.6.0+2904+fa11d1f5', { module: 'demo:1' });
    expect(matchSoftware(build, [source('osv-almalinux', plain)])).toEqual([]);
  });

  it('are not meant by every title with a colon', () => {
    // "Moderate: python3:3.6.8 security update" is about plain packages: the version of the fix has no mark of a module.
    const python = matched(software('AlmaLinux:8', 'platform-python', '3.6.8-1.el8.0.1', { source: 'python3' }), alma);

    expect(python.find(({ cve }) => cve === 'CVE-2024-11168')).toMatchObject({
      state: 'fixable',
      fixed: '3.6.8-69.el8_10.alma.1',
    });
  });

  it('and all others may have two builds of one fix, with .alma and without: either will do', () => {
    const python = (version: string) =>
      matched(software('AlmaLinux:8', 'platform-python', version, { source: 'python3' }), alma).find(
        ({ cve }) => cve === 'CVE-2021-3426',
      );

    expect(python('3.6.8-40.el8')).toMatchObject({ fixed: '3.6.8-41.el8', records: ['ALSA-2021:4399'] });
    expect(python('3.6.8-41.el8')).toBeUndefined();
    expect(python('3.6.8-41.el8.alma')).toBeUndefined();
  });

  it('bug fixes and enhancements that name no CVE are no findings', () => {
    const errata = ['ALBA-2022:1993', 'ALEA-2020:4802', 'RHBA-2024:1', 'RLEA-2024:1'].map((record) =>
      rule({ ecosystem: 'AlmaLinux:8', record, cves: [], ranges: before('2.0-1.el8') }),
    );
    const old = software('AlmaLinux:8', 'demo', '1.0-1.el8');

    expect(matchSoftware(old, [source('osv-almalinux', ...errata)])).toEqual([]);
    const closing = rule({
      ecosystem: 'AlmaLinux:8',
      record: 'ALBA-2022:8256',
      cves: ['CVE-2022-36369'],
      ranges: before('2.0-1.el8'),
    });
    expect(cvesOf(matchSoftware(old, [source('osv-almalinux', closing)]))).toEqual(['CVE-2022-36369']);
  });
});
