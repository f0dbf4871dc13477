// A file system of a few kilobytes of its own, for tests of what happens when it is full, out of inodes or read-only. It is
// mounted in a mount namespace of its own and reached through /proc, so nothing of the machine is mounted or changed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';

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

afterAll(async () => {
  for (const child of children) {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  }
});

/** As an ordinary user this needs user namespaces, as the sandboxes of the lab do. */
export async function smallDisk(options: { readonly bytes: number; readonly inodes?: number }): Promise<SmallDisk> {
  const root = process.getuid?.() === 0;
  const namespaces = root ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', KEEPER], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.add(child);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const inside = async (command: string) => {
    child.stdin.write(`${command}\n`);
    const { value } = await answers.next();
    if (value !== '0') throw new Error(`"${command}" ended with ${value}`);
  };
  const inodes = options.inodes === undefined ? '' : `,nr_inodes=${options.inodes}`;
  await inside(`mount -t tmpfs -o mode=0755,size=${options.bytes}${inodes} small ${MOUNTED_AT}`);
  const path = `/proc/${child.pid}/root${MOUNTED_AT}`;
  const filler = (name: string) => join(path, `.filler-${name}`);
  let fillers: string[] = [];
  const add = (name: string) => {
    const file = filler(name);
    fillers.push(file);

    return openSync(file, 'w');
  };

  return {
    path,
    fill: (left = 0) => {
      let size = BLOCK;
      const spare = left === 0 ? null : add('spare');
      if (spare !== null) {
        writeSync(spare, Buffer.alloc(left));
        closeSync(spare);
      }
      const file = add('bytes');
      for (; size > 0; ) if (!tried(() => writeSync(file, Buffer.alloc(size)))) size = 0;
      closeSync(file);
      if (spare !== null) rmSync(filler('spare'));
    },
    fillInodes: () => {
      for (let number = 0; tried(() => closeSync(add(String(number)))); number++);
    },
    free: () => {
      for (const file of fillers) rmSync(file, { force: true });
      fillers = [];
    },
    readOnly: (on) => inside(`mount -o remount,${on ? 'ro' : 'rw'} ${MOUNTED_AT}`),
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
