// `selvage-agent run`: one pass of the runner. Started by a service manager, the resident agent or an operator; it exits.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import { resetClock, runOnce } from '../runner/runner.ts';
import type { Context } from './context.ts';
import { running } from './running.ts';

export interface RunFlags {
  readonly json?: boolean;
  readonly resetClock?: boolean;
}

export async function runPass(context: Context, flags: RunFlags): Promise<void> {
  const started = context.clock.monotonic();
  const deps = await running(context, await context.settings());
  if (flags.resetClock) {
    const reset = await resetClock(deps);
    if (reset === null) throw new CodedError('PACKAGE_MANAGER_LOCKED', 'another runner is at work; try again');
    if (!flags.json) context.say(`the clock is believed from now on: ${reset.to} (it had been ${reset.from})`);
  }
  const results = await runOnce(deps);
  if (flags.json) {
    context.json({ results });

    return;
  }

  for (const { approval, fix, outcome, problem } of results) {
    context.say(
      `${outcome.padEnd(10)} ${fix.source} ${fix.version} (${approval})${problem ? `: ${problem.code}: ${problem.message}` : ''}`,
    );
  }
  if (results.length === 0)
    context.say(`nothing new to do or to say (${formatDuration(context.clock.monotonic() - started)})`);
}
