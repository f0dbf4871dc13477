// `npm start`: the main job on this machine alone, through the same commands a user would type. It makes the state when
// there is none, starts the collector, enrolls this machine in mode `observe`, and shows what was found.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { createScreen, type Output } from '../../collector/cli/screen.ts';
import { showTodo, type TodoViewer } from '../../collector/cli/todo-page.ts';
import { createCommands } from './commands.ts';
import { enrollThisMachine } from './enrolling.ts';
import { bringFeeds } from './feeds.ts';
import { readOptions, type StartOptions } from './options.ts';
import { nextSteps, render } from './render.ts';
import { startServing } from './serving.ts';
import { type Summary, summarize, type Todo } from './summary.ts';
import { createTimings } from './timings.ts';

/** Returns the exit code. Progress goes to stderr with --json, so that stdout holds the one document. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const options = readOptions(args, env);

    return options.help ? help() : await start(options, env);
  } catch (error) {
    const coded = asCoded(error);
    process.stderr.write(`error ${coded.code}: ${coded.message}\nnext: ${coded.next}\n`);

    return coded.exit;
  }
}

async function start(options: StartOptions, env: NodeJS.ProcessEnv): Promise<number> {
  const stop = new AbortController();
  // Each of them, not the first: another one must not end this process before the collector, which would be left behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(signal));

  try {
    return await pass(options, env, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    // What the commands that were cut off say of it would only mislead.
    throw new CodedError('PROCESS_FAILED', 'stopped before the start was through', {
      cause: error,
      next: 'run it again when you like: it goes on from what is there',
    });
  }
}

async function pass(options: StartOptions, env: NodeJS.ProcessEnv, stopped: AbortSignal): Promise<number> {
  const say = (line: string) => (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const timings = createTimings(() => performance.now());
  const commands = createCommands(options.home, env, stopped);

  await timings.measure('init', () => commands.initUnlessDone(say));
  const serving = await timings.measure('serve', () => startServing(commands, options, say));

  try {
    await timings.measure('enroll', () => enrollThisMachine(commands, say));
    // Beside the inventory, which takes longer: whatever becomes of the feeds, the start goes on.
    const hurry = new AbortController();
    const feeds = timings.measure('feeds', () =>
      bringFeeds({
        ...{ commands, now: () => Temporal.Now.instant(), hurry: hurry.signal },
        say: (line) => stopped.aborted || say(line),
      }),
    );
    say('taking the inventory and refreshing package lists (unprivileged, in the agent’s own folder) ...');
    try {
      await timings.measure('inventory', () => commands.agent(['connect', '--once', '--same-user']));
    } finally {
      hurry.abort();
      await feeds;
    }
    const { summary, todo } = await timings.measure('summary', () => summarize(commands, serving.url));
    stopped.throwIfAborted();

    if (options.once) return finish(summary, todo, options, timings.all(), env);

    showTodo(viewerOf(process.stdout, env), todo, false);
    say(render(summary));
    say(nextSteps(summary, options.home));
    await stayUntilStopped(commands, serving, stopped, say);

    return 0;
  } finally {
    await serving.stop();
  }
}

function finish(
  summary: Summary,
  todo: Todo,
  options: StartOptions,
  timings: Readonly<Record<string, number>>,
  env: NodeJS.ProcessEnv,
): number {
  if (options.json) process.stdout.write(`${JSON.stringify({ ...summary, timings })}\n`);
  else {
    showTodo(viewerOf(process.stdout, env), todo, false);
    process.stdout.write(`${render(summary)}\n`);
  }

  return 0;
}

function viewerOf(stdout: Output, env: NodeJS.ProcessEnv): TodoViewer {
  return {
    screen: createScreen({ stdout, stderr: process.stderr, env }),
    ...{ clock: systemClock, zone: Temporal.Now.timeZoneId() },
  };
}

async function stayUntilStopped(
  commands: ReturnType<typeof createCommands>,
  serving: Awaited<ReturnType<typeof startServing>>,
  stopped: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const agent = commands.spawnAgent(['connect', '--same-user'], (line) => say(`agent      ${line}`));
  say('\nlive events (Ctrl-C ends; the state stays):');
  serving.follow((line) => say(`collector  ${line}`));
  const ended = await Promise.race([
    agent.ended.then((code) => `the agent ended with ${code}`),
    serving.ended.then((code) => `the collector ended with ${code}`),
    new Promise<null>((resolve) => stopped.addEventListener('abort', () => resolve(null), { once: true })),
  ]);
  await agent.stop();
  if (ended !== null && !stopped.aborted) throw new CodedError('PROCESS_FAILED', ended);
}

function help(): number {
  process.stdout.write('npm start [--silent] -- [--once] [--json]   state: $SELVAGE_HOME or .selvage/\n');

  return 0;
}
