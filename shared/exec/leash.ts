// What ends a child when nobody is left to do it: the kernel tells `timeout` that the parent died (setpriv, prctl PR_SET_PDEATHSIG),
// and `timeout` ends the whole process group, then or when its time is over. Never for a child that must not be killed.
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Seconds that the parent has first, at a deadline: it says why it ends the child. */
const PARENT_FIRST_S = 5;
/** Seconds between SIGTERM and SIGKILL. */
const KILL_AFTER_S = 2;
const NO_NEW_PRIVS = '--no-new-privs';

/** Absolute path of a program, looked for in the PATH; null when there is none that can be started. */
export function programAt(file: string, path = SEARCH_PATH): string | null {
  const places = file.includes('/') ? [file] : path.split(':').map((folder) => join(folder, file));

  return places.find(isProgram) ?? null;
}

/**
 * The command, to be started so that neither a dead parent nor a hung child leaves anything behind. Where the system has no
 * util-linux or coreutils (another system, busybox) it is the command itself: then only the parent keeps the deadline. `drops`: it
 * runs as another user than this process, and can never gain rights by a set-user-id program.
 */
export function leashed({ file, args }: Command, deadlineMs: number, drops = false): Command {
  const setpriv = genuine('setpriv');
  const timeout = genuine('timeout');
  if (setpriv === null || timeout === null) return { file, args };
  const seconds = String(Math.ceil(deadlineMs / 1000) + PARENT_FIRST_S);

  return {
    file: setpriv,
    args: [
      ...(drops ? [NO_NEW_PRIVS] : []),
      '--pdeathsig',
      'TERM',
      '--',
      timeout,
      `--kill-after=${KILL_AFTER_S}`,
      seconds,
      file,
      ...args,
    ],
  };
}

/** The same for a child that stays: it ends with its parent, and can never gain rights by a set-user-id program. */
export function bound({ file, args }: Command): Command {
  const setpriv = genuine('setpriv');
  if (setpriv === null) return { file, args };

  return { file: setpriv, args: [NO_NEW_PRIVS, '--pdeathsig', 'TERM', '--', file, ...args] };
}

const known = new Map<string, string | null>();

/** Busybox has programs of these names without these options. */
function genuine(name: string): string | null {
  const before = known.get(name);
  if (before !== undefined) return before;
  const found = process.platform === 'linux' ? programAt(name) : null;
  const path = found !== null && basename(realpathSync(found)) === name ? found : null;
  known.set(name, path);

  return path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);

    return statSync(path).isFile();
  } catch {
    // Not there, or not ours to start: the same to whoever asks.
    return false;
  }
}
