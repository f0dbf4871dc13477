// Bytes a transaction needs and what is free, per file system that it touches. It counts generously: new files lie beside
// the old ones until dpkg has replaced them.
import { stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Transaction } from '@selvage/shared/model/package.ts';
import { saysFull } from './no-space.ts';
import type { PackageFacts } from './package-facts.ts';

export interface Space {
  readonly path: string;
  readonly needed: number;
  readonly free: number;
}

/** What dpkg and maintainer scripts write besides the files themselves. */
const RESERVE_BYTES = 16 * 1024 * 1024;
/** A kernel image with its initial file system, which is built after the installation and is in no index. */
const KERNEL_BYTES = 160 * 1024 * 1024;
const KERNEL = /^(linux-image|kernel-image)-/;

/** Sums up per file system; `paths` that do not exist are left out. */
export async function spaceFor(
  root: string,
  archives: string,
  transaction: Transaction,
  facts: readonly PackageFacts[],
): Promise<readonly Space[]> {
  const installed = facts.reduce((sum, item) => sum + item.installedBytes, 0);
  const download = facts.reduce((sum, item) => sum + item.downloadBytes, 0);
  const kernels = [...transaction.install, ...transaction.upgrade].filter((change) => KERNEL.test(change.name)).length;
  const wishes: readonly (readonly [string, number])[] = [
    [join(root, 'usr'), installed],
    [join(root, 'var'), RESERVE_BYTES],
    [join(root, 'boot'), kernels * KERNEL_BYTES],
    // Taken from the mirror, and for a moment once more in the cache of apt.
    [archives, 2 * download],
  ];
  const byDevice = new Map<number, Space>();

  for (const [path, needed] of wishes) {
    const device = await deviceOf(path);
    if (device === null) continue;
    const known = byDevice.get(device);
    const { bavail, bsize } = await statfs(path);
    byDevice.set(device, { path: known?.path ?? path, needed: (known?.needed ?? 0) + needed, free: bavail * bsize });
  }

  return [...byDevice.values()];
}

/** Throws DISK_FULL naming the file system of `path` when a program said so. */
export async function refuseFull(words: string, path: string): Promise<void> {
  if (saysFull(words)) throw await fullDisk(path);
}

/** The error for any of our own writes below `path`: DISK_FULL with the file system named where it is that, else as it was. */
export async function namedFull(error: unknown, path: string): Promise<unknown> {
  const { code, details } = asCoded(error);

  return code === 'DISK_FULL' && !('mount' in details) ? fullDisk(path, error) : error;
}

async function fullDisk(path: string, cause?: unknown): Promise<CodedError> {
  const mount = await mountOf(path);

  return new CodedError('DISK_FULL', `the file system at ${mount} is full (${path})`, {
    details: { mount, path },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The folder at which the file system of `path` is mounted. */
async function mountOf(path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path) return path;
  const [own, above] = [await deviceOf(path), await deviceOf(parent)];

  return own === null || own === above ? mountOf(parent) : path;
}

async function deviceOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
