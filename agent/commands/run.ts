// `selvage-agent run`: one pass of the runner. Started by a service manager, the resident agent or an operator; it exits.
import { existsSync } from 'node:fs';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import { runnerFolders } from '../runner/folders.ts';
import { clearOverrun } from '../runner/overrun.ts';
import { resetClock, runOnce } from '../runner/runner.ts';
import type { Context } from './context.ts';
import { inScopes } from './install-scope.ts';
import { servicePasses } from './runner-service.ts';
import { running } from './running.ts';

export interface RunFlags {
  readonly json?: boolean;
  readonly resetClock?: boolean;
  /** Started by a service manager, which also wakes it the next time. */
  readonly service?: boolean;
}

export async function runPass(context: Context, flags: RunFlags): Promise<void> {
  const started = context.clock.monotonic();
  const settings = await context.settings();
  const stop = stopping();
  // An installation may replace this very program: nothing of it may be left to be loaded afterwards.
  if (flags.service) await import('@selvage/shared/log/log.ts');
  const world = flags.service ? { ...context, run: inScopes(context.run) } : context;
  const deps = { ...(await running(world, settings)), stop };
  if (flags.resetClock) {
    const reset = await resetClock(deps);
    if (reset === null) throw new CodedError('PACKAGE_MANAGER_LOCKED', 'another runner is at work; try again');
    if (!flags.json) context.say(`the clock is believed from now on: ${reset.to} (it had been ${reset.from})`);
  }
  const pass = () => runOnce(deps);
  const results = flags.service ? await servicePasses(context, settings, pass, stop) : await pass();
  // Nothing is under way any more, in this pass or in one before it that was killed.
  if (!existsSync(runnerFolders(settings).journal)) await clearOverrun(settings.runnerDir);
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

/** To stop is to begin nothing more: what was begun is brought to its end and told. */
function stopping(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(name));

  return stop.signal;
}
