// How the privileged half starts apt and dpkg on a root. `/`: directly, in the host's own namespaces. Any other root is a
// sandbox: as an ordinary user in a user namespace without network, so that maintainer scripts chroot and nothing outside
// the root can be written. The host's own apt.conf is never read; its hooks are copied by name and shown.
import { lchown, lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import {
  type AptOption,
  parseDump,
  readHostOptions,
  type UnprivilegedUser,
  underConfig,
  writeAptConfig,
} from './apt-config.ts';

export interface AptSystemOptions {
  readonly root: string;
  /** The runner's folder; lists, cache and configuration lie in it. */
  readonly runnerDir: string;
  readonly run: Run;
  /** Sandbox only: whom to drop to when this process is root; null when it is an ordinary user already. */
  readonly unprivileged: UnprivilegedUser | null;
}

export interface AptSystem {
  readonly sandboxed: boolean;
  /** Whom apt and dpkg run as, seen from here. */
  readonly uid: number;
  readonly lists: string;
  readonly archives: string;
  /** The runner's own copy of what it takes from the fetcher's mirror folders, written by ./mirror-intake.ts. */
  readonly mirror: string;
  /** Sources that name it, written by ./mirror-load.ts. */
  readonly sources: string;
  /** Options for dpkg where it is called by itself. */
  readonly dpkgOptions: readonly string[];
  /** Writes the configuration; hooks are those of the host that an installation will run. */
  prepare(): Promise<{ readonly hooks: readonly string[] }>;
  readonly run: Run;
}

/** What reads the configuration of apt; dpkg does not. */
const APT_PROGRAMS: readonly string[] = ['apt-get', 'apt-cache'];
const OPEN_FOLDER = 0o755;
const DUMP_DEADLINE_MS = 10_000;
/** Every process of a transaction carries it, so that a later start can tell whether one is still at work. */
export const TRANSACTION_MARK = 'SELVAGE_TRANSACTION';
/** apt.conf(5): programs that apt or dpkg start around a transaction. */
const HOOKS = ['dpkg::pre-invoke::', 'dpkg::post-invoke::', 'dpkg::pre-install-pkgs::', 'dpkg::tools::options::'];

/** Fixed surroundings of every call (design: nothing asks, nothing restarts services on its own, old conffiles stay). */
const ENVIRONMENT = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBIAN_PRIORITY: 'critical',
  NEEDRESTART_SUSPEND: '1',
  APT_LISTCHANGES_FRONTEND: 'none',
  UCF_FORCE_CONFFOLD: '1',
} as const;

export function createAptSystem(options: AptSystemOptions): AptSystem {
  const { root, runnerDir, unprivileged } = options;
  const sandboxed = root !== '/';
  const own = (name: string) => join(runnerDir, 'apt', name);
  const config = own('apt.conf');
  const lists = own('lists');
  const cache = own('cache');
  const user = sandboxed ? unprivileged : null;
  const dpkgOptions = [
    ...(sandboxed ? [`--root=${root}`, `--log=${join(root, 'var/log/dpkg.log')}`] : []),
    '--force-confold',
  ];

  return {
    sandboxed,
    uid: user?.uid ?? process.getuid?.() ?? 0,
    lists,
    archives: join(cache, 'archives'),
    mirror: own('mirror'),
    sources: own('mirror.sources'),
    dpkgOptions,
    prepare: async () => {
      await makeFolders(
        ['', 'lists', 'lists/partial', 'cache', 'cache/archives', 'cache/archives/partial'].map(own),
        user,
      );
      const host = await readHostOptions(options.run, root, own('host.conf'));
      const hooks = sandboxed ? [] : await readHooks(options.run);
      await writeAptConfig(
        config,
        {
          root,
          lists,
          cache,
          sourceList: own('mirror.sources'),
          host,
          options: [...settings(dpkgOptions, sandboxed), ...hooks],
        },
        user,
      );

      return { hooks: hooks.map(({ name, value }) => `${name} ${value}`) };
    },
    run: ({ file, args: given = [], env, deadlineMs, ...rest }) => {
      const under = underConfig(config, given);
      const args = APT_PROGRAMS.includes(file) ? under.args : given;

      return options.run({
        deadlineMs,
        cwd: '/',
        ...rest,
        file: sandboxed ? 'unshare' : file,
        args: sandboxed ? ['--user', '--map-root-user', '--net', '--', file, ...args] : args,
        env: { ...ENVIRONMENT, ...under.env, ...env },
        ...(user ?? {}),
      });
    },
  };
}

/**
 * Makes what is missing; all but the first belong to the user that apt runs as. Inner ones are handed over first, because
 * whoever owns a folder can put something else into the place of what lies in it. Throws FILE_UNSAFE where that was done.
 */
async function makeFolders(paths: readonly string[], user: UnprivilegedUser | null): Promise<void> {
  const [top, ...others] = paths;
  if (top !== undefined) await mkdir(top, { recursive: true, mode: OPEN_FOLDER });
  const made: string[] = [];

  for (const path of others) {
    try {
      await mkdir(path, { mode: OPEN_FOLDER });
      if (user && (await lstat(dirname(path))).uid === user.uid) {
        throw new CodedError('FILE_UNSAFE', `${path} was missing in a folder of the user with id ${user.uid}`);
      }
      made.push(path);
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw error;
    }
  }
  if (user) for (const path of made.toReversed()) await lchown(path, user.uid, user.gid);
}

function settings(dpkgOptions: readonly string[], sandboxed: boolean): readonly AptOption[] {
  return [
    ...dpkgOptions.map((value) => ({ name: 'DPkg::Options::', value })),
    { name: 'DPkg::Use-Pty', value: 'false' },
    { name: 'DPkg::Lock::Timeout', value: '60' },
    // Rings are our phases: a version is approved or it is not.
    { name: 'APT::Get::Always-Include-Phased-Updates', value: 'true' },
    { name: 'APT::Install-Recommends', value: 'false' },
    { name: 'APT::Install-Suggests', value: 'false' },
    { name: 'APT::Get::AllowUnauthenticated', value: 'false' },
    { name: 'APT::Update::Error-Mode', value: 'any' },
    { name: 'Acquire::AllowInsecureRepositories', value: 'false' },
    { name: 'Acquire::AllowWeakRepositories', value: 'false' },
    { name: 'Acquire::AllowDowngradeToInsecureRepositories', value: 'false' },
    { name: 'Acquire::GzipIndexes', value: 'false' },
    { name: 'Acquire::Retries', value: '0' },
    // Root of a user namespace cannot become another user.
    ...(sandboxed ? [{ name: 'APT::Sandbox::User', value: 'root' }] : []),
  ];
}

async function readHooks(run: Run): Promise<readonly AptOption[]> {
  const output = await run({ file: 'apt-config', args: ['dump'], deadlineMs: DUMP_DEADLINE_MS });
  if (output.exitCode !== 0) {
    throw new CodedError('PACKAGE_MANAGER_FAILED', `apt-config cannot read the host's hooks: ${output.stderr.trim()}`);
  }

  return parseDump(output.stdout).filter(
    ({ name, value }) => value !== '' && HOOKS.some((hook) => name.toLowerCase().startsWith(hook)),
  );
}
