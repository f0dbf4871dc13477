// `selvage-agent run`: one pass of the runner. Started by a service manager, the resident agent or an operator; it exits.
import { formatDuration } from '@selvage/shared/time/duration.ts';
import { runOnce } from '../runner/runner.ts';
import type { Context } from './context.ts';
import { running } from './running.ts';

export async function runPass(context: Context, flags: { readonly json?: boolean }): Promise<void> {
  const started = context.clock.monotonic();
  const results = await runOnce(await running(context, await context.settings()));
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
