// Runs the two command lines as their users would and reads what they print: output, the coded error, or a JSON document.

import type { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fromDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Run, RunOptions } from '@selvage/shared/exec/run.ts';
import { expectThat } from './expectation.ts';

export interface Answer {
  readonly command: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The `error CODE: …` and `next: …` lines, null when there are none. */
  readonly error: CodedError | null;
}

export interface Resident {
  readonly name: string;
  /** Every line printed so far. */
  readonly lines: readonly string[];
  /** The first line that matches, printed already or later. Rejects when the program ends before, or at the deadline. */
  line(pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray>;
  /** SIGTERM to its process group, and waits. */
  stop(): Promise<void>;
}

const COMMAND_DEADLINE_MS = 120_000;
const RESIDENT_DEADLINE_MS = 3_600_000;

export async function ask(run: Run, options: Omit<RunOptions, 'deadlineMs'>, command: string): Promise<Answer> {
  const output = await run({ ...options, deadlineMs: COMMAND_DEADLINE_MS });

  return { command, ...output, error: printedError(output.stderr) };
}

/** The answer of a command that had to end well. Throws Unexpected with what it printed. */
export function succeeded(answer: Answer): Answer {
  expectThat(
    answer.exitCode === 0,
    `"${answer.command}" to succeed`,
    `${answer.exitCode}: ${answer.stderr}${answer.stdout}`,
  );

  return answer;
}

/** The one JSON document of a command that had to end well; what is read of it is checked by the step that reads it. */
export function documentOf<T>(answer: Answer): T {
  const { stdout, command } = succeeded(answer);

  try {
    return JSON.parse(stdout) as T;
  } catch {
    // The words of the parser say less than the text itself.
    expectThat(false, `"${command}" to print one JSON document`, stdout);
  }
}

function printedError(stderr: string): CodedError | null {
  const error = /^error ([A-Z_]+): (.*)$/m.exec(stderr);
  const next = /^next: (.*)$/m.exec(stderr);

  return error ? fromDocument({ code: error[1], message: error[2], ...(next ? { next: next[1] } : {}) }) : null;
}

/** Starts a program that stays. It ends with `stop`, or with this process. */
export function stay(run: Run, options: Omit<RunOptions, 'deadlineMs' | 'signal' | 'onLine'>, name: string): Resident {
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const stopping = new AbortController();
  let ended: string | null = null;
  const tell = () => {
    for (const watcher of watchers) watcher();
  };
  const onLine = (line: string) => {
    lines.push(line);
    tell();
  };
  const exit = run({ ...options, deadlineMs: RESIDENT_DEADLINE_MS, signal: stopping.signal, onLine }).then(
    ({ exitCode }) => {
      ended = `${name} ended with ${exitCode}`;
      tell();
    },
    (error: unknown) => {
      ended = `${name}: ${error instanceof Error ? error.message : String(error)}`;
      tell();
    },
  );

  return {
    name,
    lines,
    line: (pattern, deadlineMs) =>
      new Promise((resolve, reject) => {
        const seen = () => lines.slice(-20).join('\n');
        const finish = (act: () => void) => {
          watchers.delete(look);
          clearTimeout(timer);
          act();
        };
        const look = () => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (match) finish(() => resolve(match));
          else if (ended !== null) finish(() => reject(new Error(`${ended} before ${pattern}:\n${seen()}`)));
        };
        const timer = setTimeout(
          () => finish(() => reject(new Error(`${name} did not print ${pattern} in ${deadlineMs} ms:\n${seen()}`))),
          deadlineMs,
        );
        watchers.add(look);
        look();
      }),
    stop: async () => {
      stopping.abort('the story has ended');
      await exit;
    },
  };
}
