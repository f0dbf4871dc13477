// Turns the command line into the resident connector: the same process (id, streams, place in the service manager) with
// another program, so that nothing a command line needs (settings schema, argument parser, compiler) stays in memory for
// months. It decides nothing; where the system cannot do it, the command line itself stays.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Resident, World } from './commands/context.ts';

/** Carries the `Resident`: a process' environment is not shown to other users, its arguments are. */
export const RESIDENT_VARIABLE = 'SELVAGE_RESIDENT';
const SHIPPED = 'selvage-resident.cjs';
const SOURCE = 'selvage-resident.mjs';

/**
 * `--jitless`: a process that listens to the network has no memory that is writable and executable, and needs no
 * compilers for the few frames of an idle day. The semi-space is the part of the heap that grows with bursts, in MiB.
 */
export const RESIDENT_FLAGS = ['--jitless', '--max-semi-space-size=1', '--v8-pool-size=1'];
/** Memory of libuv's four threads and of an allocator arena for each: one connection and a few small files need two. */
export const RESIDENT_ENVIRONMENT = { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '2' };

/** `entry` is the file that Node started. Null where a process cannot replace its program (Windows). */
export function becoming(entry: string, env: Readonly<Record<string, string | undefined>>): World['become'] {
  const { execve } = process;
  if (execve === undefined || process.platform === 'win32') return null;

  return (given: Resident) => {
    const shipped = join(dirname(entry), SHIPPED);
    // Types are stripped from the source by WebAssembly, which needs a compiler.
    const program = existsSync(shipped) ? [...RESIDENT_FLAGS, shipped] : [join(dirname(entry), SOURCE)];
    const inherited = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);

    return execve(process.execPath, [process.execPath, ...program], {
      ...Object.fromEntries(inherited),
      ...RESIDENT_ENVIRONMENT,
      [RESIDENT_VARIABLE]: JSON.stringify({ entry, ...given }),
    });
  };
}
