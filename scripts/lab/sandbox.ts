// A root folder with the real apt and dpkg working on it: packages are really installed, maintainer scripts really chroot
// into it, and nothing outside `folder` changes, because everything runs as an ordinary user in namespaces of its own.
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { buildDeb, type DebSpec } from './deb.ts';
import { handOver, type OrdinaryUser, ordinaryUser, runAs, runInNamespace } from './ordinary-user.ts';
import type { Repository } from './repository.ts';

export interface MakeSandbox {
  /** An empty or absent folder, given to the ordinary user when this process is root. All that changes lies in it. */
  readonly folder: string;
  readonly run: Run;
  readonly repositories?: readonly Repository[];
  /** Addresses to write into the sources instead of `file:`, per repository (see `serveRepository`). */
  readonly uris?: ReadonlyMap<Repository, string>;
  readonly installed?: readonly DebSpec[];
  readonly hostname?: string;
  /** 32 hex digits; default: derived from the hostname. */
  readonly machineId?: string;
}

export interface Sandbox {
  readonly folder: string;
  /** The root of the sandboxed system: `<folder>/root`. */
  readonly root: string;
  readonly user: OrdinaryUser;
  /** A temporary folder that the user may write, whatever TMPDIR is here; `run` and `runUnprivileged` name it. */
  readonly temporary: string;
  /** A configuration for APT_CONFIG under which apt works on `root` with `root`'s own lists and sources. */
  readonly aptConfig: string;
  /** Children are root in a user namespace without network: for apt and dpkg that install. */
  readonly run: Run;
  /** Children are the ordinary user with the machine's network: for refreshing lists and fetching. */
  readonly runUnprivileged: Run;
  /** Installs packages with dpkg itself, as an admin at the machine would. */
  dpkgInstall(packages: readonly DebSpec[]): Promise<void>;
  /** `name → version` of what dpkg says is installed. */
  versions(): Promise<ReadonlyMap<string, string>>;
  /** Gives files that this process made since to the ordinary user; `run` and `runUnprivileged` do it by themselves. */
  handOver(): Promise<void>;
}

const DEADLINE_MS = 120_000;
/** Debian's merged /usr. */
const LINKS = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib' } as const;
const FOLDERS = [
  'usr/bin',
  'usr/sbin',
  'usr/lib',
  'usr/share/keyrings',
  'etc/apt/sources.list.d',
  'etc/apt/apt.conf.d',
  'etc/apt/preferences.d',
  'etc/apt/trusted.gpg.d',
  'etc/apt/auth.conf.d',
  'var/lib/dpkg/info',
  'var/lib/dpkg/updates',
  'var/lib/dpkg/triggers',
  'var/lib/dpkg/alternatives',
  'var/lib/apt/lists/partial',
  'var/cache/apt/archives/partial',
  'var/log/apt',
  'dev',
  'proc',
  'run',
  'tmp',
] as const;
/** What maintainer scripts and dpkg's own checks look for. */
const APPLETS = (
  'sh cat cp mv rm ln ls mkdir rmdir touch chmod chown echo printf test [ true false grep sed awk cut head tail sort uniq wc ' +
  'tr tar diff find xargs id readlink realpath basename dirname date sleep env expr mktemp stat pwd kill sync'
).split(' ');
/** Programs dpkg wants to see; in a sandbox without libraries and daemons they have nothing to do. */
const IDLE_PROGRAMS = ['ldconfig', 'start-stop-daemon'];

/** Needs busybox-static, dpkg, apt, unshare. Throws PROCESS_FAILED with the tool's words in its details. */
export async function makeSandbox(options: MakeSandbox): Promise<Sandbox> {
  const { folder, run, repositories = [], hostname = 'lab-host' } = options;
  const root = join(folder, 'root');
  const temporary = join(folder, 'tmp');
  const user = ordinaryUser();
  await mkdir(temporary, { recursive: true });
  await layOut(root);
  await describeSystem(root, hostname, options.machineId);
  await writeSources(root, repositories, options.uris);
  const aptConfig = await writeAptConfig(folder, root);
  const give = () => handOver(run, folder, user);
  const after = (inner: Run): Run => {
    return async (call) => {
      await give();

      return inner({ ...call, env: { TMPDIR: temporary, ...call.env } });
    };
  };
  const inside = after(runInNamespace(run, user, 'root'));
  const sandbox: Sandbox = {
    folder,
    root,
    user,
    temporary,
    aptConfig,
    run: inside,
    runUnprivileged: after(runAs(run, user)),
    dpkgInstall: (packages) => dpkgInstall(run, inside, sandbox, packages),
    versions: () => versions(inside, root),
    handOver: give,
  };

  if (options.installed?.length) await sandbox.dpkgInstall(options.installed);
  await give();

  return sandbox;
}

async function layOut(root: string): Promise<void> {
  for (const path of FOLDERS) await mkdir(join(root, path), { recursive: true });
  for (const [name, target] of Object.entries(LINKS)) await symlink(target, join(root, name));
  await copyFile('/bin/busybox', join(root, 'usr/bin/busybox'));
  await chmod(join(root, 'usr/bin/busybox'), 0o755);
  for (const applet of APPLETS) await symlink('busybox', join(root, 'usr/bin', applet));
  for (const name of IDLE_PROGRAMS) {
    await writeFile(join(root, 'usr/sbin', name), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  }
  for (const file of ['status', 'available', 'diversions', 'statoverride']) {
    await writeFile(join(root, 'var/lib/dpkg', file), '');
  }
  // Not a device (an ordinary user cannot make one), but scripts that write to it go on.
  await writeFile(join(root, 'dev/null'), '', { mode: 0o666 });
}

async function describeSystem(root: string, hostname: string, machineId: string | undefined): Promise<void> {
  const id = machineId ?? Buffer.from(hostname.padEnd(16, '.')).toString('hex').slice(0, 32);
  const files: Readonly<Record<string, string>> = {
    'usr/lib/os-release': OS_RELEASE,
    'etc/debian_version': '12.8\n',
    'etc/hostname': `${hostname}\n`,
    'etc/machine-id': `${id}\n`,
    'etc/timezone': 'Etc/UTC\n',
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    'etc/group': 'root:x:0:\n',
    'etc/shells': '/bin/sh\n',
  };
  for (const [path, content] of Object.entries(files)) await writeFile(join(root, path), content);
  await symlink('../usr/lib/os-release', join(root, 'etc/os-release'));
}

const OS_RELEASE = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
`;

/** The keyring is copied into the root; Signed-By is absolute, because apt does not put `Dir` before it. */
async function writeSources(
  root: string,
  repositories: readonly Repository[],
  uris: ReadonlyMap<Repository, string> | undefined,
): Promise<void> {
  for (const [index, repository] of repositories.entries()) {
    const keyring = join(root, `usr/share/keyrings/lab-${index}.gpg`);
    await copyFile(repository.keyring, keyring);
    const uri = uris?.get(repository) ?? repository.uri;
    await writeFile(join(root, `etc/apt/sources.list.d/lab-${index}.sources`), repository.sources({ uri, keyring }));
  }
}

/** Named by APT_CONFIG: apt reads it before any other file, so that the machine's own hooks and settings are never read. */
async function writeAptConfig(folder: string, root: string): Promise<string> {
  const path = join(folder, 'apt.conf');
  const text = `Dir "${root}/";
Dir::State::status "${root}/var/lib/dpkg/status";
DPkg::Options { ${dpkgOptions(root)
    .map((option) => `"${option}";`)
    .join(' ')} };
DPkg::Use-Pty "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
`;
  await writeFile(path, text);

  return path;
}

function dpkgOptions(root: string): readonly string[] {
  return [`--root=${root}`, `--log=${root}/var/log/dpkg.log`, '--force-confold', '--force-unsafe-io'];
}

async function dpkgInstall(run: Run, inside: Run, sandbox: Sandbox, packages: readonly DebSpec[]): Promise<void> {
  const paths: string[] = [];
  for (const spec of packages) paths.push(await buildDeb(run, spec, join(sandbox.folder, 'debs')));
  await inside({
    file: 'dpkg',
    args: [...dpkgOptions(sandbox.root), '--install', '--', ...paths],
    deadlineMs: DEADLINE_MS,
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    check: true,
  });
}

/** Expanded by dpkg-query, not by us. */
const STATUS_FORMAT = ['db:Status-Abbrev', 'Package', 'Version']
  .map((field) => `\${${field}}`)
  .join('\\t')
  .concat('\\n');

async function versions(inside: Run, root: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await inside({
    file: 'dpkg-query',
    args: [`--admindir=${root}/var/lib/dpkg`, '--show', '--showformat', STATUS_FORMAT],
    deadlineMs: DEADLINE_MS,
  });
  const rows = stdout.split('\n').map((line) => line.split('\t'));

  return new Map(
    rows.flatMap(([state, name, version]) => (state?.startsWith('ii') && name && version ? [[name, version]] : [])),
  );
}
