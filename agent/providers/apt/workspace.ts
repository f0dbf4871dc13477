// The folders of the observing apt: its lists and caches belong to the unprivileged user, the rest to who runs the agent.
import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
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
  await ownFolder(base, null, OPEN_FOLDER);

  const workspace: Workspace = {
    lists: join(base, 'lists'),
    cache: join(base, 'cache'),
    config: join(base, 'apt.conf'),
    scratch: join(base, 'host.conf'),
    parts: join(base, 'refresh'),
    state: join(base, 'refresh.json'),
    pending: join(base, 'pending.json'),
  };
  await ownFolder(workspace.lists, user, OPEN_FOLDER);
  await ownFolder(join(workspace.lists, 'partial'), user, OWN_FOLDER);
  await ownFolder(workspace.cache, user, OPEN_FOLDER);

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
  await ownFolder(path, null, OPEN_FOLDER);

  return path;
}

/** Another user may have made the folder first, or a link in its place: then it is not used. */
async function ownFolder(path: string, user: UnprivilegedUser | null, mode: number): Promise<void> {
  const made = await mkdir(path, { mode }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  if (made && user) await chown(path, user.uid, user.gid);

  const facts = await lstat(path);
  const owner = user?.uid ?? process.getuid?.();
  if (!facts.isDirectory() || facts.uid !== owner) {
    throw new CodedError('FILE_UNSAFE', `${path} is not a folder of the user with id ${owner}; it is not used`, {
      next: 'remove it, or choose another state folder',
    });
  }
}
