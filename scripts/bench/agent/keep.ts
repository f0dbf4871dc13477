// A program that stays while it is measured, and what the kernel says it costs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

export interface Kept {
  readonly pid: number;
  /** What it printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line of either stream that matches. Rejects when the program ends before. */
  line(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

export interface KeepOptions {
  readonly file?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function keep({ file = process.execPath, args, env = {} }: KeepOptions): Kept {
  const child = spawn(file, [...args], { cwd: '/', env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
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
  child.once('exit', tell);

  return {
    pid: child.pid ?? Number.NaN,
    lines,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => pattern.test(line));
          if (found !== undefined) resolve(found);
          else if (child.exitCode !== null) reject(new Error(`it ended before ${pattern}:\n${lines.join('\n')}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export interface Memory {
  /** MiB: all pages; pages shared with others by their share; pages of its own that no file backs. */
  readonly rss: number;
  readonly pss: number;
  readonly anonymous: number;
}

const KIB_PER_MIB = 1024;

/** proc_pid_smaps_rollup(5). */
export async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1]) / KIB_PER_MIB;

  return { rss: mib('Rss'), pss: mib('Pss'), anonymous: mib('Anonymous') };
}

export function sum(parts: readonly Memory[]): Memory {
  return parts.reduce(
    (total, { rss, pss, anonymous }) => ({
      rss: total.rss + rss,
      pss: total.pss + pss,
      anonymous: total.anonymous + anonymous,
    }),
    { rss: 0, pss: 0, anonymous: 0 },
  );
}

export function told({ rss, pss, anonymous }: Memory): string {
  return `RSS ${rss.toFixed(1)}, PSS ${pss.toFixed(1)}, anonymous ${anonymous.toFixed(1)} MiB`;
}

/** Nanoseconds that all threads ran so far (first field of schedstat). */
export async function cpuOf(pid: number): Promise<bigint> {
  const folder = `/proc/${pid}/task`;
  const times = await Promise.all(
    (await readdir(folder)).map(async (task) =>
      BigInt((await readFile(`${folder}/${task}/schedstat`, 'utf8')).split(' ')[0] ?? 0),
    ),
  );

  return times.reduce((total, time) => total + time, 0n);
}
