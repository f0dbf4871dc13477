// The fetcher is killed at every file: what it leaves is taken for a mirror only when it is whole, and the next fetch goes on.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { expect, it } from 'vitest';
import { makeRepository } from '../../../scripts/lab/repository.ts';
import { makeSandbox } from '../../../scripts/lab/sandbox.ts';
import { createAptInstaller } from './installer.ts';

const CHILD = fileURLToPath(new URL('./testing/fetch-child.ts', import.meta.url));
const run = createRun({});
const top = temporaryFolder('fetch-killed');
const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const KILLED = 128 + 9;
const MOST_PROGRAMS = 30;
const older = [{ name: 'alpha', version: '2.0', arch: 'all' }];
const wanted = [...older, { name: 'beta', version: '2.0', arch: 'all' }];

needs(PARTS, 'when the fetcher is killed', () => {
  it('before every program that it starts: the mirror is the old one, the new one or none, and becomes the new one', async () => {
    const repository = await makeRepository({
      folder: join(top, 'archive'),
      run,
      packages: wanted.map(({ name, version }) => ({ name, version })),
    });
    const sandbox = await makeSandbox({
      folder: join(top, 'host'),
      run,
      repositories: [repository],
      installed: wanted.map(({ name }) => ({ name, version: '1.0' })),
    });
    const stateDir = join(sandbox.folder, 'state');
    const packages = join(stateDir, 'packages');
    mkdirSync(stateDir);
    const unprivileged = sandbox.user.dropped ? { uid: sandbox.user.uid, gid: sandbox.user.gid } : null;
    const fetch = (what: typeof wanted, diesAt: number) =>
      run({
        file: process.execPath,
        args: [CHILD, JSON.stringify({ root: sandbox.root, stateDir, packages, unprivileged, wanted: what, diesAt })],
        deadlineMs: 60_000,
      });
    const mirrors = () => readdirSync(packages).filter((name) => !name.startsWith('.'));
    const debs = () =>
      readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter((path) => /^[^.].*[.]deb$/.test(path)).length;
    expect((await fetch(older, -1)).stdout).toBe('whole\n');
    const killed: number[] = [];

    for (let diesAt = 0; diesAt < MOST_PROGRAMS; diesAt++) {
      const { exitCode } = await fetch(wanted, diesAt);
      if (exitCode === 0) break;
      expect(exitCode).toBe(KILLED);
      killed.push(diesAt);
      // As a whole, or not there: a reader never sees a part under the name of a mirror.
      expect(mirrors().length).toBeLessThanOrEqual(1);
      if (mirrors().length === 1) expect([1, 2]).toContain(debs());
    }
    expect(killed.length).toBeGreaterThan(4);
    expect(debs()).toBe(2);
    expect(readdirSync(packages)).toEqual(mirrors());

    const installer = createAptInstaller({
      root: sandbox.root,
      run,
      unprivileged,
      packages,
      runnerDir: join(stateDir, 'runner'),
      compare: compareDebVersions,
    });
    expect((await installer.loadMirror()).repositories).toHaveLength(1);
    await installer.prepare(wanted);
  });
});
