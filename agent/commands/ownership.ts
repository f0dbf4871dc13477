// Who owns which folder of the agent on a host where root starts it, as data, and the only place that makes it so. One folder, one
// writer: what the connector's or the fetcher's user can write, root only reads, by descriptors; what root relies on lies where
// nobody else can write, up to the root of the file system.
import { constants } from 'node:fs';
import { chmod, lchown, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { refuseForeignFolder } from '@selvage/shared/files/own-folder.ts';
import type { Settings } from '../settings.ts';
import type { User } from './user.ts';

export interface FolderRow {
  /** Below the state folder; the runner's own is `runnerDir` of the settings. */
  readonly path: string;
  readonly owner: 'root' | 'user';
  readonly mode: number;
  /** The one writer. */
  readonly writer: string;
}

export const FOLDERS = [
  { path: '', owner: 'root', mode: 0o755, writer: 'nobody, once it is laid out' },
  { path: 'runner', owner: 'root', mode: 0o755, writer: 'runner; keys and journals in it are 0600' },
  { path: 'lists', owner: 'root', mode: 0o755, writer: 'inventory; apt, as the user, in inner folders of its own' },
  { path: 'identity', owner: 'user', mode: 0o700, writer: 'connector' },
  { path: 'outbox', owner: 'user', mode: 0o700, writer: 'connector' },
  { path: 'policy', owner: 'user', mode: 0o755, writer: 'connector' },
  { path: 'link', owner: 'user', mode: 0o755, writer: 'connector' },
  { path: 'packages', owner: 'user', mode: 0o755, writer: 'fetcher' },
  { path: 'fetch', owner: 'user', mode: 0o755, writer: 'fetcher' },
] as const satisfies readonly FolderRow[];

/** Where they lay when connector and runner were one user. */
const FORMER = ['wake', 'link.json'];
const OTHERS_WRITE = 0o022;
const PRIVATE_FOLDER = 0o700;

/**
 * Makes what is missing, hands over what root itself left in the user's folders, and refuses everything else: FILE_UNSAFE. Only
 * ever changes what lies in folders of root, so that nobody can exchange it meanwhile. Call as root.
 */
export async function prepareFolders(settings: Pick<Settings, 'stateDir' | 'runnerDir'>, user: User): Promise<void> {
  for (const row of FOLDERS) {
    const path = row.path === 'runner' ? settings.runnerDir : join(settings.stateDir, row.path);
    await mkdir(path, { recursive: row.owner === 'root', mode: row.mode }).catch((error: unknown) => {
      if (!hasErrno(error, 'EEXIST')) throw error;
    });
    if (row.owner === 'root') {
      await refuseForeignFolder(path);
      await refuseOthers(path, ownId());
    } else {
      await give(path, user);
    }
    // Its place is in a folder of ours, so that this is what was looked at; the mode given to mkdir is cut by the umask.
    await chmod(path, row.mode);
  }
  for (const name of FORMER) await removeOwn(join(settings.stateDir, name));
}

/**
 * Before root writes into a folder of the user again (a new enrollment): nobody else can reach it from here on. Throws FILE_UNSAFE
 * for what is not theirs in it: a file of somebody else that they could move, but not read, would be handed over with ours.
 */
export async function takeBack(settings: Pick<Settings, 'stateDir'>, user: User): Promise<void> {
  const path = join(settings.stateDir, 'identity');
  const facts = await lstat(path).catch(absent);
  if (facts === null || facts.uid !== user.uid) return;
  await refuseForeignFolder(settings.stateDir);
  await lchown(path, ownId(), process.getgid?.() ?? 0);
  // Its owner may have opened it to everybody a moment ago.
  await chmod(path, PRIVATE_FOLDER);

  for (const name of await readdir(path)) {
    const { uid } = await lstat(join(path, name));
    if (uid !== user.uid) {
      await lchown(path, user.uid, user.gid);
      throw unsafe(join(path, name), `belongs to the user with id ${uid}`);
    }
  }
}

/** A folder in a folder of ours, with what we left in it; inner ones first. What is the user's already is left alone. */
async function give(path: string, user: User): Promise<void> {
  const facts = await lstat(path);
  if (!facts.isDirectory()) throw unsafe(path, 'is no folder');
  if (facts.uid === user.uid) return;
  if (facts.uid !== ownId()) throw unsafe(path, `belongs to the user with id ${facts.uid}`);
  // From here on nobody else can put something into it.
  await chmod(path, facts.mode & ~OTHERS_WRITE);

  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      if ((await lstat(inner)).uid === ownId()) await give(inner, user);
    } else if (entry.isFile()) await giveFile(inner, user);
  }
  await lchown(path, user.uid, user.gid);
}

/** Only a file of ours with this one name: a second name may be that of one which is nobody's business. */
async function giveFile(path: string, user: User): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

  try {
    const facts = await file.stat();
    if (facts.isFile() && facts.uid === ownId() && facts.nlink === 1) await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
}

async function refuseOthers(path: string, owner: number): Promise<void> {
  const facts = await lstat(path);
  if (!facts.isDirectory()) throw unsafe(path, 'is no folder');
  if (facts.uid !== owner) throw unsafe(path, `belongs to the user with id ${facts.uid}`);
}

async function removeOwn(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT')) throw error;
  });
}

function ownId(): number {
  return process.getuid?.() ?? 0;
}

function absent(error: unknown): null {
  if (hasErrno(error, 'ENOENT')) return null;
  throw error;
}

function unsafe(path: string, why: string): CodedError {
  return new CodedError('FILE_UNSAFE', `${path} ${why}`, {
    next: 'find out who put it there; then remove it, or give it to root',
  });
}
