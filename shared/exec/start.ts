// How a child is started, as a seam: what is promised of a child (deadline, group, output cap) is kept by ./run.ts whoever
// starts it. Shapes only.
import type { ChildProcess } from 'node:child_process';

export interface StartOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly input: string | undefined;
  /** Descriptor of a file that takes both outputs; null: a pipe each. */
  readonly output: number | null;
}

export interface Started {
  readonly child: ChildProcess;
  /** Settles when the child and its pipes have ended, or could not be started; never rejects. */
  readonly ended: Promise<{ readonly code?: string | undefined; readonly cause?: unknown }>;
}

/** Starts the child detached, in a process group of its own, with exactly this environment. Synchronous: no event is missed. */
export type Start = (file: string, args: readonly string[], options: StartOptions) => Started;
