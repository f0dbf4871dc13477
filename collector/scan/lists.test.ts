import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { readSubject } from './read.ts';
import { dpkgStatus, OS_DEBIAN } from './testing/samples.ts';
import { refusal, rows, STATUS, scanFolder } from './testing/scan-folder.ts';

const { folder, put, osDebian, osAlma, scan } = scanFolder();

describe('when a dpkg status file is scanned', () => {
  const expected = [
    ['Debian:12', 'openssl', '3.0.9-1', 'libssl3 openssl'],
    ['Debian:12', 'perl', '5.36.0-7', 'libperl5.36'],
  ];

  it('is its source packages, with their own versions', async () => {
    const subject = await scan('status', STATUS, osDebian);

    expect(subject).toMatchObject({ kind: 'dpkg-status', packages: 3, os: { id: 'debian', version: '12' }, notes: [] });
    expect(rows(subject)).toEqual(expected);
  });

  it('by way of links that were named', async () => {
    symlinkSync(osDebian, join(folder, 'os-link'));
    symlinkSync(put('linked-status', STATUS), join(folder, 'status-link'));

    expect(rows(await readSubject(join(folder, 'status-link'), { osRelease: join(folder, 'os-link') }))).toEqual(
      expected,
    );
  });

  it('whatever it is called, and packed as well', async () => {
    expect(rows(await scan('some.json', gzipSync(STATUS), osDebian))).toEqual(expected);
  });

  it('finds the release where it lies in its own system', async () => {
    put('root/etc/os-release', OS_DEBIAN);

    expect(rows(await scan('root/var/lib/dpkg/status', STATUS))).toEqual(expected);
  });

  it('knows the builds of vendors, which no advisory of the distribution speaks of, and counts whose it cannot tell', async () => {
    const by = (binary: string, version: string, maintainer: string, source = binary) =>
      dpkgStatus([{ binary, version, source }]).replace('Version:', `Maintainer: ${maintainer}\nVersion:`);
    const status = [
      by('nodejs', '20.11.0-1nodesource1', 'NodeSource Support <support@nodesource.com>'),
      by('postgresql-15', '15.3-1.pgdg120+1', 'Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>'),
      by('containerd.io', '1.6.21-1', 'Containerd team <help@containerd.io>'),
      by('docker-ce', '5:24.0.2-1~debian.12~bookworm', 'Docker <support@docker.com>'),
      by('chromium', '119.0-1', 'Debian Chromium Team <chromium@packages.debian.org>'),
      by('kmod', '30+20221128-1', "Marco d'Itri <md@linux.it>"),
    ].join('');
    const { installed, notes } = await scan('vendors', status, osDebian);

    expect(installed.map(({ software: { source, origin } }) => [source, origin])).toEqual([
      ['nodejs', 'NodeSource'],
      ['postgresql-15', 'PostgreSQL'],
      ['containerd.io', 'Docker'],
      ['docker-ce', 'Docker'],
      ['chromium', null],
      ['kmod', null],
    ]);
    expect(notes).toEqual([
      expect.stringContaining('1 without a maintainer of the distribution are taken for its own'),
    ]);
  });

  it('takes each kernel as running, and says so: the file does not know which one does', async () => {
    const kernels = dpkgStatus([
      {
        binary: 'linux-image-6.1.0-28-amd64',
        version: '6.1.119-1',
        source: 'linux-signed-amd64',
        sourceVersion: '6.1.119+1',
      },
      {
        binary: 'linux-image-6.1.0-30-amd64',
        version: '6.1.124-1',
        source: 'linux-signed-amd64',
        sourceVersion: '6.1.124+1',
      },
      { binary: 'linux-libc-dev', version: '6.1.124-1', source: 'linux' },
    ]);
    const { installed, notes } = await scan('kernels', kernels, osDebian);

    expect(notes).toEqual(['which kernel runs is not known from this: each of the 2 in it is taken as running']);
    expect(installed.map(({ software: { source, version, kernel } }) => [source, version, kernel])).toEqual([
      ['linux', '6.1.119-1', 'running'],
      ['linux', '6.1.124-1', 'running'],
      ['linux', '6.1.124-1', null],
    ]);
  });

  it('leaves out what is removed but for its settings', async () => {
    const removed = STATUS.replace('install ok installed', 'deinstall ok config-files');

    expect(await scan('removed', removed, osDebian)).toMatchObject({ packages: 2 });
  });

  it('says that the end is missing, where dpkg would have written more', async () => {
    const { notes } = await scan('no-end', STATUS.slice(0, -1), osDebian);

    expect(notes).toEqual([expect.stringContaining('if it was cut there')]);
  });

  it('cut anywhere else it is refused, never a shorter list without a word', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: STATUS.length - 2 }), async (length) => {
        const cut = STATUS.slice(0, length);
        const found = await scan('cut', cut, osDebian).catch((error: unknown) => error);

        // Between two entries nobody can tell; within the last one what is there is whole.
        if (hasCode(found)) return;
        expect(cut.endsWith('\n')).toBe(true);
        if (!cut.endsWith('\n\n')) expect(found).toMatchObject({ notes: [expect.stringContaining('if it was cut')] });
      }),
      { numRuns: 300 },
    );
  });
});

describe('when a list of rpm packages is scanned', () => {
  it('without epochs says so', async () => {
    const list = 'bash-5.1.8-6.el9.x86_64\nopenssl-libs-3.0.7-16.el9_2.x86_64\ngpg-pubkey-fd431d51-4ae0493b\n';
    const subject = await scan('rpm-qa', list, osAlma);

    expect(subject).toMatchObject({ kind: 'rpm-list', packages: 2, epochsUnknown: true });
    expect(rows(subject)).toEqual([
      ['AlmaLinux:9', 'bash', '5.1.8-6.el9', 'bash'],
      ['AlmaLinux:9', 'openssl-libs', '3.0.7-16.el9_2', 'openssl-libs'],
    ]);
  });

  it.each([
    ['with epochs and blanks', 'bash (none) 5.1.8 6.el9 x86_64\nopenssl-libs 1 3.0.7 16.el9_2 x86_64\n'],
    ['with epochs in names', 'bash-0:5.1.8-6.el9.x86_64\nopenssl-libs-1:3.0.7-16.el9_2.x86_64\n'],
    [
      'as collect.sh asks for it',
      'bash\t(none)\t5.1.8\t6.el9\tx86_64\tbash-5.1.8-6.el9.src.rpm\t1700000000\tAlma\nopenssl-libs\t1\t3.0.7\t16.el9_2\tx86_64\topenssl-3.0.7-16.el9_2.src.rpm\t1700000000\tAlma\n',
    ],
  ])('%s knows them', async (_name, list) => {
    const subject = await scan('rpm-list', list, osAlma);

    expect(subject).toMatchObject({ packages: 2, epochsUnknown: false });
    expect(subject.installed.map(({ software }) => [software.name, software.version])).toEqual([
      ['bash', '5.1.8-6.el9'],
      ['openssl-libs', '1:3.0.7-16.el9_2'],
    ]);
  });

  it.each([
    [
      'as collect.sh asks for them',
      'nodejs\t1\t18.19.1\t1.module+el9\tx86_64\t(none)\t1\tAlma\tnodejs:18:9030:rhel9\nbash\t(none)\t5.1.8\t6.el9\tx86_64\t(none)\t1\tAlma\t(none)\n',
    ],
    ['behind blanks', 'nodejs 1 18.19.1 1.module+el9 x86_64 nodejs:18:9030:rhel9\nbash 0 5.1.8 6.el9 x86_64 (none)\n'],
    [
      'behind blanks of a part',
      'bash 0 5.1.8 6.el9 x86_64\nnodejs 1 18.19.1 1.module+el9 x86_64 nodejs:18:9030:rhel9\n',
    ],
  ])('with the modules of packages, %s, it knows their streams', async (_name, list) => {
    const { installed } = await scan('rpm-modules', list, osAlma);

    expect(new Map(installed.map(({ software: { name, module } }) => [name, module]))).toEqual(
      new Map([
        ['nodejs', 'nodejs:18'],
        ['bash', null],
      ]),
    );
  });

  it.each([
    ['a package with something behind it', 'bash 0 5.1.8 6.el9 x86_64 more\n', /no kind that is known/],
    [
      'a line of something else',
      'bash-5.1.8-6.el9.x86_64\nwarning: database is locked\n',
      /line 2 of .* is no package/,
    ],
    ['the middle of a line', 'bash-5.1.8-6.el9.x86_64\nopenssl-li', /ends in the middle of a line/],
    ['nothing but keys', 'gpg-pubkey-1-2.x\ngpg-pubkey-fd431d51-4ae0493b\n', /lists no packages/],
  ])('with %s it is refused', async (_name, list, said) => {
    expect(await refusal(scan('bad-rpm', list, osAlma))).toMatch(said);
  });
});
