// `npm run lab`: sets the stage in a throw-away folder, tells the story, and cleans up. Exit code 0 when everything was as
// expected, 1 when not, 2 for wrong use or a machine without the programs it needs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { requireParts } from './requirements.ts';
import { type Stage, setStage } from './stage.ts';
import { type ToldStory, tellStory } from './story.ts';

interface Options {
  readonly json: boolean;
  readonly keep: boolean;
  readonly help: boolean;
}

const HELP = `npm run lab -- [--json] [--keep]
A whole patch story with the real apt and dpkg in a throw-away folder, without privileges or network.
  --json   the steps on stderr, and one JSON document on stdout at the end
  --keep   keep the folder and say where it is
`;
const LAST_WORDS = 10;
const READABLE_MASK = 0o022;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const options = readOptions(args);
    if (options.help) {
      process.stdout.write(HELP);

      return 0;
    }
    // What dpkg, apt and other users are to read: with a private mask they could not.
    process.umask(READABLE_MASK);
    const base = createRun(env);
    await requireParts(base);
    const interrupted = interruption();
    const run: Run = (call) => base({ signal: interrupted, ...call });

    return await inFolder(options, (folder) => play(run, folder, options.json, interrupted));
  } catch (error) {
    const coded = asCoded(error);
    process.stderr.write(`error ${coded.code}: ${coded.message}; next: ${coded.next}\n`);

    return hasCode(error, 'TOOL_MISSING') || hasCode(error, 'USAGE') ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function play(run: Run, folder: string, json: boolean, interrupted: AbortSignal): Promise<number> {
  const say = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const stage = await setStage(run, folder, Temporal.Now.instant());

  try {
    const story = await tellStory(stage, say);
    if (interrupted.aborted) return EXIT_INTERRUPTED;
    if (json) process.stdout.write(`${JSON.stringify(story, null, 2)}\n`);
    if (!story.ok) for (const line of lastWords(stage)) say(line);
    say(lastLine(story));

    return story.ok ? 0 : EXIT_FAILED;
  } finally {
    await stage.clear();
  }
}

/** Ctrl-C ends whatever runs at that moment; the story then stops at that step, and everything is cleaned up. */
function interruption(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));

  return stop.signal;
}

/** What the collector and the agents printed last, to see why a step failed. */
function lastWords({ residents }: Stage): readonly string[] {
  return residents.flatMap(({ name, lines }) => lines.slice(-LAST_WORDS).map((line) => `      ${name}: ${line}`));
}

function lastLine(story: ToldStory): string {
  const failed = story.steps.find((step) => !step.ok);

  return failed
    ? `the story stopped at "${failed.name}" after ${story.ms} ms`
    : `the whole story held: ${story.steps.length} steps in ${story.ms} ms`;
}

async function inFolder(options: Options, work: (folder: string) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-lab-'));

  try {
    return await work(folder);
  } finally {
    if (options.keep) process.stderr.write(`kept: ${folder}\n`);
    else await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function readOptions(args: readonly string[]): Options {
  const flag = { type: 'boolean', default: false } as const;

  try {
    return parseArgs({ args: [...args], options: { json: flag, keep: flag, help: flag } }).values;
  } catch (error) {
    throw new CodedError('USAGE', error instanceof Error ? error.message : String(error), {
      cause: error,
      next: 'npm run lab -- [--json] [--keep]',
    });
  }
}
