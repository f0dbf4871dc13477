// Whom the agent's unprivileged halves run as: the user of the settings when the agent is root, itself otherwise.
import { readFile } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

const MAX_PASSWD_BYTES = 16 * 1024 * 1024;
const ROOT = 0;

/**
 * Null when this process cannot drop: it is not root, or only root of a user namespace that has no such user (a rootless
 * container), where it is an ordinary user of the machine already. Throws SETTINGS_INVALID when there is no such user.
 */
export async function unprivilegedUser(name: string): Promise<User | null> {
  if (process.getuid?.() !== ROOT) return null;

  const bytes = await readBounded('/etc/passwd', MAX_PASSWD_BYTES);
  // passwd(5): name:password:UID:GID:comment:home:shell
  const line = Buffer.from(bytes ?? [])
    .toString('utf8')
    .split('\n')
    .find((row) => row.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new CodedError('SETTINGS_INVALID', `the settings name user "${name}", which this machine does not have`);
  }
  if (Number(uid) === ROOT) {
    throw new CodedError('SETTINGS_INVALID', `the settings name user "${name}", which is root`);
  }

  const user = { uid: Number(uid), gid: Number(gid) };
  const mapped = (await isMapped('uid', user.uid)) && (await isMapped('gid', user.gid));

  return mapped ? user : null;
}

/** user_namespaces(7): lines of "first id inside, first id outside, count". */
async function isMapped(kind: 'uid' | 'gid', id: number): Promise<boolean> {
  let text: string;

  try {
    text = await readFile(`/proc/self/${kind}_map`, 'utf8');
  } catch (error) {
    // A system without user namespaces has all its users.
    if (hasErrno(error, 'ENOENT')) return true;
    throw error;
  }

  return text.split('\n').some((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number);

    return inside !== undefined && count !== undefined && id >= inside && id < inside + count;
  });
}
