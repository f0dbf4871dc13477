// The one door to other programs. INVARIANTS: an argv array, never a shell; an allow-listed environment with messages in
// English and UTF-8; a deadline, an output cap and a process group of its own for every child, which also ends when this
// process is killed; a child marked `neverKill` is never signalled from here, whatever happens, and outlives this process.
import { constants as fileConstants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { constants } from 'node:os';
import { CodedError } from '../errors/coded-error.ts';
import { leashed, programAt, SEARCH_PATH } from './leash.ts';
import type { Start } from './start.ts';

export interface RunOptions {
  /** Absolute path, or a name looked up in the fixed PATH below. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly deadlineMs: number;
  /** Most bytes of stdout and of stderr each. */
  readonly outputLimit?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Drops to this user and group; needs root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Called per line of stdout and stderr as they come. */
  readonly onLine?: (line: string) => void;
  /** Called per piece of stdout as it comes, which is then not kept: for what is too much to hold. It must not throw. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** For package managers in a transaction: past its deadline `onOverdue` is told once, and the child runs on. */
  readonly neverKill?: boolean;
  readonly onOverdue?: () => void;
  /**
   * Both outputs are appended to this file instead of pipes: a package manager whose parent dies must not meet a closed
   * pipe half-way. `stdout` of the answer is then what was appended, cut to the last `outputLimit` bytes.
   */
  readonly outputFile?: string;
  /** A non-zero exit code throws PROCESS_FAILED. */
  readonly check?: boolean;
  readonly signal?: AbortSignal;
}

export interface RunOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export type Run = (options: RunOptions) => Promise<RunOutput>;

const INHERITED = ['HOME', 'TMPDIR', 'http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
/** 16 MiB: the largest output read whole today is `dpkg-query` over some thousand packages, about 2 MiB. */
const DEFAULT_OUTPUT_LIMIT = 16 * 1024 * 1024;
const PRIVATE_FILE = 0o600;
/** After SIGTERM a child has this long before SIGKILL. */
const GRACE_MS = 2000;
/** A grandchild that left the group may hold the pipes; after the exit they are read no longer than this. */
const PIPE_GRACE_MS = 2000;

/**
 * A runner that inherits only the allow-listed part of `environment`. Each call starts one child in a process group of its
 * own. Throws TOOL_MISSING, PROCESS_DEADLINE, PROCESS_OUTPUT_LIMIT and, with `check`, PROCESS_FAILED; a child ended by
 * a signal has the exit code 128 + signal, as in a shell. `start` is execa's way where none is given.
 */
export function createRun(environment: Readonly<Record<string, string | undefined>>, start?: Start): Run {
  return (options) => {
    return runChild(options, inheritedBy(environment, options.uid !== undefined), start);
  };
}

/** The allow-listed part of an environment; `drops`: for a child that is another user than this process. */
export function inheritedBy(
  environment: Readonly<Record<string, string | undefined>>,
  drops: boolean,
): Record<string, string> {
  // A folder that belongs to the user we were: whom we drop to may not even enter it.
  const { TMPDIR, HOME, ...others } = environment;

  return inherited(drops ? others : environment);
}

async function runChild(
  options: RunOptions,
  base: Readonly<Record<string, string>>,
  given: Start | undefined,
): Promise<RunOutput> {
  const start = given ?? (await import('./with-execa.ts')).startWithExeca;
  const log = options.outputFile === undefined ? undefined : await openOutput(options.outputFile);

  try {
    return await runWith(options, base, log, start);
  } finally {
    await log?.file.close();
  }
}

async function runWith(
  options: RunOptions,
  base: Readonly<Record<string, string>>,
  log: OutputFile | undefined,
  start: Start,
): Promise<RunOutput> {
  const limit = options.outputLimit ?? DEFAULT_OUTPUT_LIMIT;
  const name = [options.file, ...(options.args ?? [])].join(' ').slice(0, 300);
  const program = programAt(options.file, options.env?.PATH);
  if (program === null) throw new CodedError('TOOL_MISSING', `the program ${options.file} is not installed`);
  const plain = { file: program, args: options.args ?? [] };
  // A package manager must outlive us; everything else must not.
  const command = options.neverKill ? plain : leashed(plain, options.deadlineMs, options.uid !== undefined);
  const { child, ended } = start(command.file, command.args, {
    env: { ...base, ...options.env },
    cwd: options.cwd,
    uid: options.uid,
    gid: options.gid,
    input: options.input,
    output: log?.file.fd ?? null,
  });
  let stopped: CodedError | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const kill = (why: CodedError) => {
    if (stopped || options.neverKill) return;
    stopped = why;
    signalGroup(child.pid, 'SIGTERM');
    killTimer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS);
  };
  const tooMuch = () => kill(new CodedError('PROCESS_OUTPUT_LIMIT', `"${name}" printed more than ${limit} bytes`));
  const stdout = collect(child.stdout, limit, options, tooMuch);
  const stderr = collect(child.stderr, limit, { onLine: options.onLine }, tooMuch);
  const deadline = setTimeout(() => {
    if (options.neverKill) options.onOverdue?.();
    kill(new CodedError('PROCESS_DEADLINE', `"${name}" did not end within ${options.deadlineMs} ms`));
  }, options.deadlineMs);
  const onAbort = () =>
    kill(new CodedError('PROCESS_DEADLINE', `"${name}" was stopped`, { cause: options.signal?.reason }));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();

  // `ended` waits for the streams too; a grandchild holding a pipe must not keep us.
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });

  try {
    await exited;
    const result = await Promise.race([ended, after(PIPE_GRACE_MS)]);
    if (result === undefined) {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
    const outcome = result ?? (await ended);

    if (stopped) throw stopped;
    if (outcome.code === 'ENOENT') {
      throw new CodedError('TOOL_MISSING', `the program ${options.file} is not installed`, { cause: outcome.cause });
    }
    if (child.pid === undefined) {
      throw new CodedError('PROCESS_FAILED', `"${name}" could not be started`, { cause: outcome.cause ?? outcome });
    }

    const exitCode = child.exitCode ?? 128 + signalNumber(child.signalCode);
    const printed = log === undefined ? stdout.text() : await appended(log, limit);
    const output = { stdout: printed, stderr: stderr.text(), exitCode };
    if (options.check && exitCode !== 0) throw failed(name, output);

    return output;
  } finally {
    clearTimeout(deadline);
    clearTimeout(killTimer);
    options.signal?.removeEventListener('abort', onAbort);
    // What is left of the group of a child that was stopped (a hung method of apt, say) goes with it.
    if (stopped) signalGroup(child.pid, 'SIGKILL');
  }
}

interface OutputFile {
  readonly file: FileHandle;
  readonly from: number;
}

async function openOutput(path: string): Promise<OutputFile> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = fileConstants;
  const file = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, PRIVATE_FILE);

  return { file, from: (await file.stat()).size };
}

async function appended({ file, from }: OutputFile, limit: number): Promise<string> {
  const { size } = await file.stat();
  const start = Math.max(from, size - limit);
  const buffer = Buffer.alloc(size - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);

  return buffer.toString('utf8', 0, bytesRead);
}

function failed(name: string, output: RunOutput): CodedError {
  const last = output.stderr.trimEnd().split('\n').at(-1) ?? '';

  return new CodedError('PROCESS_FAILED', `"${name}" ended with ${output.exitCode}: ${last}`, {
    details: { ...output },
  });
}

function collect(
  stream: NodeJS.ReadableStream | null | undefined,
  limit: number,
  { onLine, onBytes }: { onLine?: RunOptions['onLine'] | undefined; onBytes?: RunOptions['onBytes'] },
  tooMuch: () => void,
): { text(): string } {
  const chunks: Buffer[] = [];
  let length = 0;
  let rest = '';
  const decoder = new TextDecoder();

  stream?.on('data', (chunk: Buffer) => {
    length += chunk.length;
    // Past the limit the pipe is still drained, so that a child that is never killed is not blocked by us.
    if (length > limit) tooMuch();
    else if (onBytes) onBytes(chunk);
    else chunks.push(chunk);

    if (onLine) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = (lines.pop() ?? '').slice(-limit);
      for (const line of lines) onLine(line);
    }
  });
  stream?.on('end', () => {
    if (onLine && rest !== '') onLine(rest);
  });
  stream?.on('error', () => undefined);

  return { text: () => Buffer.concat(chunks).toString('utf8') };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;

  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the whole group has ended already, which is what was wanted.
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}

function inherited(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = { PATH: SEARCH_PATH, LC_MESSAGES: 'C', LANG: 'C.UTF-8' };

  for (const name of INHERITED) {
    const value = environment[name];
    if (value !== undefined) kept[name] = value;
  }

  return kept;
}
