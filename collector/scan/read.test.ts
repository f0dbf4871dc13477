import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSubject } from './read.ts';
import type { ScanSubject } from './subject.ts';
import {
  APK_INSTALLED,
  dpkgStatus,
  OS_ALPINE,
  OS_DEBIAN,
  SPDX_JSON,
  SPDX_TAG_VALUE,
  SYFT,
  TRIVY,
} from './testing/samples.ts';

const folder = temporaryFolder('scan');
const put = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);

  return path;
};
const osDebian = put('os-debian', OS_DEBIAN);
const osAlpine = put('os-alpine', OS_ALPINE);
const osAlma = put('os-alma', 'ID="almalinux"\nVERSION_ID="9.5"\n');
const scan = (name: string, content: string | Uint8Array, osRelease: string | null = null) =>
  readSubject(put(name, content), { osRelease });
const rows = ({ installed }: ScanSubject) =>
  installed.map(({ software, binaries }) => [
    software.ecosystem,
    software.source,
    software.version,
    binaries.map(([name]) => name).join(' '),
  ]);
const refusal = async (work: Promise<unknown>) => {
  const error = await work.then(
    (found) => expect.fail(`it was read: ${JSON.stringify(found)}`),
    (thrown: unknown) => thrown,
  );
  if (!hasCode(error)) throw error;

  return `${error.code}: ${error.message} next: ${error.next}`;
};

const STATUS = dpkgStatus([
  { binary: 'libssl3', version: '3.0.9-1', source: 'openssl' },
  { binary: 'openssl', version: '3.0.9-1' },
  { binary: 'libperl5.36', version: '5.36.0-7+b1', source: 'perl', sourceVersion: '5.36.0-7' },
]);

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

describe('when an SBOM is scanned', () => {
  it('of trivy: by sources in properties, libraries inside of applications too', async () => {
    const subject = await scan('trivy', JSON.stringify(TRIVY));

    expect(subject).toMatchObject({ kind: 'cyclonedx', packages: 3, os: { id: 'debian', version: '12' }, unread: [] });
    expect(rows(subject)).toEqual([
      ['Debian:12', 'openssl', '3.0.9-1', 'libssl3'],
      ['Debian:12', 'vim', '2:9.0.1378-2', 'vim-common'],
      ['npm', 'lodash', '4.17.20', 'lodash'],
    ]);
  });

  it('of syft: by sources in URLs, names as their registries know them', async () => {
    const subject = await scan('syft', JSON.stringify(SYFT));

    expect(rows(subject)).toEqual([
      ['Debian:12', 'glibc', '2.36-9+deb12u1', 'libc6'],
      ['Debian:12', 'perl', '5.36.0-7', 'libperl5.36'],
      ['PyPI', 'requests', '2.31.0', 'requests'],
      ['npm', '@angular/core', '12.0.0', '@angular/core'],
    ]);
  });

  it('SPDX as tag-value: texts are not taken for tags', async () => {
    const subject = await scan('spdx', SPDX_TAG_VALUE);

    expect(subject).toMatchObject({ kind: 'spdx-tag-value', packages: 1, unread: [] });
    expect(subject.installed[0]?.software).toMatchObject({
      ecosystem: 'AlmaLinux:9',
      name: 'openssl-libs',
      source: 'openssl',
      version: '1:3.0.7-16.el9_2',
    });
  });

  it('SPDX as JSON', async () => {
    expect(rows(await scan('spdx.json', JSON.stringify(SPDX_JSON)))).toEqual([
      ['Alpine:3.19', 'zlib', '1.2.12-r1', 'zlib'],
    ]);
  });

  it('keeps what could not be looked up, with the reason', async () => {
    const { unread } = await scan(
      'unread',
      JSON.stringify({
        ...SYFT,
        components: [
          ...SYFT.components,
          { type: 'library', name: 'no url', version: '1' },
          { type: 'library', name: 'broken', purl: 'pkg:' },
          { type: 'library', name: 'strange', purl: 'pkg:swift/github.com/a/b@1' },
          { type: 'library', name: 'no version', purl: 'pkg:npm/left-pad' },
          { type: 'library', name: 'long', purl: `pkg:npm/${'a'.repeat(5000)}@1` },
        ],
      }),
    );

    expect(unread).toEqual([
      { name: 'no url 1', reason: 'it has no package URL' },
      { name: 'broken', reason: 'its package URL is none' },
      { name: 'strange', reason: 'no feed here knows packages of the type swift' },
      { name: 'no version', reason: 'it has no version' },
      { name: 'long', reason: 'it is longer than 1000 characters' },
    ]);
  });

  it('without its release is refused, and taken with one', async () => {
    const text = JSON.stringify(SYFT).replaceAll('&distro=debian-12', '');

    expect(await refusal(scan('no-os', text))).toMatch(
      /SCAN_INVALID: .* has 2 packages of a distribution.*next: .*--os-release/,
    );
    expect(rows(await scan('no-os', text, osDebian))[0]).toEqual(['Debian:12', 'glibc', '2.36-9+deb12u1', 'libc6']);
  });

  it('of a distribution that nobody knows keeps its name: its packages are not taken for another’s', async () => {
    const text = JSON.stringify(SYFT)
      .replaceAll('pkg:deb/debian/', 'pkg:deb/raspbian/')
      .replaceAll('debian-12', 'raspbian-12');

    expect(rows(await scan('strange', text))[0]?.[0]).toBe('deb:raspbian:12');
  });

  it('nested deeper than any stack, it is read or refused, and ends', async () => {
    let text = '{"type":"library","name":"x","purl":"pkg:npm/x@1"}';
    for (let depth = 0; depth < 2000; depth += 1) text = `{"type":"library","name":"x","components":[${text}]}`;

    expect(await scan('deep', `{"bomFormat":"CycloneDX","components":[${text}]}`)).toMatchObject({ packages: 1 });
  });

  it('with too many components is refused', async () => {
    const many = `[${Array.from({ length: 100_001 }, () => '{}').join(',')}]`;

    expect(await refusal(scan('many', `{"bomFormat":"CycloneDX","components":${many}}`))).toContain(
      'more than 100000 components',
    );
  });
});

describe('when something is scanned that says nothing', () => {
  it.each([
    ['an empty file', '', /SCAN_INVALID: .* is empty/],
    ['a file of blanks', ' \n\n', /SCAN_INVALID: .* is empty/],
    ['some text', 'hello\nworld\n', /SCAN_INVALID: .* of no kind that is known/],
    ['half of an SBOM', JSON.stringify(TRIVY).slice(0, 500), /SCAN_INVALID: .* begins like JSON and is none/],
    ['JSON of another kind', '{"a": 1}', /SCAN_INVALID: .* neither CycloneDX nor SPDX/],
    ['an SBOM without components', '{"bomFormat":"CycloneDX","components":[]}', /SCAN_INVALID: .* lists no components/],
    [
      'an SBOM of things that are no packages',
      '{"bomFormat":"CycloneDX","components":[{"type":"library","name":"x"}]}',
      /none of them is a package/,
    ],
    ['an SPDX without packages', '{"spdxVersion":"SPDX-2.3","packages":[]}', /SCAN_INVALID: .* lists no components/],
    ['SPDX 3', '{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}', /is SPDX 3/],
    ['an attestation', '{"payloadType":"application/vnd.in-toto+json","payload":"e30="}', /is an attestation/],
    [
      'CycloneDX as XML',
      '<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>',
      /CycloneDX as XML/,
    ],
    [
      'what dpkg -l prints',
      'Desired=Unknown/Install/Remove/Purge/Hold\nii  bash  5.2\n',
      /dpkg -l .*\/var\/lib\/dpkg\/status/,
    ],
    ['an index of an archive', 'Package: bash\nVersion: 5.2-1\nFilename: pool/b\n\n', /packages of an archive/],
    [
      'a status file in which nothing is installed',
      'Package: a\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n',
      /lists no packages/,
    ],
    [
      'a status file with another state',
      STATUS.replace('install ok installed', 'install ok fine'),
      /PACKAGE_DATABASE_INVALID: .*libssl3 has the status/,
    ],
    ['a status file with zeros in it', STATUS.replace('openssl', 'open\0ssl'), /PACKAGE_DATABASE_INVALID: .*NUL/],
    ['a database of apk that was cut', `${APK_INSTALLED}C:Q1\nP:zl`, /SCAN_INVALID: .*cut/],
    ['an entry of apk without a version', 'P:zlib\nV:1-r0\n\nP:musl\n\n', /entry 2 of .* has no version/],
  ])('%s is an error, never no findings', async (_name, content, said) => {
    expect(await refusal(scan('nothing', content, osDebian))).toMatch(said);
  });

  it.each([
    ['a status file', STATUS],
    ['a list of rpm packages', 'bash-5.1.8-6.el9.x86_64\n'],
    ['a database of apk', APK_INSTALLED],
  ])('%s without its release is refused, with what helps', async (_name, content) => {
    expect(await refusal(scan('unplaced', content))).toMatch(
      /SCAN_INVALID: .* does not say of which distribution.*next: .*--os-release FILE/,
    );
  });

  it('packages that the named release does not have are refused, not compared by its rules', async () => {
    expect(await refusal(scan('alma-list', 'bash-5.1.8-6.el9.x86_64\n', osDebian))).toMatch(
      /SCAN_INVALID: bash is a package of rpm, and Debian GNU\/Linux 12 \(bookworm\) has none/,
    );
    expect(await refusal(scan('status', STATUS, osAlma))).toMatch(/libssl3 is a package of deb/);
  });

  it('an os-release that is none is refused', async () => {
    expect(await refusal(scan('status', STATUS, put('not-os', 'hello')))).toMatch(/SCAN_INVALID: .* is no os-release/);
  });

  it('a gzip file that was cut, or unpacks to more than anything, is refused', async () => {
    expect(await refusal(scan('cut.gz', gzipSync(STATUS).subarray(0, 60), osDebian))).toMatch(
      /SCAN_INVALID: the gzip file .* is cut or damaged/,
    );
    const bomb = gzipSync(Buffer.alloc(260 * 1024 * 1024));

    expect(await refusal(scan('bomb.gz', bomb, osDebian))).toMatch(/SCAN_INVALID: .* unpacks to more than/);
  });

  it('a path where nothing is, and a tar that is not from collect.sh', async () => {
    expect(await refusal(readSubject(join(folder, 'absent'), { osRelease: null }))).toMatch(/^NOT_FOUND/);
    execFileSync('tar', ['cf', join(folder, 'other.tar'), '-C', folder, 'os-debian']);

    expect(await refusal(readSubject(join(folder, 'other.tar'), { osRelease: null }))).toMatch(/^IMPORT_INVALID/);
  });
});

describe('when a tar of collect.sh is scanned', () => {
  const facts =
    'format=1\nnow=2026-11-20T10:00:00Z\nzone=UTC\nuptime=100.5\nhostname=plc-7\nkernel=6.1.0-28-amd64\nkernelversion=#1 SMP Debian 6.1.119-1\narch=x86_64\nuser=0\n';
  const make = (name: string, files: Readonly<Record<string, string>>) => {
    for (const [file, content] of Object.entries(files)) put(`${name}/selvage-collect/${file}`, content);
    execFileSync('tar', [
      '--format=ustar',
      '-cf',
      join(folder, `${name}.tar`),
      '-C',
      join(folder, name),
      'selvage-collect',
    ]);

    return join(folder, `${name}.tar`);
  };

  it('knows packages, release and which kernel runs', async () => {
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
    ]);
    const path = make('whole', {
      ...{ facts, 'os-release': OS_DEBIAN, 'dpkg-status': STATUS + kernels, 'dpkg-updates': '', 'dpkg-times': '' },
      kernels: '/boot/vmlinuz-6.1.0-28-amd64\n/boot/vmlinuz-6.1.0-30-amd64\n',
    });
    const subject = await readSubject(path, { osRelease: null });

    expect(subject).toMatchObject({
      kind: 'collect-tar',
      packages: 5,
      notes: ['plc-7 as of 2026-11-20T10:00:00Z, by its own clock'],
    });
    expect(
      subject.installed.flatMap(({ software: { source, version, kernel } }) =>
        kernel ? [[source, version, kernel]] : [],
      ),
    ).toEqual([
      ['linux', '6.1.119-1', 'running'],
      ['linux', '6.1.124-1', 'installed'],
    ]);
  });

  it('cut on its way, or of a machine whose packages could not be read, is refused', async () => {
    const path = make('halved', { facts, 'os-release': OS_DEBIAN, 'dpkg-status': STATUS });
    const bytes = readFileSync(path);

    expect(await refusal(scan('cut.tar', bytes.subarray(0, 2000)))).toMatch(/^IMPORT_INVALID/);
    expect(
      await refusal(readSubject(make('without-list', { facts, 'os-release': OS_DEBIAN }), { osRelease: null })),
    ).toMatch(/^NOT_FOUND: plc-7/);
    const torn = make('torn-host', { facts, 'os-release': OS_DEBIAN, 'dpkg-status': STATUS.slice(0, 120) });

    expect(await refusal(readSubject(torn, { osRelease: null }))).toMatch(/^PACKAGE_DATABASE_INVALID: plc-7/);
  });
});

describe('when a root folder is scanned', () => {
  const root = (name: string, files: Readonly<Record<string, string>>) => {
    for (const [file, content] of Object.entries(files)) put(`${name}/${file}`, content);

    return join(folder, name);
  };

  it('of Debian', async () => {
    const path = root('debian', { 'usr/lib/os-release': OS_DEBIAN, 'var/lib/dpkg/status': STATUS });

    expect(rows(await readSubject(path, { osRelease: null }))).toHaveLength(2);
  });

  it('of an image without dpkg: entries one by one, without a status', async () => {
    const entry = 'Package: tzdata\nVersion: 2024b-0+deb12u1\nArchitecture: all\nMaintainer: x\n';
    const path = root('distroless', {
      'etc/os-release': OS_DEBIAN,
      'var/lib/dpkg/status.d/tzdata': entry,
      'var/lib/dpkg/status.d/tzdata.md5sums': 'abc  file\n',
      'var/lib/dpkg/status.d/libssl3': 'Package: libssl3\nSource: openssl\nVersion: 3.0.15-1\nArchitecture: amd64',
    });

    expect(rows(await readSubject(path, { osRelease: null }))).toEqual(
      expect.arrayContaining([
        ['Debian:12', 'tzdata', '2024b-0+deb12u1', 'tzdata'],
        ['Debian:12', 'openssl', '3.0.15-1', 'libssl3'],
      ]),
    );
  });

  it('of Alpine, with libraries beside it', async () => {
    const path = root('alpine', {
      'etc/os-release': OS_ALPINE,
      'lib/apk/db/installed': APK_INSTALLED,
      'usr/local/lib/python3.12/site-packages/requests-2.31.0.dist-info/METADATA': '',
      'usr/local/lib/node_modules/@angular/core/package.json': '{"name":"@angular/core","version":"12.0.0"}',
      'app/node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
      'app/node_modules/broken/package.json': '{',
    });
    const subject = await readSubject(path, { osRelease: null });

    expect(subject).toMatchObject({ kind: 'rootfs', packages: 6, os: { prettyName: 'Alpine Linux v3.19' } });
    expect(rows(subject)).toEqual([
      ['Alpine:3.19', 'musl', '1.2.4_git20230717-r4', 'musl'],
      ['Alpine:3.19', 'openssl', '3.1.4-r5', 'libcrypto3 libssl3'],
      ['PyPI', 'requests', '2.31.0', 'requests'],
      ['npm', '@angular/core', '12.0.0', '@angular/core'],
      ['npm', 'lodash', '4.17.20', 'lodash'],
    ]);
    expect(rows(await scan('installed', APK_INSTALLED, osAlpine))).toHaveLength(2);
  });

  it('follows no link out of it', async () => {
    put('secret/status', STATUS);
    const path = root('linked', { 'etc/os-release': OS_DEBIAN, 'var/lib/dpkg/keep': '' });
    symlinkSync(join(folder, 'secret/status'), join(path, 'var/lib/dpkg/status'));
    symlinkSync(join(folder, 'alpine/usr'), join(path, 'usr'));

    expect(await refusal(readSubject(path, { osRelease: null }))).toMatch(/SCAN_INVALID: .* holds no package database/);
  });

  it('without any package, or without its release, is refused', async () => {
    expect(await refusal(readSubject(root('bare', { 'etc/os-release': OS_DEBIAN }), { osRelease: null }))).toMatch(
      /holds no package database/,
    );
    cpSync(join(folder, 'debian'), join(folder, 'nameless'), { recursive: true });
    writeFileSync(join(folder, 'nameless/usr/lib/os-release'), '');

    expect(await refusal(readSubject(join(folder, 'nameless'), { osRelease: null }))).toMatch(/no os-release\(5\)/);
    expect(
      await refusal(readSubject(root('unplaced-root', { 'var/lib/dpkg/status': STATUS }), { osRelease: null })),
    ).toMatch(/--os-release FILE/);
  });
});
