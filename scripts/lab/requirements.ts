// What the lab needs of the machine: programs, and namespaces for an ordinary user. It installs nothing.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { namespaceProblem, ordinaryUser } from './ordinary-user.ts';

/** Program → the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'apt-ftparchive': 'apt-utils',
  busybox: 'busybox-static',
  dpkg: 'dpkg',
  'dpkg-deb': 'dpkg',
  gpg: 'gpg',
  'gpg-agent': 'gpg-agent',
  gpgconf: 'gpgconf',
  gpgv: 'gpgv',
  unshare: 'util-linux',
};
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Packages whose programs are not in any of `folders`. */
export function missingPackages(folders: readonly string[] = FOLDERS): readonly string[] {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !folders.some((folder) => isThere(folder, program)));

  return [...new Set(missing.map(([, name]) => name))];
}

/** Throws TOOL_MISSING whose `next` is the one command to run, or that says what of the kernel is missing. */
export async function requireParts(run: Run, folders?: readonly string[]): Promise<void> {
  const missing = missingPackages(folders);
  if (missing.length > 0) {
    throw new CodedError('TOOL_MISSING', `the lab needs ${missing.join(', ')}`, {
      next: `apt-get install ${missing.join(' ')}`,
    });
  }

  const problem = await namespaceProblem(run, ordinaryUser());
  if (problem !== null) {
    throw new CodedError(
      'TOOL_MISSING',
      `the lab needs user and network namespaces for an ordinary user (${problem})`,
      {
        next: 'allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)',
      },
    );
  }
}

function isThere(folder: string, program: string): boolean {
  try {
    accessSync(join(folder, program), constants.X_OK);

    return true;
  } catch {
    // Not there, or not to be started: the same to us.
    return false;
  }
}
