// One spelling of every release, from hosts and from feeds.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { DISTRIBUTIONS, ecosystemOf, kindOf, normaliseEcosystem, normaliseName } from './ecosystem.ts';

describe('when a machine says which release it is', () => {
  it.each([
    ['debian', '12', 'Debian:12'],
    ['ubuntu', '22.04', 'Ubuntu:22.04'],
    ['rhel', '9.5', 'RedHat:9'],
    ['almalinux', '8.10', 'AlmaLinux:8'],
    ['rocky', '9', 'Rocky:9'],
    ['alpine', '3.19.1', 'Alpine:3.19'],
    ['amzn', '2023', 'Amazon:2023'],
    ['arch', '', 'Arch'],
    ['Debian', '12', 'Debian:12'],
  ])('%s %s is %s', (id, version, ecosystem) => {
    expect(ecosystemOf(id, version)).toBe(ecosystem);
  });

  it.each([
    ['debian', ''],
    ['debian', 'sid'],
    ['ubuntu', '22'],
    ['raspbian', '12'],
    ['linuxmint', '21'],
    ['', '12'],
    ['debian', '12; rm'],
    ['constructor', '1'],
  ])('%s %s is known to nobody', (id, version) => {
    expect(ecosystemOf(id, version)).toBeNull();
  });
});

describe('when a feed says of which ecosystem it speaks', () => {
  it.each([
    ['Debian:12', 'Debian:12', null],
    ['Ubuntu:22.04:LTS', 'Ubuntu:22.04', null],
    ['Ubuntu:24.10', 'Ubuntu:24.10', null],
    ['Ubuntu:Pro:18.04:LTS', 'Ubuntu:18.04', 'esm'],
    ['Ubuntu:Pro:FIPS:20.04:LTS', 'Ubuntu:20.04', 'fips'],
    ['Ubuntu:Pro:FIPS-updates:20.04:LTS', 'Ubuntu:20.04', 'fips-updates'],
    ['Ubuntu:Pro:22.04:LTS:Realtime:Kernel', 'Ubuntu:22.04', 'realtime'],
    ['Ubuntu:Pro:Realtime:24.04:LTS', 'Ubuntu:24.04', 'realtime'],
    ['Ubuntu:Pro:constructor:22.04:LTS', 'Ubuntu:22.04', 'esm'],
    ['AlmaLinux:9', 'AlmaLinux:9', null],
    ['Rocky Linux:9', 'Rocky:9', null],
    ['Red Hat:enterprise_linux:9::baseos', 'RedHat:9', null],
    ['Red Hat:rhel_eus:8.4::appstream', 'RedHat:8', 'rhel_eus'],
    ['Alpine:v3.19', 'Alpine:3.19', null],
    ['openSUSE:Leap 15.6', 'openSUSE:15.6', null],
    ['PyPI', 'PyPI', null],
    ['Maven:https://repo.example/maven', 'Maven', null],
    ['Wolfi', 'Wolfi', null],
  ])('%s is %s, pocket %s', (text, ecosystem, pocket) => {
    expect(normaliseEcosystem(text)).toEqual({ ecosystem, pocket });
  });

  it.each([
    '',
    'Debian',
    'AlmaLinux',
    'Alpine',
    'Ubuntu',
    'Ubuntu:Pro',
    'Red Hat:openshift:4.12',
    'Android',
    'GIT',
    'debian:12',
    ':12',
    'Debian:',
  ])('%j names no release', (text) => {
    expect(normaliseEcosystem(text)).toBeNull();
  });

  it('takes its own spelling back, and never throws', () => {
    for (const { name, release } of DISTRIBUTIONS) {
      const own = release === 'none' ? name : `${name}:${release === 'major' ? '9' : '9.1'}`;
      expect(normaliseEcosystem(own)).toEqual({ ecosystem: own, pocket: null });
      expect(kindOf(own)).not.toBeNull();
    }
    fc.assert(fc.property(fc.string(), (text) => void normaliseEcosystem(text)));
    fc.assert(fc.property(fc.string(), fc.string(), (id, version) => void ecosystemOf(id, version)));
  });
});

describe('names of packages', () => {
  it('are the same after being made the same', () => {
    fc.assert(
      fc.property(fc.constantFrom('PyPI', 'npm', 'Go', 'Debian:12', 'NuGet'), fc.string(), (ecosystem, name) => {
        const once = normaliseName(ecosystem, name);

        expect(normaliseName(ecosystem, once)).toBe(once);
      }),
    );
  });
});
