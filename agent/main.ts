// The agent's command line: the only reader of the environment. Each command is a file in ./commands, where the adapters
// it needs are built and handed on.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createKeep } from '@selvage/shared/exec/keep.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { becoming } from './become.ts';
import type { Input, Output } from './commands/context.ts';
import { runProgram } from './commands/program.ts';

/** A token has about 90 characters; nothing else is read from there. */
const MAX_INPUT = 4096;

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The file that Node started. */
  readonly entry: string;
}

/** Runs one command; returns the exit code (0 ok, 1 failed, 2 usage, 3 refused by policy, 4 unreachable). */
export function main(args: readonly string[], { env, stdin, stdout, stderr, entry }: Io): Promise<number> {
  return runProgram(args, {
    stdout,
    stderr,
    input: () => readInput(stdin),
    stdin,
    logLevel: env.SELVAGE_LOG,
    run: createRun(env),
    keep: createKeep(env),
    clock: systemClock,
    random: systemRandom,
    proxies: env,
    entry,
    become: becoming(entry, env),
  });
}

async function readInput(stdin: Io['stdin']): Promise<string> {
  let text = '';
  for await (const chunk of stdin) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.length > MAX_INPUT) {
      throw new CodedError('USAGE', `standard input has more than ${MAX_INPUT} characters`);
    }
  }

  return text;
}
