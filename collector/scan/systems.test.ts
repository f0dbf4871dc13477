import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSubject } from './read.ts';
import { APK_INSTALLED, dpkgStatus, OS_ALPINE, OS_DEBIAN } from './testing/samples.ts';
import { refusal, rows, STATUS, scanFolder } from './testing/scan-folder.ts';

const { folder, put, osAlpine, scan } = scanFolder();

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
