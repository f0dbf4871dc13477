// Whose builds packages are, by the vendor that rpm names, and of which module, by the label that builders leave.
import { describe, expect, it } from 'vitest';
import { parseRpmList, rpmFormat } from './rpm-list.ts';

const originOf = (vendor: string) =>
  parseRpmList(`a\t(none)\t1\t1.el9\tx86_64\ta-1-1.el9.src.rpm\t1700000000\t${vendor}\n`, {
    file: 'list',
    provider: 'dnf',
  })[0]?.origin;

describe('when rpm says who built a package', () => {
  it.each([
    'Red Hat, Inc.',
    'Rocky Enterprise Software Foundation',
    'AlmaLinux',
    'CentOS',
    'Oracle America',
    'Amazon Linux',
    'SUSE LLC <https://www.suse.com/>',
  ])('%s builds a distribution, whose advisories speak of it', (vendor) => {
    expect(originOf(vendor)).toBeNull();
  });

  // MySQL and VirtualBox from repositories of their own; the agent of Amazon's cloud, on whatever distribution.
  it.each([
    'Oracle and/or its affiliates',
    'Oracle Corporation',
    'Amazon.com',
    'Docker',
    'PostgreSQL Global Development Group',
  ])('%s does not: nobody may take its builds for covered', (vendor) => {
    expect(originOf(vendor)).toBe(vendor);
  });

  it('nothing is known where it says nothing', () => {
    expect(originOf('(none)')).toBeUndefined();
  });
});

describe('when rpm says of which module a package is', () => {
  const options = { file: 'list', provider: 'dnf' } as const;
  const line = (name: string, ...more: readonly string[]) =>
    `${[name, '(none)', '1', '1.el9', 'x86_64', '(none)', '1700000000', 'Rocky', ...more].join('\t')}\n`;
  const moduleOf = (label: string) => parseRpmList(line('a', label), options)[0]?.module;

  it.each([
    'nodejs:18:9030020240301111035:rhel9',
    'container-tools:rhel8:8100020240808093819:afee755d',
    'perl-DBI:1.641:8010020190322130042:16b3ab4d:x86_64',
    'idm:DL1',
    'virt:rhel::',
  ])('%s is kept as it is', (label) => {
    expect(moduleOf(label)).toBe(label);
  });

  it.each(['(none)', '', 'nodejs', ':18', 'nodejs:', 'nodejs :18', 'a:b:c:d:e:f', 'Ünicode:1', `a:${'1'.repeat(600)}`])(
    '%j is none, and the package is there',
    (label) => {
      expect(parseRpmList(line('a', label), options)).toMatchObject([{ name: 'a', origin: null }]);
      expect(moduleOf(label)).toBeUndefined();
    },
  );

  it('a list of before has no labels, and one has them for all its packages or for none', () => {
    expect(parseRpmList(line('a') + line('b'), options).map(({ name, module }) => [name, module])).toEqual([
      ['a', undefined],
      ['b', undefined],
    ]);
    for (const mixed of [line('a') + line('b', '(none)'), line('a', '(none)') + line('b')]) {
      expect(() => parseRpmList(mixed, options)).toThrow(/line 2 has \d parts, not \d/);
    }
    for (const odd of [line('a', '(none)', 'more'), 'a\tb\n']) {
      expect(() => parseRpmList(odd, options)).toThrow(/line 1 has \d+ parts, not 9/);
    }
  });

  it('is asked for where rpm knows the tag, and nowhere else', () => {
    for (const tags of ['NAME\nMODULARITYLABEL\nVERSION\n', 'Name\nModularityLabel\n', 'MODULARITYLABEL']) {
      expect(rpmFormat(tags)).toMatch(/%[{]VENDOR[}]\\t%[{]MODULARITYLABEL[}]\\n$/);
    }
    for (const tags of ['', 'NAME\nVENDOR\n', 'NOMODULARITYLABEL\n']) {
      expect(rpmFormat(tags)).toMatch(/%[{]VENDOR[}]\\n$/);
    }
  });
});
