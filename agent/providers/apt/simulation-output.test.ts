import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { describe, expect, it } from 'vitest';
import { parseSimulation } from './simulation-output.ts';

const installed = (name: string, version: string, arch = 'amd64'): InstalledPackage => ({
  provider: 'apt',
  name,
  version,
  arch,
  source: name,
  sourceVersion: version,
  state: 'installed',
  held: false,
  installedAt: null,
});
const facts = {
  installed: [installed('alpha', '1.0', 'all'), installed('torn', '1.0')],
  nativeArch: 'amd64',
  compare: compareDebVersions,
  downloadBytes: 7,
};
const of = (...lines: readonly string[]) => parseSimulation(lines.join('\n'), facts);

describe('when apt-get -s prints a transaction', () => {
  it('is read whole', () => {
    const transaction = of(
      'Reading package lists...',
      'The following packages will be REMOVED:',
      '  alpha',
      'Remv alpha [1.0] [beta:amd64 ]',
      'Purg gone:i386 [2.0]',
      'Inst gamma (1.0 Debian:stable [all])',
      'Inst libssl3 [3.0.15-1~deb12u1] (3.0.17-1~deb12u2 Debian:12.11/stable, Debian-Security:12/stable-security [amd64]) []',
      'Inst libgcc-s1:i386 [12.2.0-14] (12.2.0-15 Debian:12.11/stable [i386]) [gcc-12-base:i386 on libgcc-s1:i386]',
      'Inst local [1:2.0] (1.9 [amd64])',
      'Conf gamma (1.0 Debian:stable [all])',
      'Conf libssl3 (3.0.17-1~deb12u2 Debian:12.11/stable, Debian-Security:12/stable-security [amd64])',
    );

    expect(transaction).toEqual({
      install: [{ name: 'gamma', arch: 'all', from: null, to: '1.0' }],
      upgrade: [
        { name: 'libssl3', arch: 'amd64', from: '3.0.15-1~deb12u1', to: '3.0.17-1~deb12u2' },
        { name: 'libgcc-s1', arch: 'i386', from: '12.2.0-14', to: '12.2.0-15' },
      ],
      downgrade: [{ name: 'local', arch: 'amd64', from: '1:2.0', to: '1.9' }],
      remove: [
        { name: 'alpha', arch: 'all', from: '1.0', to: null },
        { name: 'gone', arch: 'i386', from: '2.0', to: null },
      ],
      downloadBytes: 7,
    });
  });

  it('knows what a torn package comes from, though apt does not say it', () => {
    expect(of('Inst torn (2.0 Debian:stable [amd64])').upgrade).toEqual([
      { name: 'torn', arch: 'amd64', from: '1.0', to: '2.0' },
    ]);
  });

  it.each([
    'Inst',
    'Inst alpha',
    'Inst alpha [1.0]',
    'Inst alpha [1.0] (2.0 Debian:stable)',
    'Inst alpha [1.0] 2.0 Debian:stable [amd64]',
    'Inst alpha [1.0] (2.0 Debian:stable [amd64]) and more',
    'Remv alpha',
    'Remv alpha 1.0',
    'Purg',
    'Conf alpha',
    'Conf alpha (2.0',
  ])('refuses "%s"', (line) => {
    expect(() => of('Reading package lists...', line)).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });

  it('never gives fewer changes than lines about packages', () => {
    const words = fc.constantFrom('Inst', 'Remv', 'Purg');
    const rests = fc.oneof(
      fc.string({ maxLength: 30 }).filter((text) => !text.includes('\n')),
      fc.constantFrom('a [1] (2 X [amd64])', 'a (2 X [amd64])', 'a [1]', 'a:i386 [1]'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(words, rests), { maxLength: 6 }), (lines) => {
        try {
          const { install, upgrade, downgrade, remove } = of(...lines.map(([word, rest]) => `${word} ${rest}`));
          expect(install.length + upgrade.length + downgrade.length + remove.length).toBe(lines.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PARSE' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
