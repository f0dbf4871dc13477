// Whose builds packages are, by the vendor that rpm names.
import { describe, expect, it } from 'vitest';
import { parseRpmList } from './rpm-list.ts';

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
