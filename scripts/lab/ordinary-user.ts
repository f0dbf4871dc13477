// Runs programs as an ordinary user, as root of a user namespace of its own where asked, never as root of the machine: what a
// maintainer script may write is then what that user may write.
import { chmod, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';

/** "nobody" on every distribution with systemd or Debian's base-passwd. */
const NOBODY = 65534;
const DEADLINE_MS = 120_000;
const TRAVERSE = 0o011;
const PERMISSIONS = 0o7777;

export interface OrdinaryUser {
  readonly uid: number;
  readonly gid: number;
  /** True when this process is root and children are dropped to the user. */
  readonly dropped: boolean;
}

/** This process' own user, or nobody when this process is root. */
export function ordinaryUser(): OrdinaryUser {
  const uid = process.getuid?.() ?? NOBODY;
  const gid = process.getgid?.() ?? NOBODY;

  return uid === 0 ? { uid: NOBODY, gid: NOBODY, dropped: true } : { uid, gid, dropped: false };
}

/** Whom a program is inside its user namespace: root, as a package manager needs, or still the same ordinary user. */
export type Identity = 'root' | 'itself';

const NAMESPACE_ARGS = {
  root: ['--user', '--map-root-user', '--net'],
  itself: ['--user', '--map-current-user', '--net'],
} as const satisfies Record<Identity, readonly string[]>;

/** A `run` whose children are the ordinary user, in the machine's own namespaces. */
export function runAs(run: Run, user: OrdinaryUser): Run {
  return (options) => run({ cwd: '/', ...options, ...(user.dropped ? { uid: user.uid, gid: user.gid } : {}) });
}

/** A `run` whose children have namespaces of their own, without any network. TOOL_MISSING and `check` as in `run`. */
export function runInNamespace(run: Run, user: OrdinaryUser, identity: Identity): Run {
  const drop = runAs(run, user);

  return async (options) => {
    const { file, args = [], check, ...rest } = options;
    const output = await drop({ ...rest, file: 'unshare', args: [...NAMESPACE_ARGS[identity], '--', file, ...args] });

    if (output.exitCode === 127 && output.stderr.startsWith('unshare: failed to execute')) {
      throw new CodedError('TOOL_MISSING', `the program ${file} is not installed`);
    }
    if (check && output.exitCode !== 0) {
      throw new CodedError('PROCESS_FAILED', `"${file} ${args.join(' ')}" ended with ${output.exitCode}`, {
        details: { ...output },
      });
    }

    return output;
  };
}

/** Why namespaces cannot be made here (a kernel setting, a container's seccomp profile), or null when they can. */
export async function namespaceProblem(run: Run, user: OrdinaryUser): Promise<string | null> {
  try {
    const { exitCode, stderr } = await runInNamespace(run, user, 'root')({ file: 'true', deadlineMs: DEADLINE_MS });

    return exitCode === 0 ? null : stderr.trim() || `unshare ended with ${exitCode}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Gives a folder and all in it to the user, and lets the user pass through private folders above it, if they are temporary
 * ones. No other folder of the machine is changed: USAGE when the user could not reach it.
 */
export async function handOver(run: Run, folder: string, user: OrdinaryUser): Promise<void> {
  if (!user.dropped) return;
  await run({
    file: 'chown',
    args: ['--recursive', '--no-dereference', `${user.uid}:${user.gid}`, '--', folder],
    deadlineMs: DEADLINE_MS,
    check: true,
  });

  for (let parent = dirname(resolve(folder)); parent !== '/'; parent = dirname(parent)) {
    const { mode } = await stat(parent);
    if ((mode & TRAVERSE) !== TRAVERSE) await open(parent, mode);
  }
}

async function open(folder: string, mode: number): Promise<void> {
  if (!folder.startsWith(`${resolve(tmpdir())}/`)) {
    throw new CodedError('USAGE', `${folder} cannot be entered by an ordinary user, and the lab does not change it`, {
      next: 'set TMPDIR to a folder that everybody can enter, such as /tmp',
    });
  }
  await chmod(folder, (mode & PERMISSIONS) | TRAVERSE);
}
