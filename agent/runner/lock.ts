// One runner at a time: a lock file that names the process holding it. The lock of a process that is gone is taken over.
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';

export interface Lock {
  release(): Promise<void>;
}

const MAX_LOCK_BYTES = 256;
const TRIES = 3;
const NAME_BYTES = 6;

/** Null while another living process holds it. */
export async function takeLock(path: string): Promise<Lock | null> {
  const mine = `${path}.${process.pid}.${randomBytes(NAME_BYTES).toString('hex')}`;
  const content = await holder(process.pid);
  await writeFile(mine, content, { mode: 0o600 });

  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await tryLink(mine, path)) return { release: () => unlink(path) };
      if (await isHeld(path)) return null;
      await moveAside(path, mine);
    }
  } finally {
    await unlink(mine);
  }

  return null;
}

async function tryLink(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);

    return true;
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function isHeld(path: string): Promise<boolean> {
  const bytes = await readBounded(path, MAX_LOCK_BYTES);
  if (bytes === null) return false;
  const content = Buffer.from(bytes).toString('utf8');
  const pid = Number(content.split(' ')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new CodedError('FILE_CORRUPT', `the lock ${path} does not name a process`, {
      next: 'make sure that no runner runs, then remove the file named',
    });
  }

  return isAlive(pid) && (await holder(pid)) === content;
}

/**
 * A stale lock goes by renaming, so that of two processes that find it only one removes it. What was moved may be the new
 * lock of a faster one: then it is put back.
 */
async function moveAside(path: string, mine: string): Promise<void> {
  const aside = `${mine}.stale`;

  try {
    await rename(path, aside);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  if (await isHeld(aside)) await tryLink(aside, path);
  await unlink(aside);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);

    return true;
  } catch (error) {
    return hasErrno(error, 'EPERM');
  }
}

/** Pid and start time: a pid that was given to another process since is not the holder. */
async function holder(pid: number): Promise<string> {
  return `${pid} ${await startTime(pid)}`;
}

/*
 * proc_pid_stat(5); the name in parentheses may hold blanks, field 22 is the start time:
 *   4711 (node (x)) S 1 4711 4711 0 -1 4194304 …
 */
async function startTime(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');

    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}
