// Starts a child by execa: what every command uses. Loaded with the first child, because a start with nothing to do has none.
import type { Writable } from 'node:stream';
import { execa } from 'execa';
import type { Start } from './start.ts';

export const startWithExeca: Start = (file, args, { env, cwd, uid, gid, input, output }) => {
  // execa hands a descriptor to the child, though its types know only streams with one.
  const target = output === null ? 'pipe' : ({ fd: output } as unknown as Writable & { fd: 1 });
  const started = execa(file, [...args], {
    env: { ...env },
    extendEnv: false,
    reject: false,
    buffer: false,
    detached: true,
    stripFinalNewline: false,
    stdout: target,
    stderr: target,
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });

  return { child: started.nodeChildProcess, ended: started };
};
