// A program that stays, as a process a test can watch and kill: its lines, its end, signals to it alone. What is left of it
// when the test file ends is killed with its whole process group.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';

export interface DaemonOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

export interface Daemon {
  readonly pid: number;
  /** Every line of both streams so far. */
  readonly lines: readonly string[];
  /** The first line that matches, printed already or later. Rejects when the program ends before, or at the deadline. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** To this process alone, not to its children; resolves when it has ended. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

const LINE_DEADLINE_MS = 120_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const running = new Set<ChildProcess>();

afterAll(async () => {
  for (const child of running) {
    const ended = once(child, 'close');
    killGroup(child);
    await ended;
  }
});

export function startDaemon({ file, args, env, ...user }: DaemonOptions): Daemon {
  const child = spawn(file, args, { cwd: '/', env: { PATH, ...env }, stdio: 'pipe', detached: true, ...user });
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const watcher of watchers) watcher();
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      tell();
    });
  }
  running.add(child);
  child.once('exit', () => {
    running.delete(child);
    tell();
  });

  return {
    pid: child.pid ?? Number.NaN,
    lines,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const finish = (act: () => void) => {
          watchers.delete(look);
          clearTimeout(timer);
          act();
        };
        const fail = (why: string) => finish(() => reject(new Error(`${why} ${pattern}:\n${lines.join('\n')}`)));
        const look = () => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (match) finish(() => resolve(match));
          else if (!running.has(child)) fail('it ended before it printed');
        };
        const timer = setTimeout(() => fail('it did not print'), LINE_DEADLINE_MS);
        watchers.add(look);
        look();
      }),
    kill: async (signal) => {
      if (!running.has(child)) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
  };
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
  } catch (error) {
    // It ended in between.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
