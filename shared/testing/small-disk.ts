// A file system of a few kilobytes of its own, for tests of what happens when it is full, out of inodes or read-only. It is
// mounted in a mount namespace of its own and reached through /proc, so nothing of the machine is mounted or changed; only where a
// sandbox must reach it too it is mounted for all.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

/** For needs(). */
export const SMALL_DISK_PARTS = ['mount', 'unshare'] as const;

export interface SmallDisk {
  readonly path: string;
  /** Uses up every byte, then gives the last `left` back. */
  fill(left?: number): void;
  /** Uses up every inode that is left. */
  fillInodes(): void;
  /** Room again. */
  free(): void;
  readOnly(on: boolean): Promise<void>;
}

const BLOCK = 4096;
const MOUNTED_AT = '/mnt';
/** Reads a command per line and answers each with its exit code. */
const KEEPER = 'while IFS= read -r line; do sh -c "$line" >&2; echo $?; done';
const children = new Set<ChildProcess>();
const visible = new Set<string>();

afterAll(async () => {
  // Runs before the folders are removed, which was asked for first. Something may still stand in one.
  for (const path of visible) execFileSync('umount', ['--lazy', '--', path]);
  for (const child of children) {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  }
});

/** As an ordinary user this needs user namespaces, as the sandboxes of the lab do. */
export async function smallDisk(options: {
  readonly bytes: number;
  readonly inodes?: number;
  /** Mounted for every process of the machine to reach, until the tests are over. Needs root. */
  readonly visible?: boolean;
}): Promise<SmallDisk> {
  const root = process.getuid?.() === 0;
  const namespaces = root ? ['unshare', '--mount'] : ['unshare', '--user', '--map-root-user', '--mount'];
  const [file = 'sh', ...args] = [...(options.visible ? [] : namespaces), 'sh', '-c', KEEPER];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
  children.add(child);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const inside = async (command: string) => {
    child.stdin.write(`${command}\n`);
    const { value } = await answers.next();
    if (value !== '0') throw new Error(`"${command}" ended with ${value}`);
  };
  const inodes = options.inodes === undefined ? '' : `,nr_inodes=${options.inodes}`;
  const mountedAt = options.visible ? temporaryFolder('small-disk') : MOUNTED_AT;
  await inside(`mount -t tmpfs -o mode=0755,size=${options.bytes}${inodes} small ${mountedAt}`);
  if (options.visible) visible.add(mountedAt);
  const path = options.visible ? mountedAt : `/proc/${child.pid}/root${MOUNTED_AT}`;
  const filler = (name: string) => join(path, `.filler-${name}`);
  await inside(`touch ${mountedAt}/.filler-bytes ${mountedAt}/.filler-spare`);
  let fillers: string[] = [];

  return {
    path,
    fill: (left = 0) => {
      writeFileSync(filler('spare'), Buffer.alloc(left), { flag: 'r+' });
      const file = openSync(filler('bytes'), 'r+');
      for (let at = 0; tried(() => writeSync(file, Buffer.alloc(BLOCK), 0, BLOCK, at)); at += BLOCK);
      closeSync(file);
      truncateSync(filler('spare'));
    },
    fillInodes: () => {
      for (let number = 0; tried(() => closeSync(openSync(filler(`inode-${number}`), 'w'))); number++) {
        fillers.push(filler(`inode-${number}`));
      }
    },
    free: () => {
      truncateSync(filler('bytes'));
      for (const file of fillers) rmSync(file);
      fillers = [];
    },
    // The mount and not the file system: in a user namespace only that may change.
    readOnly: (on) => inside(`mount -o remount,bind,${on ? 'ro' : 'rw'} ${mountedAt}`),
  };
}

/** False when the file system has no more room for it. */
function tried(work: () => void): boolean {
  try {
    work();

    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
