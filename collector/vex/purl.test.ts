import { describe, expect, it } from 'vitest';
import { DISTRIBUTIONS, ecosystemOf } from '../matching/ecosystem.ts';
import { software } from '../matching/testing/data.ts';
import { isAbout, packageOf, purlOf } from './purl.ts';

describe('when software is named by a package URL', () => {
  it('what is written is read as the same, whatever the distribution and its release', () => {
    const ecosystems = DISTRIBUTIONS.flatMap(({ osId }) =>
      ['9', '12', '15.5', '22.04', '2023', '3.19'].flatMap((release) => ecosystemOf(osId, release) ?? []),
    );

    expect(new Set(ecosystems.map((each) => each.split(':', 1)[0])).size).toBe(DISTRIBUTIONS.length);
    for (const ecosystem of ecosystems) {
      const facts = packageOf(purlOf(software(ecosystem, 'bash', '1:5.2-1')));
      expect(facts).toEqual({ ecosystem, name: 'bash', version: '1:5.2-1' });
    }
  });

  it.each([
    ['pkg:rpm/opensuse/bash@5.2?distro=opensuse-leap-15.5', 'openSUSE:15.5'],
    ['pkg:rpm/suse/bash@5.2?distro=sles-15.5', 'SUSE:15.5'],
    ['pkg:deb/debian/bash@5.2?distro=bookworm', 'Debian:12'],
    ['pkg:deb/debian/bash@5.2?distro=12', 'Debian:12'],
    ['pkg:apk/alpine/bash@5.2?distro=alpine-3.18.4', 'Alpine:3.18'],
    ['pkg:rpm/redhat/bash@5.2?distro=redhat-9.2', 'RedHat:9'],
    ['pkg:deb/debian/bash@5.2?distro=sid', undefined],
    ['pkg:deb/debian/bash@5.2?distro=debian-12-or-so', undefined],
  ])('%s is of %s', (purl, ecosystem) => {
    expect(packageOf(purl)?.ecosystem).toBe(ecosystem);
  });

  it('a word about one stream of a module is none about another, nor about a build whose stream nobody knows', () => {
    const about = (label: string | null, module: string | null) => {
      const facts = packageOf(`pkg:rpm/redhat/nodejs${label === null ? '' : `?rpmmod=${encodeURIComponent(label)}`}`);

      return facts !== null && isAbout(facts, software('RedHat:8', 'nodejs', '1:18.1-1.module+el8', { module }));
    };

    for (const label of ['nodejs:18', 'nodejs:18:8090020231031:a75119d5']) {
      expect([about(label, 'nodejs:18'), about(label, 'nodejs:20'), about(label, null)]).toEqual([true, false, false]);
    }
    expect([about(null, 'nodejs:18'), about(null, null)]).toEqual([true, true]);
    expect([about('nodejs', 'nodejs:18'), about('nodejs', null)]).toEqual([false, false]);
  });

  it('a word about builds without a label is one about all that are outside of modules, and about no other', () => {
    const facts = packageOf('pkg:rpm/redhat/ruby?rpmmod=(none)');
    const about = (version: string, module: string | null) =>
      facts !== null && isAbout(facts, software('RedHat:8', 'ruby', version, { module }));

    expect(about('2.5.0-1.el8', null)).toBe(true);
    // Which has no label that anybody told: an agent of before tells none.
    expect([about('2.5.0-1.module+el8', null), about('2.5.0-1.el8', 'ruby:2.5')]).toEqual([false, false]);
  });
});
