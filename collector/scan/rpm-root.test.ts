import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { readRootfs } from './rootfs.ts';

const SPEC = `Name: shown
Epoch: 2
Version: 1.4
Release: 3.el9
Summary: a package
License: MIT
BuildArch: noarch
ModularityLabel: shown:1:9050020241111:rhel9
%description
A package.
%files
`;

needs(['rpm', 'rpmbuild'], 'a root folder with a database of rpm', () => {
  const folder = temporaryFolder('scan-rpm');
  const root = join(folder, 'root');
  const database = join(root, 'usr/lib/sysimage/rpm');

  it('is read by the real rpm, and not changed', async () => {
    mkdirSync(database, { recursive: true });
    writeFileSync(join(root, 'usr/lib/os-release'), 'ID="almalinux"\nVERSION_ID="9.5"\n');
    writeFileSync(join(folder, 'shown.spec'), SPEC);
    execFileSync('rpmbuild', ['-bb', '--define', `_topdir ${folder}/build`, join(folder, 'shown.spec')], {
      stdio: 'ignore',
    });
    execFileSync('rpm', ['--dbpath', database, '--initdb']);
    execFileSync('rpm', [
      ...['--dbpath', database, '-i', '--justdb', '--nodeps', '--force'],
      join(folder, 'build/RPMS/noarch/shown-1.4-3.el9.noarch.rpm'),
    ]);
    const before = readdirSync(database).map((name) => [name, statSync(join(database, name)).mtimeMs]);
    const subject = await readRootfs(root, { given: null });

    expect(subject).toMatchObject({ kind: 'rootfs', packages: 1, epochsUnknown: false });
    expect(subject.installed[0]?.software).toMatchObject({
      ecosystem: 'AlmaLinux:9',
      name: 'shown',
      version: '2:1.4-3.el9',
      module: 'shown:1',
    });
    expect(readdirSync(database).map((name) => [name, statSync(join(database, name)).mtimeMs])).toEqual(before);
  });

  it('with a database that is none is refused, never an empty list', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(join(broken, 'var/lib/rpm'), { recursive: true });
    writeFileSync(join(broken, 'etc-os-release'), '');
    writeFileSync(join(broken, 'var/lib/rpm/rpmdb.sqlite'), 'not a database at all');

    await expect(
      readRootfs(broken, { given: { id: 'almalinux', version: '9', prettyName: 'x' } }),
    ).rejects.toMatchObject({
      name: 'CodedError',
    });
  });

  it('of which rpm lists nothing is refused too: libraries beside it are not all that it has', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(join(empty, 'var/lib/rpm'), { recursive: true });
    mkdirSync(join(empty, 'app/node_modules/shown'), { recursive: true });
    writeFileSync(join(empty, 'app/node_modules/shown/package.json'), '{"name":"shown","version":"1.0.0"}');
    execFileSync('rpm', ['--dbpath', join(empty, 'var/lib/rpm'), '--initdb']);

    await expect(
      readRootfs(empty, { given: { id: 'almalinux', version: '9', prettyName: 'x' } }),
    ).rejects.toMatchObject({
      ...{ code: 'SCAN_INVALID', next: expect.stringContaining('collect.sh') },
      message: expect.stringContaining('rpm lists no package of var/lib/rpm/rpmdb.sqlite'),
    });
  });
});

describe('where there is no rpm', () => {
  it('it is said that the program is missing', async () => {
    const folder = temporaryFolder('scan-no-rpm');
    mkdirSync(join(folder, 'var/lib/rpm'), { recursive: true });
    writeFileSync(join(folder, 'var/lib/rpm/rpmdb.sqlite'), '');
    const { CodedError } = await import('@selvage/shared/errors/coded-error.ts');
    const run = () => Promise.reject(new CodedError('TOOL_MISSING', 'there is no program rpm'));

    await expect(readRootfs(folder, { given: null, run })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});
