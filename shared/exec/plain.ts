// Starts a child with Node's own means, for the resident connector alone: execa and what it loads (5 MB) would stay in its
// memory for months.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Start, Started } from './start.ts';

export const startPlainly: Start = (file, args, { env, cwd, uid, gid, input, output }) => {
  const child = spawn(file, [...args], {
    env: { ...env },
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', output ?? 'pipe', output ?? 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  // A child that does not read its input, or ended before it came, is judged by how it ends.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);

  return { child, ended: endOf(child) };
};

function endOf(child: ChildProcess): Started['ended'] {
  return new Promise((resolve) => {
    child.once('close', () => resolve({}));
    child.once('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code, cause: error }));
  });
}
