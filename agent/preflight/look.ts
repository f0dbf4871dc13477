// What this machine is, found without starting a program. It changes nothing.
import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { DiskFacts, Facts } from './facts.ts';

/** Package managers and the program that shows them, below the root. */
const MANAGERS = [
  { name: 'apt', program: 'usr/bin/apt-get' },
  { name: 'dnf', program: 'usr/bin/dnf' },
  { name: 'zypper', program: 'usr/bin/zypper' },
  { name: 'pacman', program: 'usr/bin/pacman' },
  { name: 'apk', program: 'sbin/apk' },
] as const;
/** sd_booted(3). */
const SYSTEMD = 'run/systemd/system';

export function lookAtSystem(): Pick<Facts, 'platform' | 'arch' | 'kernel' | 'glibc'> {
  return { platform: process.platform, arch: process.arch, kernel: release(), glibc: glibc() };
}

/** `known`: names of the managers that the agent can work with. */
export function managersIn(root: string, known: readonly string[]): readonly string[] {
  return MANAGERS.filter(({ name, program }) => known.includes(name) && existsSync(join(root, program))).map(
    ({ name }) => name,
  );
}

export function hasSystemd(): boolean {
  return existsSync(join('/', SYSTEMD));
}

/** Folders that need not be there yet, by the file system that they lie or will lie on. */
export async function lookAtDisks(
  folders: readonly { readonly path: string; readonly kind: 'state' | 'runner' }[],
): Promise<readonly DiskFacts[]> {
  const byDevice = new Map<number, { path: string; kind: 'state' | 'runner' }[]>();
  const disks: { readonly folders: { path: string; kind: 'state' | 'runner' }[]; readonly at: string }[] = [];

  for (const folder of folders) {
    const { at, device } = await nearest(folder.path);
    const known = byDevice.get(device);
    if (known) known.push(folder);
    else {
      const own = [folder];
      byDevice.set(device, own);
      disks.push({ folders: own, at });
    }
  }

  return Promise.all(disks.map(async ({ folders, at }) => ({ folders, free: await freeAt(at) })));
}

/** The folder, or the nearest above it that is there. */
async function nearest(path: string): Promise<{ readonly at: string; readonly device: number }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      return { at, device: (await stat(at)).dev };
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES') || at === dirname(at)) throw error;
    }
  }
}

async function freeAt(at: string): Promise<DiskFacts['free']> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(at);

    // File systems without a fixed number of inodes (btrfs) say that they have none.
    return { bytes: bavail * bsize, inodes: files === 0 ? null : ffree };
  } catch (error) {
    if (hasErrno(error, 'EACCES', 'EIO', 'ENOSYS', 'ESTALE')) return null;
    throw error;
  }
}

/** Null on musl: it does not say which one it is. */
function glibc(): string | null {
  // Without this it would resolve the names of all peers.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: unknown } };
  const version = header?.glibcVersionRuntime;

  return typeof version === 'string' ? version : null;
}
