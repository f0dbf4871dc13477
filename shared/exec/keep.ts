// Starts a child that stays as long as this process: the only kind without a deadline. INVARIANTS: a process group and session of
// its own (no terminal of ours), the allow-listed environment, output line by line with a bound, and it ends with this process:
// its input ends, and the kernel tells it. It can never gain rights by a set-user-id program.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CodedError } from '../errors/coded-error.ts';
import { bound, programAt } from './leash.ts';
import { inheritedBy } from './run.ts';

export interface KeepOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Drops to this user and group, without any other groups; needs root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Called per line of both outputs; what is longer than the bound comes in pieces. */
  readonly onLine: (line: string) => void;
}

export interface Kept {
  readonly pid: number;
  /** Exit code; 128 + signal, as in a shell. */
  readonly ended: Promise<number>;
  /** Puts a line on its input. False: it has not read the one before yet, and this one is not sent. */
  tell(line: string): boolean;
  /** SIGTERM to the child alone; SIGKILL to its group when it has not ended in time. */
  stop(): Promise<void>;
}

export type Keep = (options: KeepOptions) => Kept;

/** 8 KiB of one line of output. */
const MAX_LINE = 8192;
/** After the exit its outputs are read no longer than this. */
const PIPE_GRACE_MS = 500;
/** It drains what it has begun. */
const STOP_GRACE_MS = 20_000;

/** Throws TOOL_MISSING. */
export function createKeep(environment: Readonly<Record<string, string | undefined>>): Keep {
  return ({ file, args, env = {}, onLine, ...user }) => {
    const program = programAt(file);
    if (program === null) throw new CodedError('TOOL_MISSING', `the program ${file} is not installed`);
    const command = bound({ file: program, args });
    const child = spawn(command.file, [...command.args], {
      cwd: '/',
      detached: true,
      env: { ...inheritedBy(environment, user.uid !== undefined), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...user,
    });
    // A child that has gone does not read; how it ended says what is to be said.
    child.stdin.on('error', () => undefined);
    let waiting = false;
    child.stdin.on('drain', () => {
      waiting = false;
    });
    for (const stream of [child.stdout, child.stderr]) inLines(stream, onLine);
    const ended = new Promise<number>((resolve) => {
      child.once('error', () => resolve(1));
      child.once('exit', (code, signal) => {
        const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
        // What is left of its group may hold the pipes; it goes with it. What left the group keeps nobody waiting.
        const timer = setTimeout(() => {
          killGroup(child.pid);
          child.stdout.destroy();
          child.stderr.destroy();
        }, PIPE_GRACE_MS);
        child.once('close', () => {
          clearTimeout(timer);
          resolve(exitCode);
        });
      });
    });

    return {
      pid: child.pid ?? Number.NaN,
      ended,
      tell: (line) => {
        if (waiting || !child.stdin.writable) return false;
        waiting = !child.stdin.write(`${line}\n`);

        return true;
      },
      stop: async () => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => killGroup(child.pid), STOP_GRACE_MS);
        await ended;
        clearTimeout(timer);
      },
    };
  };
}

function inLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  const decoder = new TextDecoder();
  let rest = '';

  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) onLine(rest.slice(0, MAX_LINE));
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
  stream.on('error', () => undefined);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;

  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: the whole group has ended already, which is what was wanted.
  }
}
