// One runner at a time. Each start writes a ticket of its own into a folder and then looks for others: of two that start
// together at least one sees the other, so never two go on (both may leave, and the next start goes on). A ticket names its
// process, is never used again, and counts for nothing once that process is gone: nothing has to be taken over.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';

export interface Lock {
  release(): Promise<void>;
}

const PRIVATE_FOLDER = 0o700;
const NAME_BYTES = 6;
/** `<pid>-<start time>-<boot>-<random>`. */
const TICKET = /^(\d{1,10})-(\d*)-([0-9a-f-]*)-[0-9a-f]{12}$/;

/** Null while another living process holds it. Throws FILE_CORRUPT for what is no ticket: unknown means stop. */
export async function takeLock(folder: string): Promise<Lock | null> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const mine = `${await holder(process.pid)}-${randomBytes(NAME_BYTES).toString('hex')}`;
  const release = () => unlink(join(folder, mine));
  await writeFile(join(folder, mine), '', { flag: 'wx', mode: 0o600 });

  try {
    if (!(await othersAlive(folder, mine))) return { release };
  } catch (error) {
    await release();
    throw error;
  }
  await release();

  return null;
}

async function othersAlive(folder: string, mine: string): Promise<boolean> {
  let alive = false;

  for (const name of (await readdir(folder)).filter((other) => other !== mine)) {
    const match = TICKET.exec(name);
    if (!match) {
      throw new CodedError('FILE_CORRUPT', `${join(folder, name)} is no ticket of a runner`, {
        next: 'make sure that no runner runs, then remove the file named',
      });
    }
    if (name.startsWith(`${await holder(Number(match[1]))}-`)) alive = true;
    else await remove(join(folder, name));
  }

  return alive;
}

/** Another start may remove the same ticket. */
async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

/** A pid that was given to another process since, or before a reboot, is not the holder. Without a start time it is gone. */
async function holder(pid: number): Promise<string> {
  return `${pid}-${await startTime(pid)}-${(await readText('/proc/sys/kernel/random/boot_id')).trim()}`;
}

/*
 * proc_pid_stat(5); the name in parentheses may hold blanks, field 22 is the start time:
 *   4711 (node (x)) S 1 4711 4711 0 -1 4194304 …
 */
async function startTime(pid: number): Promise<string> {
  const stat = await readText(`/proc/${pid}/stat`);

  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone';
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}
