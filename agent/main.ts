// The agent's command line: the only reader of the environment. Each command is a file in ./commands, where the adapters
// it needs are built and handed on.
import { createRun } from '@selvage/shared/exec/run.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { Output } from './commands/context.ts';
import { runProgram } from './commands/program.ts';

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Runs one command; returns the exit code (0 ok, 1 failed, 2 usage, 3 refused by policy, 4 unreachable). */
export function main(args: readonly string[], { env, stdout, stderr }: Io): Promise<number> {
  return runProgram(args, {
    stdout,
    stderr,
    logLevel: env.SELVAGE_LOG,
    run: createRun(env),
    clock: systemClock,
    random: systemRandom,
  });
}
