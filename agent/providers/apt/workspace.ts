// The folders of the observing apt: its lists and caches belong to the unprivileged user, the rest to who runs the agent.
import { createHash } from 'node:crypto';
import { lchown, lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { UnprivilegedUser } from './apt-config.ts';

export interface Workspace {
  readonly lists: string;
  readonly cache: string;
  readonly config: string;
  readonly scratch: string;
  /** Begin of the names of files that live as long as one refresh. */
  readonly parts: string;
  readonly state: string;
  readonly pending: string;
}

const OPEN_FOLDER = 0o755;
const OWN_FOLDER = 0o700;
const OTHERS_MAY_ENTER = 0o001;
const GROUP_MAY_ENTER = 0o010;
/** Where lists go when the unprivileged user cannot enter the state folder (a checkout below /root, say). */
const FALLBACK = '/var/tmp';
const NAME_LENGTH = 12;

/**
 * Makes the folders below `stateDir`. Without `user` everything belongs to who runs this. Throws FILE_UNSAFE when a folder
 * is there already and is not what it must be.
 */
export async function openWorkspace(stateDir: string, user: UnprivilegedUser | null): Promise<Workspace> {
  await mkdir(stateDir, { recursive: true, mode: OPEN_FOLDER });
  const base = join(
    user && !(await mayEnter(await realpath(stateDir), user)) ? await fallback(stateDir) : stateDir,
    'apt',
  );
  await ownFolder(base);

  const workspace: Workspace = {
    lists: join(base, 'lists'),
    cache: join(base, 'cache'),
    config: join(base, 'apt.conf'),
    scratch: join(base, 'host.conf'),
    parts: join(base, 'refresh'),
    state: join(base, 'refresh.json'),
    pending: join(base, 'pending.json'),
  };
  await handedFolder(workspace.lists, { user, inner: 'partial' });
  await handedFolder(workspace.cache, { user, inner: null });

  return workspace;
}

/** True when every folder on the way may be entered by the user. */
async function mayEnter(path: string, user: UnprivilegedUser): Promise<boolean> {
  const facts = await lstat(path);
  const enter =
    facts.uid === user.uid ||
    (facts.mode & OTHERS_MAY_ENTER) !== 0 ||
    (facts.gid === user.gid && (facts.mode & GROUP_MAY_ENTER) !== 0);
  const parent = dirname(path);

  return enter && (parent === path || (await mayEnter(parent, user)));
}

async function fallback(stateDir: string): Promise<string> {
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, NAME_LENGTH);
  const path = join(FALLBACK, `selvage-agent-${name}`);
  await ownFolder(path);

  return path;
}

/**
 * A folder for the user, made with the one in it while nobody else can reach either. Once it is theirs nothing is made or changed in
 * it from here: they could put a link to any file into its place meanwhile. apt makes what is missing there.
 */
async function handedFolder(
  path: string,
  { user, inner }: { readonly user: UnprivilegedUser | null; readonly inner: string | null },
): Promise<void> {
  await makeOwn(path, OPEN_FOLDER);
  const parts = inner === null ? [] : [join(path, inner)];

  if (await isOwn(path)) {
    for (const part of parts) await makeOwn(part, OWN_FOLDER);
    if (user !== null) for (const made of [...parts, path]) await lchown(made, user.uid, user.gid);
  }

  const owner = user?.uid ?? process.getuid?.();
  for (const folder of [path, ...parts]) {
    const facts = await lstat(folder).catch(absent);
    if (facts === null && folder !== path) continue;
    if (!facts?.isDirectory() || facts.uid !== owner) throw unsafe(folder, owner);
  }
}

/** Another user may have made the folder first, or a link in its place: then it is not used. */
async function ownFolder(path: string): Promise<void> {
  await makeOwn(path, OPEN_FOLDER);
  if (!(await isOwn(path))) throw unsafe(path, process.getuid?.());
}

async function makeOwn(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode }).catch((error: unknown) => {
    if (!hasErrno(error, 'EEXIST')) throw error;
  });
}

async function isOwn(path: string): Promise<boolean> {
  const facts = await lstat(path);

  return facts.isDirectory() && facts.uid === process.getuid?.();
}

function absent(error: unknown): null {
  if (hasErrno(error, 'ENOENT')) return null;
  throw error;
}

function unsafe(path: string, owner: number | undefined): CodedError {
  return new CodedError('FILE_UNSAFE', `${path} is not a folder of the user with id ${owner}; it is not used`, {
    next: 'remove it, or choose another state folder',
  });
}
