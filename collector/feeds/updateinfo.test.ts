import { describe, expect, it } from 'vitest';
import { codeOf, fixture, readAll, sourceOf } from './testing/reading.ts';
import { ecosystemOf } from './updateinfo/rules.ts';
import { updateinfo } from './updateinfo.ts';

const alma = fixture(new URL('updateinfo/fixtures/almalinux9-updateinfo.xml', import.meta.url)).toString('utf8');
const read = (xml: string) => readAll(updateinfo, sourceOf('updateinfo.xml', xml));
const notice = (id: string, ...releases: readonly string[]) => ({
  ...{ id, type: 'security', severity: null, issued: null, cves: [] },
  packages: releases.map((release) => ({ name: 'a', epoch: '0', version: '1', release, arch: 'noarch', module: null })),
});

describe('when updateinfo of a distribution is read', () => {
  it('advisories of security are rules for binary packages, those of bugs are none', async () => {
    const { rules, problems, asOf } = await read(alma);

    expect(problems).toEqual([]);
    expect(rules).toEqual([
      {
        ...{ ecosystem: 'AlmaLinux:9', package: 'nodejs', record: 'ALSA-2023:7549', cves: ['CVE-2023-44487'] },
        ...{ status: 'fixed', names: 'binary', urgency: 'Moderate', published: '2023-11-28T00:00:00Z' },
        ranges: [{ introduced: null, fixed: '1:18.18.2-1.el9', lastAffected: null }],
      },
      expect.objectContaining({ package: 'xz', record: 'ALSA-2022:4940', cves: ['CVE-2022-1271'] }),
    ]);
    expect(asOf).toBe('2023-11-28T00:00:00Z');
  });

  it('sources and packages for debuggers have no rule, and the same package of two architectures has one', async () => {
    const one = /<package name="xz"[\s\S]*?<\/package>/.exec(alma)?.[0] ?? '';
    const more = [
      one,
      one.replace('x86_64"', 'aarch64"'),
      one.replace('x86_64"', 'src"'),
      one.replace('name="xz"', 'name="xz-debuginfo"'),
    ];
    const { rules } = await read(alma.replace(one, more.join('')));

    expect(rules.map(({ package: name }) => name)).toEqual(['nodejs', 'xz']);
  });

  it.each([
    ['RHSA-2024:0811', ['1.el8_6'], 'RedHat:8'],
    ['RLSA-2023:3820', ['1.module+el9.2.0+14751+88a65107'], 'Rocky:9'],
    ['ELSA-2023-1', ['3.el7_9.1'], 'Oracle:7'],
    ['FEDORA-2024-00ff', ['2.fc40'], 'Fedora:40'],
    ['ALAS2023-2024-100', ['1.amzn2023.0.2'], 'Amazon:2023'],
    ['RHSA-2024:1', ['1.el8', '1.el9'], null],
    ['RHSA-2024:1', ['1'], null],
    ['FEDORA-EPEL-2024-1', ['1.el9'], null],
    ['SUSE-2024-1', ['150500.1.1'], null],
  ])('%s of %o is for %s', (id, releases, ecosystem) => {
    expect(ecosystemOf(notice(id, ...releases))).toBe(ecosystem);
  });

  it('one of which nobody can tell the release is said, and has no rule', async () => {
    const { rules, problems } = await read(alma.replace('ALSA-2022:4940', 'XYZ-2022:4940'));

    expect(rules).toHaveLength(1);
    expect(problems).toEqual([{ name: 'XYZ-2022:4940', reason: expect.stringContaining('which release') }]);
  });
});

describe('when something else comes instead', () => {
  it.each([
    ['nothing', ''],
    ['half of it', alma.slice(0, alma.length / 2)],
    ['an empty list', '<updates></updates>'],
    [
      'a bomb of entities',
      alma.replace('<updates>', '<!DOCTYPE u [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><updates>'),
    ],
    ['a page', '<html><body>blocked</body></html>'],
    ['JSON', '{}'],
  ])('%s is refused', async (_, xml) => {
    expect(await codeOf(updateinfo, sourceOf('updateinfo.xml', xml))).toBe('FEED_INVALID');
  });
});
