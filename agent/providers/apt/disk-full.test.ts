// Full disks below the real apt and dpkg: the mirror folder, the runner's cache, the host's own root and package database. What
// fails says DISK_FULL and where, leaves nothing half behind, and goes on when there is room; a torn installation is never success.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { SMALL_DISK_PARTS, type SmallDisk, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeRepository, type Repository } from '../../../scripts/lab/repository.ts';
import { makeSandbox, type Sandbox } from '../../../scripts/lab/sandbox.ts';
import { createAptFetcher } from './fetcher.ts';
import { createAptInstaller } from './installer.ts';
import { createAptObserver } from './observer.ts';
import { filesBelow, REFRESH } from './testing/archive.ts';

const run = createRun({});
const top = temporaryFolder('apt-full');
const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const KIB = 1024;
/** apt maps caches of some ten megabytes. */
const CACHE_BYTES = 64 * KIB * KIB;
const DISK_BYTES = 24 * KIB * KIB;
/** Does not compress. */
const LARGE = Array.from({ length: 40_000 }, (_, number) => (Math.imul(number, 2_654_435_761) >>> 0).toString(36)).join(
  '',
);
const wanted: PackageVersion = { name: 'large', version: '2.0', arch: 'all' };
/** A disk that sandboxed processes reach too must be mounted for all. */
const root = process.getuid?.() === 0;
const quiet = { line: () => undefined };
const caught = (work: Promise<unknown>) => work.then(() => null, asCoded);

needs([...PARTS, ...SMALL_DISK_PARTS], 'with the real apt and a small disk', () => {
  let repository: Repository;
  let sandbox: Sandbox;
  beforeAll(async () => {
    const files = (version: string) => ({
      '/usr/share/large/data': `${version}${LARGE}`,
      '/usr/share/large/more': `${LARGE}${version}`,
    });
    repository = await makeRepository({
      folder: join(top, 'archive'),
      run,
      packages: [
        { name: 'large', version: '2.0', files: files('2') },
        { name: 'small', version: '2.0' },
      ],
    });
    sandbox = await makeSandbox({
      folder: join(top, 'host'),
      run,
      repositories: [repository],
      installed: [
        { name: 'large', version: '1.0', files: files('1') },
        { name: 'small', version: '1.0' },
      ],
    });
  });

  const unprivileged = () => (sandbox.user.dropped ? { uid: sandbox.user.uid, gid: sandbox.user.gid } : null);
  const fetcherOf = (stateDir: string, packages: string) =>
    createAptFetcher({
      root: sandbox.root,
      run,
      clock: systemClock,
      unprivileged: unprivileged(),
      stateDir,
      packages,
      lists: { maxAge: 86_400_000, byteBudget: 10_000_000 },
    });
  let folders = 0;
  const folderOf = (name: string) => {
    const folder = join(sandbox.folder, `${name}-${folders++}`);
    mkdirSync(folder, { mode: 0o755 });

    return folder;
  };

  describe('when there is no room for the mirror folder', () => {
    it.each([
      ['at all', (disk: SmallDisk) => disk.fill()],
      ['for the package', (disk: SmallDisk) => disk.fill(64 * KIB)],
      ['for one more file', (disk: SmallDisk) => disk.fillInodes()],
    ])('%s: says DISK_FULL and where, leaves nothing half, and brings it when there is room', async (_, exhaust) => {
      const disk = await smallDisk({ bytes: 4 * KIB * KIB, inodes: 60 });
      const packages = join(disk.path, 'packages');
      const fetcher = fetcherOf(folderOf('state'), packages);
      mkdirSync(packages, { mode: 0o755 });
      exhaust(disk);

      expect(await caught(fetcher.fetch({ packages: [wanted] }))).toMatchObject({
        code: 'DISK_FULL',
        details: { mount: disk.path },
      });
      expect(readdirSync(packages)).toEqual([]);
      disk.free();
      expect(await fetcher.fetch({ packages: [wanted] })).toEqual({ missing: [] });
    });

    it('what was there before stays, whole', async () => {
      const disk = await smallDisk({ bytes: 4 * KIB * KIB });
      const packages = join(disk.path, 'packages');
      const fetcher = fetcherOf(folderOf('state'), packages);
      const small = { name: 'small', version: '2.0', arch: 'all' };
      await fetcher.fetch({ packages: [small] });
      const before = filesBelow(packages);
      disk.fill(32 * KIB);

      expect(await caught(fetcher.fetch({ packages: [small, wanted] }))).toMatchObject({ code: 'DISK_FULL' });
      expect(filesBelow(packages)).toEqual(before);
    });

    it.runIf(root)('of the fetcher’s own cache: the same', async () => {
      const disk = await smallDisk({ bytes: CACHE_BYTES, visible: true });
      const state = join(disk.path, 'state');
      const packages = folderOf('packages');
      const fetcher = fetcherOf(state, packages);
      const small = { name: 'small', version: '2.0', arch: 'all' };
      await fetcher.fetch({ packages: [small] });
      disk.fill(32 * KIB);
      expect(await caught(fetcher.fetch({ packages: [wanted] }))).toMatchObject({
        code: 'DISK_FULL',
        details: { mount: disk.path },
      });
      disk.free();
      expect(await fetcher.fetch({ packages: [wanted] })).toEqual({ missing: [] });
    });
  });

  describe.runIf(root)('when there is no room for the agent’s own lists', () => {
    it('says DISK_FULL for each repository, never "0 updates", and is whole when there is room', async () => {
      const disk = await smallDisk({ bytes: CACHE_BYTES, visible: true });
      const observer = createAptObserver({
        root: sandbox.root,
        stateDir: join(disk.path, 'state'),
        run,
        clock: systemClock,
        unprivileged: unprivileged(),
        maxAge: 86_400_000,
      });
      await observer.repositories();
      disk.fill(8 * KIB);
      const repositories = await observer.refresh(REFRESH).catch(asCoded);
      const codes = 'code' in repositories ? [repositories.code] : repositories.map(({ lastError }) => lastError?.code);
      expect(codes).toEqual(codes.map(() => 'DISK_FULL'));
      disk.free();
      expect((await observer.refresh(REFRESH)).filter(({ problem }) => problem !== null)).toEqual([]);
      expect((await observer.pending()).map(({ name }) => name).sort()).toEqual(['large', 'small']);
    });
  });

  describe.runIf(root)('when there is no room in the runner’s cache', () => {
    it('for the lists or the packages: DISK_FULL, never "refused", and it goes on when there is room', async () => {
      const packages = folderOf('packages');
      await fetcherOf(folderOf('state'), packages).fetch({ packages: [wanted] });
      const disk = await smallDisk({ bytes: CACHE_BYTES, visible: true });
      const runnerDir = join(disk.path, 'runner');
      mkdirSync(runnerDir);
      const installer = createAptInstaller({
        root: sandbox.root,
        run,
        unprivileged: unprivileged(),
        runnerDir,
        packages,
        compare: compareDebVersions,
      });
      const codes: (string | null)[] = [];

      for (const left of [0, 8, 64]) {
        disk.fill(left * KIB);
        const error = await caught(installer.loadMirror().then(() => installer.prepare([wanted])));
        codes.push(error?.code ?? null);
        disk.free();
      }
      expect(codes).toEqual(codes.map(() => 'DISK_FULL'));
      await installer.loadMirror();
      await installer.prepare([wanted]);
      expect((await sandbox.versions()).get('large')).toBe('1.0');
    });
  });

  describe.runIf(root)('when the host’s own disk fills up while dpkg works', () => {
    it('fails or succeeds as the database says; never half and called whole; mended when there is room', async () => {
      const packages = folderOf('packages');
      await fetcherOf(folderOf('state'), packages).fetch({ packages: [wanted] });
      const outcomes: string[] = [];

      for (const left of [0, 64, 400, 900]) {
        const disk = await smallDisk({ bytes: DISK_BYTES, visible: true });
        await run({ file: 'cp', args: ['-a', '--', sandbox.root, disk.path], deadlineMs: 60_000, check: true });
        const installer = createAptInstaller({
          root: join(disk.path, 'root'),
          run,
          unprivileged: unprivileged(),
          runnerDir: folderOf('runner'),
          packages,
          compare: compareDebVersions,
        });
        await installer.loadMirror();
        await installer.prepare([wanted]);
        disk.fill(left * KIB);
        const error = await caught(installer.install([wanted], quiet));
        const found = await installer.installed().then(
          (installed) => installed.find(({ name }) => name === 'large'),
          (unreadable: unknown) => asCoded(unreadable),
        );
        if (error === null) expect(found).toMatchObject({ version: '2.0', state: 'installed' });
        else expect(error.code).toMatch(/^(PACKAGE_MANAGER_FAILED|DISK_FULL)$/);
        outcomes.push(error === null ? 'installed' : error.code);

        disk.free();
        if ((await installer.interrupted()) !== null) await installer.repair(quiet);
        await installer.prepare([wanted]);
        await installer.install([wanted], quiet);
        expect((await installer.installed()).find(({ name }) => name === 'large')).toMatchObject({
          version: '2.0',
          state: 'installed',
        });
        expect(await installer.interrupted()).toBeNull();
      }

      expect(new Set(outcomes).size).toBeGreaterThan(1);
    });
  });
});
