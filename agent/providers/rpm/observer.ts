// What an rpm host has installed, and where its packages come from. It only looks: pending updates of dnf and zypper are not worked out,
// so each repository says so and the host's updates are unknown, never none.
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { InstalledPackage, Repository } from '@selvage/shared/model/package.ts';
import { parseRpmList } from '@selvage/shared/packages/rpm-list.ts';
import { listRpms } from '@selvage/shared/packages/rpm-query.ts';
import { parseRepoFile } from '@selvage/shared/packages/rpm-repositories.ts';
import type { Observer } from '../provider.ts';
import { ownersByRpm } from './owners.ts';
import { readUpdateinfo } from './updateinfo.ts';

export interface RpmObserverOptions {
  readonly root: string;
  readonly run: Run;
}

type Manager = 'dnf' | 'zypper';

/** Where rpm keeps its database, in the order of preference of rpm itself; one of its three formats (sqlite, ndb, Berkeley DB). */
const DATABASES = ['usr/lib/sysimage/rpm', 'var/lib/rpm'] as const;
const DATABASE_FILES = ['rpmdb.sqlite', 'Packages.db', 'Packages'];
const DPKG_STATUS = 'var/lib/dpkg/status';
const ZYPP = 'etc/zypp';
const REPOSITORIES: Readonly<Record<Manager, readonly string[]>> = {
  dnf: ['etc/yum.repos.d', 'etc/dnf/repos.d'],
  zypper: ['etc/zypp/repos.d'],
};

const NOT_WORKED_OUT = {
  code: 'NOT_BUILT',
  reason: 'updates of rpm packages are not worked out on the host yet',
} as const;

/** `installed` throws TOOL_MISSING without rpm, PROCESS_* or PACKAGE_DATABASE_INVALID. */
export function createRpmObserver(manager: Manager, { root, run }: RpmObserverOptions): Observer {
  const repositories = async () => (await readRepositories(root, manager)).map((each) => described(each, manager));

  return {
    name: manager,
    detect: async () => {
      // Debian has the programs of rpm too, with an empty database: who has dpkg's is a host of dpkg.
      if (await exists(join(root, DPKG_STATUS))) return false;
      if ((await databaseIn(root)) === null) return false;

      return (await exists(join(root, ZYPP))) === (manager === 'zypper');
    },
    installed: () => readInstalled(manager, { root, run }),
    repositories,
    refresh: repositories,
    // Nobody asks while a repository has a problem, and all of them have.
    pending: async () => [],
    owners: async (paths) => ownersByRpm(paths, { run, args: await databaseArgs(root) }),
    advisories: async (installed) =>
      readUpdateinfo({
        ...{ root, run, installed },
        repositories: (await readRepositories(root, manager)).map(({ id }) => id),
      }),
  };
}

/** rpm ends with an error where its database is damaged, and with nothing where it is empty: neither is a host without software. */
async function readInstalled(
  manager: Manager,
  { root, run }: RpmObserverOptions,
): Promise<readonly InstalledPackage[]> {
  const database = (await databaseIn(root)) ?? join(root, DATABASES[1]);
  const { stdout, stderr, exitCode } = await listRpms(run, await databaseArgs(root));
  if (exitCode !== 0) throw damaged(database, stderr.trim().split('\n').at(-1) ?? `rpm ended with ${exitCode}`);
  const packages = parseRpmList(stdout, { file: database, provider: manager });
  if (packages.length === 0) throw damaged(database, 'it has no package at all');

  return packages;
}

/** Of a sandbox root only the database is read: entering the root would need privileges. */
async function databaseArgs(root: string): Promise<readonly string[]> {
  return root === '/' ? [] : ['--dbpath', (await databaseIn(root)) ?? join(root, DATABASES[1])];
}

function damaged(database: string, why: string): CodedError {
  return new CodedError('PACKAGE_DATABASE_INVALID', `${database} is not whole: ${why}`, {
    next: 'look at it with: rpm -qa; repair it with: rpm --rebuilddb',
    details: { file: database },
  });
}

function described({ id, uri, signed }: ReturnType<typeof parseRepoFile>[number], provider: Manager): Repository {
  return {
    ...{ id, provider, uri, suite: id, components: [], signed, security: false },
    ...{
      origin: null,
      label: null,
      codename: null,
      lastRefresh: null,
      lastAttempt: null,
      date: null,
      validUntil: null,
    },
    problem: NOT_WORKED_OUT,
  };
}

async function readRepositories(root: string, manager: Manager): Promise<ReturnType<typeof parseRepoFile>> {
  const found: ReturnType<typeof parseRepoFile>[number][] = [];
  for (const folder of REPOSITORIES[manager]) {
    for (const name of (await namesIn(join(root, folder))).filter((each) => each.endsWith('.repo')).sort()) {
      found.push(...parseRepoFile(await readFile(join(root, folder, name), 'utf8')));
    }
  }

  return [...new Map(found.map((each) => [each.id, each])).values()];
}

async function databaseIn(root: string): Promise<string | null> {
  for (const folder of DATABASES) {
    for (const file of DATABASE_FILES) if (await exists(join(root, folder, file))) return join(root, folder);
  }

  return null;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);

    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
