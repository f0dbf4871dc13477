import { describe, expect, it } from 'vitest';
import { findFiles, parseTargets } from './index-file.ts';
import { isInside, mirrorKey, suiteFolder } from './mirror.ts';
import { parseShow } from './package-facts.ts';

const hash = 'c2d3e02e92ec3cc77a8a0100900717ae06655c2e1d39ad7be41ed2c61588e9f8';
const index = (filename: string, size = '20672', sha = hash) =>
  [
    'Package: beta2',
    'Version: 2.0',
    'Architecture: all',
    '',
    'Package: beta',
    'Architecture: all',
    'Version: 1.0',
    `Filename: pool/b/beta_1.0_all.deb`,
    'Size: 1',
    `SHA256: ${hash}`,
    '',
    'Package: beta',
    'Architecture: all',
    'Version: 2.0',
    `Filename: ${filename}`,
    `Size: ${size}`,
    `SHA256: ${sha}`,
    '',
  ].join('\n');
const beta = { name: 'beta', version: '2.0', arch: 'all' };

describe('when a mirror folder is named', () => {
  it('is one plain name, other for every repository', () => {
    const keys = [
      { id: 'http://a/debian bookworm main', uri: 'http://a/debian', suite: 'bookworm' },
      { id: 'http://a/debian bookworm contrib', uri: 'http://a/debian', suite: 'bookworm' },
      { id: 'http://a/debian ./', uri: 'http://a/debian', suite: './' },
      { id: 'cdrom:[x]/ bookworm main', uri: 'cdrom:[x]/', suite: 'bookworm' },
      { id: 'file:/../../etc x', uri: 'file:/../../etc', suite: 'x' },
    ].map(mirrorKey);

    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{12}$/);
  });

  it('lays suites and flat repositories out as the archive does', () => {
    expect(suiteFolder({ suite: 'bookworm' })).toBe('dists/bookworm');
    expect(suiteFolder({ suite: 'flat/' })).toBe('flat');
  });
});

describe('when an index names a file', () => {
  it('finds the exact version', () => {
    expect(findFiles(index('./pool/b/beta_2.0_all.deb'), [beta], 'x')).toEqual([
      { wanted: beta, path: 'pool/b/beta_2.0_all.deb', size: 20672, sha256: hash },
    ]);
    expect(
      findFiles(
        index('pool/x.deb'),
        [
          { ...beta, version: '3.0' },
          { ...beta, arch: 'amd64' },
        ],
        'x',
      ),
    ).toEqual([]);
  });

  it.each([
    ['steps upwards', index('../../etc/cron.d/x')],
    ['an absolute path', index('/etc/cron.d/x')],
    ['no size', index('pool/x.deb', 'many')],
    ['no hash', index('pool/x.deb', '1', 'abc')],
  ])('refuses %s', (_, text) => {
    expect(() => findFiles(text, [beta], 'x')).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });

  it.each(['', 'a', '/', 'a/../b', '..'].map((path) => [path, path === 'a']))('"%s" is inside: %s', (path, inside) => {
    expect(isInside(String(path))).toBe(inside);
  });
});

describe('when apt prints targets and packages', () => {
  it('refuses a target that would be written elsewhere', () => {
    expect(parseTargets('/l/x_Packages|main/binary-amd64/Packages\n')).toHaveLength(1);
    expect(() => parseTargets('/l/x_Packages|../Packages\n')).toThrow(expect.objectContaining({ code: 'PARSE' }));
    expect(() => parseTargets('x_Packages main\n')).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });

  it('leaves out versions that only dpkg knows, and refuses sizes it does not understand', () => {
    const stanza = 'Package: a\nVersion: 1\nArchitecture: all\nInstalled-Size: 2\n';
    expect(parseShow(`${stanza}\n`)).toEqual([]);
    expect(parseShow(`${stanza}Filename: x\nSize: 3\n`)).toEqual([
      { name: 'a', version: '1', arch: 'all', downloadBytes: 3, installedBytes: 2048 },
    ]);
    expect(() => parseShow(`${stanza}Filename: x\nSize: 3 kB\n`)).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });
});
