// Builds of pockets that are not for everybody: each is judged by what its own pocket says, and by nothing else.
import { describe, expect, it } from 'vitest';
import { judge, matchSoftware } from './matching.ts';
import { software } from './testing/data.ts';
import { before, rule, source } from './testing/rules.ts';

describe('kernels of a paid service', () => {
  const of = (name: string, pocket: string, fixed: string | null) =>
    source('osv-ubuntu', rule({ ecosystem: 'Ubuntu:22.04', package: name, pocket, ranges: before(fixed) }));

  it.each([
    ['linux-fips', 'fips-updates'],
    ['linux-aws-fips', 'fips'],
    ['linux-realtime', 'realtime'],
    ['linux-intel-iot-realtime', 'realtime'],
  ])('%s say where they are from in their names, and are vulnerable there', (name, pocket) => {
    const kernel = (version: string) => software('Ubuntu:22.04', name, version, { kernel: 'running' });
    const rules = [of(name, pocket, '5.15.0-1080.88')];

    expect(matchSoftware(kernel('5.15.0-1032.35'), rules)[0]).toMatchObject({ fixed: '5.15.0-1080.88', pocket });
    expect(matchSoftware(kernel('5.15.0-1080.88'), rules)).toEqual([]);
    expect(judge(kernel('5.15.0-1080.88'), 'CVE-2026-1', rules).says).toBe('fixed');
  });

  it('have nothing to do with those of the ordinary release', () => {
    const rules = [of('linux', 'fips', '5.15.0-1080.88')];

    expect(matchSoftware(software('Ubuntu:22.04', 'linux', '5.15.0-20.20'), rules)).toEqual([]);
  });
});

describe('certified builds', () => {
  const of = (pocket: string, fixed: string | null) =>
    rule({
      ...{ ecosystem: 'Ubuntu:20.04', package: 'openssl', record: `UBUNTU-CVE-2026-1`, pocket },
      ...{ status: fixed === null ? ('open' as const) : ('fixed' as const), ranges: before(fixed) },
    });
  const openssl = (version: string) => software('Ubuntu:20.04', 'openssl', version);
  const rules = [source('osv-ubuntu', of('fips', null), of('fips-updates', '1.1.1f-1ubuntu2.fips.20'))];

  it('that have the fix of their updates are not open because the frozen pocket never gets one', () => {
    expect(matchSoftware(openssl('1.1.1f-1ubuntu2.fips.20'), rules)).toEqual([]);
    expect(matchSoftware(openssl('1.1.1f-1ubuntu2.fips.7'), rules)[0]).toMatchObject({
      ...{ state: 'fixable', pocket: 'fips-updates', fixed: '1.1.1f-1ubuntu2.fips.20' },
    });
  });
});

describe('extended support of a minor release of RHEL', () => {
  const of = (pocket: string | undefined, fixed: string) =>
    rule({
      ...{ ecosystem: 'RedHat:9', package: 'podman', record: 'RHSA-2026:1', names: 'binary', ranges: before(fixed) },
      ...(pocket !== undefined && { pocket }),
    });
  const podman = (version: string) => software('RedHat:9', 'podman', version);
  const rules = [source('redhat', of(undefined, '2:4.9.4-16.el9_4'), of('eus-9.2', '2:4.4.1-21.el9_2'))];

  it('fixes its own builds, which have lower numbers than the ordinary fix', () => {
    expect(matchSoftware(podman('2:4.4.1-21.el9_2'), rules)).toEqual([]);
    expect(matchSoftware(podman('2:4.4.1-21.el9_2.3'), rules)).toEqual([]);
    expect(judge(podman('2:4.4.1-21.el9_2'), 'CVE-2026-1', rules)).toMatchObject({
      ...{ says: 'fixed', evidence: [{ pocket: 'eus-9.2', fixed: '2:4.4.1-21.el9_2' }, {}] },
    });
  });

  it('fixes nothing in older builds, nor in those of another minor release', () => {
    for (const version of ['2:4.4.1-9.el9_2', '2:4.6.1-5.el9', '2:4.6.1-8.el9_3', '2:4.4.1-30.el9_20']) {
      expect(matchSoftware(podman(version), rules)[0]).toMatchObject({ pocket: null, fixed: '2:4.9.4-16.el9_4' });
    }
  });

  it('speaks of its own builds also where the ordinary stream never had the flaw', () => {
    const alone = [source('redhat', of('eus-9.2', '2:4.4.1-21.el9_2'))];

    expect(matchSoftware(podman('2:4.4.1-9.el9_2'), alone)[0]).toMatchObject({ pocket: 'eus-9.2', state: 'fixable' });
    expect(matchSoftware(podman('2:4.4.1-21.el9_2'), alone)).toEqual([]);
    expect(matchSoftware(podman('2:4.2.0-9.el9'), alone)).toEqual([]);
  });

  it('of the last one continues the release: without it every machine is vulnerable', () => {
    const bind = (version: string) => software('RedHat:6', 'bind', version);
    const fix = {
      ...{ ecosystem: 'RedHat:6', package: 'bind', record: 'RHSA-2025:23414', names: 'binary' as const },
      ...{ pocket: 'els-6', ranges: before('32:9.8.2-0.68.rc1.el6_10.17') },
    };
    const rules = [source('redhat', rule(fix))];

    for (const version of ['32:9.8.2-0.68.rc1.el6_10.8', '32:9.8.2-0.62.rc1.el6']) {
      expect(matchSoftware(bind(version), rules)[0]).toMatchObject({
        ...{ pocket: 'els-6', fixed: '32:9.8.2-0.68.rc1.el6_10.17', state: 'fixable' },
      });
    }
    expect(matchSoftware(bind('32:9.8.2-0.68.rc1.el6_10.17'), rules)).toEqual([]);
  });
});

describe('kernels of a special interest group', () => {
  it('are judged by what their group says', () => {
    const kernel = (version: string) => software('Rocky:8', 'kernel', version, { kernel: 'running' });
    const fix = { ecosystem: 'Rocky:8', package: 'kernel', record: 'RXSA-2023:0101', pocket: 'sig-cloud' };
    const rules = [source('osv-rocky', rule({ ...fix, ranges: before('0:4.18.0-425.10.1.el8_7.cloud') }))];

    expect(matchSoftware(kernel('4.18.0-425.3.1.el8_7.cloud'), rules)[0]).toMatchObject({ pocket: 'sig-cloud' });
    expect(matchSoftware(kernel('4.18.0-425.10.1.el8_7.cloud'), rules)).toEqual([]);
    expect(matchSoftware(kernel('4.18.0-425.3.1.el8'), rules)).toEqual([]);
  });
});

describe('a source that only speaks of other builds', () => {
  const alma = (feed: string, module: string, fixed: string) =>
    source(
      feed,
      rule({
        ecosystem: 'AlmaLinux:8',
        package: 'nodejs',
        record: 'ALSA-1',
        names: 'binary',
        module,
        ranges: before(fixed),
      }),
    );
  const nodejs = software('AlmaLinux:8', 'nodejs', '1:16.1.0-1.module_el8.6.0+1+aa', { module: 'nodejs:16' });
  const other = alma('redhat', 'nodejs:18', '1:18.9.0-1.module_el8.9.0+2+bb');

  it('leaves the word to the next one that speaks of this stream', () => {
    const next = alma('updateinfo', 'nodejs:16', '1:16.9.0-1.module_el8.9.0+2+bb');

    expect(matchSoftware(nodejs, [other, next])[0]).toMatchObject({ fixed: '1:16.9.0-1.module_el8.9.0+2+bb' });
    expect(matchSoftware(nodejs, [other])).toEqual([]);
  });

  it('retires no intelligence of our own', () => {
    const own = alma('advisory', 'nodejs:16', '1:16.9.0-1.module_el8.9.0+2+bb');
    const openssl = (feed: string, pocket: string | undefined) =>
      source(feed, rule({ ecosystem: 'Ubuntu:22.04', package: 'openssl', ...(pocket !== undefined && { pocket }) }));
    const host = software('Ubuntu:22.04', 'openssl', '1.0-1');

    expect(matchSoftware(nodejs, [other, own])[0]?.evidence[0]?.feed).toBe('advisory');
    expect(matchSoftware(host, [openssl('osv-ubuntu', 'fips'), openssl('advisory', undefined)])[0]).toMatchObject({
      fixed: '2.0-1',
    });
    expect(
      matchSoftware(host, [openssl('osv-ubuntu', undefined), openssl('advisory', undefined)])[0]?.evidence[0],
    ).toMatchObject({ feed: 'osv-ubuntu' });
  });
});
