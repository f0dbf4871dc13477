// The resident connector as a program of its own: `selvage-agent connect` becomes it. It loads what a connection needs and
// nothing else; whatever is large is done by short-lived children, which it starts from the ordinary command line.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createKeep } from '@selvage/shared/exec/keep.ts';
import { startPlainly } from '@selvage/shared/exec/plain.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { RESIDENT_VARIABLE } from './become.ts';
import { complain, createContext, type Input, type Output, type Resident } from './commands/context.ts';

export interface ResidentIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Runs until it is told to stop; returns the exit code. */
export async function stay({ env, stdin, stdout, stderr }: ResidentIo): Promise<number> {
  try {
    const { entry, settings, settingsFile, withRunner, supervised, service, supervises } = given(
      env[RESIDENT_VARIABLE],
    );
    const world = {
      stdout,
      stderr,
      input: async () => '',
      stdin,
      logLevel: env.SELVAGE_LOG,
      run: createRun(env, startPlainly),
      keep: createKeep(env),
      clock: systemClock,
      random: systemRandom,
      proxies: env,
      entry,
      become: null,
    };
    const context = createContext(world, settingsFile, async () => settings);
    // Each loads only its own half: the one that is root holds nothing that could open a connection.
    if (supervises !== null) {
      return await (await import('./commands/supervise.ts')).supervise(context, supervises, { withRunner });
    }
    await (await import('./commands/connect.ts')).connect(context, { withRunner, supervised, service });

    return 0;
  } catch (error) {
    return complain(stderr, error);
  }
}

/** Written by ./become.ts a moment ago in this very process, so its shape is not asked again. */
function given(text: string | undefined): Resident & { readonly entry: string } {
  if (text === undefined) {
    throw new CodedError('USAGE', 'this program is started by selvage-agent', { next: 'selvage-agent connect' });
  }

  return JSON.parse(text) as Resident & { readonly entry: string };
}
