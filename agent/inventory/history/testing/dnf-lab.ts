// A root with the real dnf and rpm working on it, fed from a repository of packages made here: an ordinary user in namespaces of its
// own, without network, so that nothing outside the folder changes. For tests only.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { handOver, ordinaryUser, runInNamespace } from '../../../../scripts/lab/ordinary-user.ts';

const DEADLINE_MS = 120_000;

export interface DnfLab {
  readonly root: string;
  /** A .rpm that was built. */
  file(name: string, version: string): string;
  dnf(...args: readonly string[]): Promise<void>;
  rpm(...args: readonly string[]): Promise<string>;
}

/** `folder` must be one that other users can enter. */
export async function dnfLab(
  folder: string,
  run: Run,
  packages: readonly { readonly name: string; readonly version: string }[],
): Promise<DnfLab> {
  const [root, repository, home] = ['root', 'repository', 'home'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const reposdir = join(root, 'etc/yum.repos.d');
  for (const path of [reposdir, repository, home, join(folder, 'tmp')]) await mkdir(path, { recursive: true });
  // Debian's rpm keeps the database of an ordinary user in the home otherwise.
  await writeFile(join(home, '.rpmmacros'), '%_dbpath /var/lib/rpm\n');
  await writeFile(join(reposdir, 'lab.repo'), `[lab]\nname=lab\nbaseurl=file://${repository}\ngpgcheck=0\nenabled=1\n`);
  const env = { HOME: home, TMPDIR: join(folder, 'tmp') };
  for (const { name, version } of packages) {
    const spec = join(folder, `${name}-${version}.spec`);
    await writeFile(spec, specOf(name, version));
    const defines = { _topdir: join(folder, 'build'), _rpmdir: repository, _rpmfilename: '%%{NAME}-%%{VERSION}.rpm' };
    const args = Object.entries(defines).flatMap(([key, value]) => ['--define', `${key} ${value}`]);
    await run({ file: 'rpmbuild', args: ['-bb', '--quiet', ...args, spec], env, deadlineMs: DEADLINE_MS, check: true });
  }
  await run({ file: 'createrepo_c', args: ['-q', repository], deadlineMs: DEADLINE_MS, check: true });
  const user = ordinaryUser();
  await handOver(run, folder, user);
  const inside = runInNamespace(run, user, 'root');
  const call = async (file: string, args: readonly string[]) =>
    (await inside({ file, args, env, deadlineMs: DEADLINE_MS, check: true })).stdout;
  const options = { cachedir: join(folder, 'cache'), logdir: join(folder, 'tmp'), reposdir };

  return {
    root,
    file: (name, version) => join(repository, `${name}-${version}.rpm`),
    dnf: async (...args) => {
      const settings = Object.entries(options).map(([key, value]) => `--setopt=${key}=${value}`);
      await call('dnf', ['-y', '-q', `--installroot=${root}`, '--releasever=1', ...settings, ...args]);
    },
    rpm: (...args) => call('rpm', ['--root', root, ...args]),
  };
}

function specOf(name: string, version: string): string {
  return `Name: ${name}
Version: ${version}
Release: 1
Summary: lab
License: MIT
BuildArch: noarch
%description
lab
%install
mkdir -p %{buildroot}/usr/share/lab
echo ${version} > %{buildroot}/usr/share/lab/${name}
%files
/usr/share/lab/${name}
`;
}
