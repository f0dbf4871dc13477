// A sandbox with the real apt, an archive, the fetcher and the installer, and a hand that plants what a stolen fetcher could.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import type { DebSpec } from '../../../../scripts/lab/deb.ts';
import { makeRepository, type Repository } from '../../../../scripts/lab/repository.ts';
import { makeSandbox, type Sandbox } from '../../../../scripts/lab/sandbox.ts';
import type { Fetcher, Installer } from '../../provider.ts';
import { createAptFetcher } from '../fetcher.ts';
import { createAptInstaller } from '../installer.ts';

const run = createRun({});

export interface MirrorHost {
  readonly repository: Repository;
  readonly sandbox: Sandbox;
  readonly fetcher: Fetcher;
  readonly installer: Installer;
  readonly packages: string;
  fetch(...packages: readonly PackageVersion[]): Promise<readonly PackageVersion[]>;
  /** The one mirror folder. */
  mirror(): string;
  deb(name: string): string;
  /** A shell command in the mirror folder as the user who owns it: when this is root, really another one. */
  plant(script: string): void;
}

export interface MirrorHostOptions {
  readonly offered: readonly DebSpec[];
  readonly installed: readonly DebSpec[];
}

export async function mirrorHost(top: string, options: MirrorHostOptions): Promise<MirrorHost> {
  const folder = mkdtempSync(join(top, 'lab-'));
  const repository = await makeRepository({ folder: join(folder, 'archive'), run, packages: options.offered });
  const sandbox = await makeSandbox({
    folder: join(folder, 'host'),
    run,
    repositories: [repository],
    installed: options.installed,
  });
  const stateDir = join(sandbox.folder, 'agent');
  const packages = join(stateDir, 'packages');
  mkdirSync(stateDir);
  // The way it is on a host: the mirror is the fetcher's, everything above it and the runner's folder are not.
  mkdirSync(packages);
  const unprivileged = sandbox.user.dropped ? { uid: sandbox.user.uid, gid: sandbox.user.gid } : null;
  const common = { root: sandbox.root, run, unprivileged };
  const lists = { maxAge: 86_400_000, byteBudget: 10_000_000 };
  const fetcher = createAptFetcher({ ...common, stateDir, packages, clock: systemClock, lists });
  const installer = createAptInstaller({
    ...common,
    runnerDir: join(stateDir, 'runner'),
    packages,
    compare: compareDebVersions,
  });
  const mirror = () => join(packages, readdirSync(packages)[0] ?? '');

  return {
    repository,
    sandbox,
    fetcher,
    installer,
    packages,
    fetch: async (...wanted) => (await fetcher.fetch({ packages: wanted })).missing,
    mirror,
    plant: (script) => {
      if (unprivileged) execFileSync('chown', ['-R', '-h', `${unprivileged.uid}:${unprivileged.gid}`, packages]);
      const user = unprivileged ?? {};
      execFileSync('/bin/sh', ['-c', script], { cwd: mirror(), ...user });
    },
    deb: (name) => {
      const found = readdirSync(mirror(), { recursive: true, encoding: 'utf8' }).find((path) =>
        basename(path).startsWith(`${name}_`),
      );
      if (found === undefined) throw new Error(`no ${name} in the mirror`);

      return join(mirror(), found);
    },
  };
}
