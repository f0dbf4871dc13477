import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildDeb, type DebSpec } from '../../../scripts/lab/deb.ts';
import { tamper } from '../../../scripts/lab/repository.ts';
import { type MirrorHost, mirrorHost } from './testing/mirror-host.ts';

const run = createRun({});
const top = temporaryFolder('installer');
const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const quiet = { line: () => undefined };
/** With a character that apt quotes in addresses. */
const alpha: PackageVersion = { name: 'alpha', version: '2.0~deb1', arch: 'amd64' };
const beta: PackageVersion = { name: 'beta', version: '2.0', arch: 'all' };
const delta: PackageVersion = { name: 'delta', version: '2.0', arch: 'all' };
const conf = { files: { '/etc/alpha.conf': 'from package 2\n' }, conffiles: ['/etc/alpha.conf'] };
const NEW: readonly DebSpec[] = [
  { ...alpha, ...conf },
  { name: 'beta', version: '2.0', depends: 'gamma' },
  { name: 'gamma', version: '1.0' },
  { name: 'delta', version: '2.0', conflicts: 'alpha' },
];
const OLD: readonly DebSpec[] = [
  {
    name: 'alpha',
    version: '1.0',
    arch: 'amd64',
    files: { '/etc/alpha.conf': 'from package 1\n' },
    conffiles: ['/etc/alpha.conf'],
  },
  { name: 'beta', version: '1.0' },
  { name: 'delta', version: '1.0' },
];

needs(PARTS, 'with the real apt in a sandbox', () => {
  let host: MirrorHost;
  beforeEach(async () => {
    host = await mirrorHost(top, { offered: NEW, installed: OLD });
  });
  const versions = async () => Object.fromEntries(await host.sandbox.versions());
  const before = { alpha: '1.0', beta: '1.0', delta: '1.0' };

  describe('when packages are fetched', () => {
    it('brings exactly those, with the signed index, in the layout of the archive', async () => {
      expect(await host.fetch(alpha)).toEqual([]);
      const files = readdirSync(host.mirror(), { recursive: true, encoding: 'utf8' }).filter((path) =>
        /[.]deb$|Release$|Packages$/.test(path),
      );

      expect(files.sort()).toEqual([
        'dists/bookworm/InRelease',
        'dists/bookworm/main/binary-amd64/Packages',
        'pool/bookworm/main/a/alpha/alpha_2.0~deb1_amd64.deb',
      ]);
      expect(readFileSync(join(host.mirror(), 'dists/bookworm/InRelease'))).toEqual(
        readFileSync(join(host.repository.dists('bookworm'), 'InRelease')),
      );
    });

    it('says what the archive does not have, and removes what is no longer wanted', async () => {
      await host.fetch(alpha);
      expect(await host.fetch({ ...alpha, version: '9.0' })).toEqual([{ ...alpha, version: '9.0' }]);
      expect(readdirSync(host.packages)).toEqual([]);
    });
  });

  describe('when the mirror holds what is approved', () => {
    it('upgrades exactly one of two, keeps the local conffile, and changes nothing before', async () => {
      writeFileSync(join(host.sandbox.root, 'etc/alpha.conf'), 'from the admin\n');
      await host.fetch(alpha);
      expect((await host.installer.loadMirror()).repositories).toHaveLength(1);
      const transaction = await host.installer.simulate([alpha]);
      expect(transaction).toMatchObject({
        upgrade: [{ name: 'alpha', arch: 'amd64', from: '1.0', to: '2.0~deb1' }],
        install: [],
        remove: [],
        downgrade: [],
      });
      expect(transaction.downloadBytes).toBeGreaterThan(1000);
      expect((await host.installer.space(transaction)).every(({ needed, free }) => needed > 0 && free > needed)).toBe(
        true,
      );
      await host.installer.prepare([alpha]);
      expect(await versions()).toEqual(before);

      const lines: string[] = [];
      await host.installer.install([alpha], { line: (line) => lines.push(line) });
      expect(await versions()).toEqual({ ...before, alpha: '2.0~deb1' });
      expect(readFileSync(join(host.sandbox.root, 'etc/alpha.conf'), 'utf8')).toBe('from the admin\n');
      expect(lines.join('\n')).toContain('Setting up alpha');
      expect(await host.installer.interrupted()).toBeNull();
    });
  });

  describe('when the transaction is wider than the approval', () => {
    it('names what it would add and remove, and installs neither', async () => {
      await host.fetch(beta, delta);
      await host.installer.loadMirror();

      expect(await host.installer.simulate([beta])).toMatchObject({
        install: [{ name: 'gamma', from: null, to: '1.0' }],
      });
      expect(await host.installer.simulate([delta])).toMatchObject({
        remove: [{ name: 'alpha', arch: 'amd64', from: '1.0', to: null }],
      });
      await host.installer.prepare([delta], { removes: ['alpha'] });
      await expect(host.installer.install([delta], quiet)).rejects.toMatchObject({ code: 'PACKAGE_MANAGER_FAILED' });
      expect(await versions()).toEqual(before);
    });

    it('is NO_CANDIDATE for a version that no signed index has', async () => {
      await host.fetch(alpha);
      await host.installer.loadMirror();

      await expect(host.installer.simulate([{ ...alpha, version: '1.0' }])).rejects.toMatchObject({
        code: 'NO_CANDIDATE',
      });
    });
  });

  describe('when the mirror folder was changed', () => {
    const refused = { code: 'MIRROR_REFUSED' };

    it('refuses another package of the same size, put there between check and installation', async () => {
      await host.fetch(alpha);
      await host.installer.loadMirror();
      await host.installer.simulate([alpha]);
      const forged = await buildDeb(
        run,
        {
          name: 'alpha',
          version: alpha.version,
          arch: 'amd64',
          files: { '/etc/alpha.conf': 'from forger  2\n' },
          conffiles: ['/etc/alpha.conf'],
        },
        join(host.sandbox.folder, 'forged'),
      );
      expect(readFileSync(forged).length).toBe(readFileSync(host.deb('alpha')).length);
      copyFileSync(forged, host.deb('alpha'));

      await expect(host.installer.prepare([alpha])).rejects.toMatchObject(refused);
      expect(await versions()).toEqual(before);
    });

    it('installs what was verified when the mirror changes after that', async () => {
      await host.fetch(alpha);
      await host.installer.loadMirror();
      await host.installer.prepare([alpha]);
      await tamper(host.deb('alpha'));
      await host.installer.install([alpha], quiet);

      expect(await versions()).toEqual({ ...before, alpha: '2.0~deb1' });
    });

    it('says which file is missing', async () => {
      await host.fetch(alpha);
      await host.installer.loadMirror();
      renameSync(host.deb('alpha'), join(host.sandbox.folder, 'away'));

      await expect(host.installer.prepare([alpha])).rejects.toMatchObject({ code: 'NOT_FETCHED' });
    });

    it('refuses a changed list', async () => {
      await host.fetch(alpha);
      const path = join(host.mirror(), 'dists/bookworm/main/binary-amd64/Packages');
      writeFileSync(path, readFileSync(path, 'utf8').replace('Version: 2.0', 'Version: 3.0'));

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('refuses a changed signed index', async () => {
      await host.fetch(alpha);
      const path = join(host.mirror(), 'dists/bookworm/InRelease');
      writeFileSync(path, readFileSync(path, 'utf8').replace('Label: Debian', 'Label: Forged'));

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('refuses an index that another key signed', async () => {
      await host.fetch(alpha);
      await host.repository.publish({ signature: 'other-key' });
      copyFileSync(
        join(host.repository.dists('bookworm'), 'InRelease'),
        join(host.mirror(), 'dists/bookworm/InRelease'),
      );

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('refuses an index without a signature, also where the host itself would trust anything from there', async () => {
      await host.fetch(alpha);
      const folder = join(host.sandbox.root, 'etc/apt/sources.list.d');
      const [name = ''] = readdirSync(folder);
      const text = readFileSync(join(folder, name), 'utf8').trimEnd();
      const fields = ['Trusted: yes', 'Allow-Insecure: yes', 'Allow-Weak: yes'].join('\n');
      writeFileSync(join(folder, name), `${text}\n${fields}\n`);
      // The signed index taken away, the same without a signature put in its place.
      const suite = join(host.mirror(), 'dists/bookworm');
      rmSync(join(suite, 'InRelease'));
      rmSync(join(suite, 'Release.gpg'), { force: true });
      copyFileSync(join(host.repository.dists('bookworm'), 'Release'), join(suite, 'Release'));

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('refuses an index older than one it accepted', async () => {
      await host.repository.publish({ date: Temporal.Now.instant().subtract({ hours: 1 }) });
      await host.fetch(alpha);
      const path = join(host.mirror(), 'dists/bookworm/InRelease');
      const old = readFileSync(path);
      await host.repository.publish();
      copyFileSync(join(host.repository.dists('bookworm'), 'InRelease'), path);
      await host.installer.loadMirror();
      writeFileSync(path, old);

      await expect(host.installer.loadMirror()).rejects.toMatchObject({ code: 'REPOSITORY_ROLLED_BACK' });
    });

    it('refuses an expired index', async () => {
      await host.fetch(alpha);
      await host.repository.publish({
        validUntil: Temporal.Now.instant().subtract({ hours: 1 }),
        date: Temporal.Now.instant().subtract({ hours: 2 }),
      });
      copyFileSync(
        join(host.repository.dists('bookworm'), 'InRelease'),
        join(host.mirror(), 'dists/bookworm/InRelease'),
      );

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('refuses a folder of a repository that the host does not have', async () => {
      await host.fetch(alpha);
      mkdirSync(join(host.packages, 'evil.example.org_debian_stable-0123456789ab'));

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });
  });

  describe('when dpkg was interrupted by someone else', () => {
    it('says what is not whole, and repairs it', async () => {
      const deb = await buildDeb(run, { name: 'epsilon', version: '1.0' }, join(host.sandbox.folder, 'more'));
      await host.sandbox.run({
        file: 'dpkg',
        args: [`--root=${host.sandbox.root}`, '--force-unsafe-io', '--unpack', '--', deb],
        deadlineMs: 60_000,
        check: true,
      });
      expect(await host.installer.interrupted()).toBe('epsilon is unpacked');
      await host.installer.repair(quiet);

      expect(await host.installer.interrupted()).toBeNull();
      expect(await versions()).toEqual({ ...before, epsilon: '1.0' });
    });
  });

  describe('when nothing was fetched', () => {
    it('answers with no repository', async () => {
      expect(await host.installer.loadMirror()).toEqual({ repositories: [] });
    });
  });
});
