// Whom the agent's unprivileged halves run as: the user of the settings when the agent is root, itself otherwise.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

const MAX_PASSWD_BYTES = 16 * 1024 * 1024;
const ROOT = 0;

/** Null when this process is not root and so cannot drop. Throws SETTINGS_INVALID when there is no such user. */
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

  return { uid: Number(uid), gid: Number(gid) };
}
