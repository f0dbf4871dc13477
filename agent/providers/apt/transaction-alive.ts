// Is a package manager at work on a root right now? Its locks, as the kernel lists them, and processes of a transaction
// that an earlier runner started. It takes no lock itself and reads no text of a package manager.
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { TRANSACTION_MARK } from './apt-system.ts';

const LOCKS = ['var/lib/dpkg/lock-frontend', 'var/lib/dpkg/lock'];
/** A daemon that a maintainer script started carries the mark too; only these are the transaction. */
const TRANSACTION_PROGRAMS = ['unshare', 'apt-get', 'dpkg'];

/** One sentence about who is at work, or null. `uid` is the user that transactions on this root run as. */
export async function transactionAlive(root: string, uid: number): Promise<string | null> {
  for (const name of LOCKS) {
    const path = join(root, name);
    const pid = await lockHolder(path);
    if (pid !== null) return `process ${pid} holds ${path}`;
  }
  const pid = await markedProcess(root, uid);

  return pid === null ? null : `process ${pid} is an installation that an earlier runner started`;
}

/*
 * proc_locks(5):
 * 1: POSIX  ADVISORY  WRITE 4711 00:1d:1180113 0 EOF
 * 2: FLOCK  ADVISORY  WRITE 812 00:18:741 0 EOF
 */
async function lockHolder(path: string): Promise<number | null> {
  const facts = await stat(path).catch(absent);
  const locks = await readFile('/proc/locks', 'utf8').catch(absent);
  if (!facts || locks === null) return null;
  const target = await realpath(path);

  for (const line of locks.split('\n')) {
    const match = /^\d+: POSIX +\S+ +WRITE +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (!match || Number(match[2]) !== facts.ino) continue;
    // The device of an overlay is not the one that stat() gives; whether it is this file its holder's descriptors tell.
    const pid = Number(match[1]);
    if (await hasOpen(pid, target)) return pid;
  }

  return null;
}

async function hasOpen(pid: number, path: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;

  try {
    const links = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(absent)));

    return links.includes(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return false;
    // What may not be looked at may be the holder: unknown means wait.
    if (hasErrno(error, 'EACCES', 'EPERM')) return true;
    throw error;
  }
}

async function markedProcess(root: string, uid: number): Promise<number | null> {
  const mark = `${TRANSACTION_MARK}=${root}`;

  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const program = await readFile(join('/proc', name, 'comm'), 'utf8').catch(gone);
    if (program === null || !TRANSACTION_PROGRAMS.includes(program.trim())) continue;
    // Name and environment are anybody's to choose: else every user could hold up all installations for ever.
    if ((await realUser(name)) !== uid) continue;
    const environment = await readFile(join('/proc', name, 'environ'), 'utf8').catch(gone);
    if (environment?.split('\0').includes(mark)) return Number(name);
  }

  return null;
}

/*
 * proc_pid_status(5): real, effective, saved and file system user. The real one, because a program with the set-user-id bit
 * is still the one who started it; and from here, because the owner of /proc/<pid> becomes root where memory is not readable.
 * Uid:	1000	1000	1000	1000
 */
async function realUser(pid: string): Promise<number | null> {
  const status = await readFile(join('/proc', pid, 'status'), 'utf8').catch(gone);
  const uid = /^Uid:\s+(\d+)/m.exec(status ?? '')?.[1];

  return uid === undefined ? null : Number(uid);
}

function absent(error: unknown): null {
  if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
  throw error;
}

/** Processes end while they are read, and those of other users are not ours. */
function gone(error: unknown): null {
  if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
  throw error;
}
