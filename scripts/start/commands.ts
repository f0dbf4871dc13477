// The commands of both sides as `npm start` runs them: the same entry points and options a user has, as child processes.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CodedError, fromDocument } from '@selvage/shared/errors/coded-error.ts';

const checkout = join(import.meta.dirname, '../..');
const SELVAGE = join(checkout, 'collector/bin/selvage.mjs');
const AGENT = join(checkout, 'agent/bin/selvage-agent.mjs');
/** A command ends by itself long before; a drain at Ctrl-C may take a moment. */
const STOP_GRACE_MS = 10_000;

export interface Child {
  readonly ended: Promise<number>;
  /** SIGTERM, and SIGKILL when it does not drain in time. */
  stop(): Promise<void>;
}

export interface Commands {
  readonly home: string;
  readonly agentSettings: string;
  initUnlessDone(say: (line: string) => void): Promise<void>;
  /** Runs `selvage …` and returns its standard output. A failure throws the error that the command printed; `stop` ends it. */
  selvage(args: readonly string[], stop?: AbortSignal): Promise<string>;
  /** `input` is given to its standard input: what must not be seen among the arguments. */
  agent(args: readonly string[], input?: string): Promise<string>;
  enrolled(): boolean;
  spawnSelvage(args: readonly string[], onLine: (line: string) => void): Child;
  spawnAgent(args: readonly string[], onLine: (line: string) => void): Child;
}

/** Once `stopped`, no command that runs to its end begins any more, and one that runs is told to end. */
export function createCommands(home: string, environment: NodeJS.ProcessEnv, stopped: AbortSignal): Commands {
  const env = { ...environment, SELVAGE_HOME: home };
  const agentSettings = join(home, 'agent/settings.json');
  const withSettings = (args: readonly string[]) => ['--settings', agentSettings, ...args];

  return {
    home,
    agentSettings,
    initUnlessDone: async (say) => {
      if (existsSync(join(home, 'settings.json'))) return;
      say(`making the state in ${home}: two certificate authorities, the policy root with an admin key, the database`);
      await finish(SELVAGE, ['init', '--local'], env, { stop: stopped });
    },
    selvage: (args, stop) =>
      finish(SELVAGE, args, env, { stop: stop === undefined ? stopped : AbortSignal.any([stopped, stop]) }),
    agent: (args, input) => finish(AGENT, withSettings(args), env, { input, stop: stopped }),
    enrolled: () => existsSync(join(home, 'agent/identity/enrollment.json')),
    spawnSelvage: (args, onLine) => keep(SELVAGE, args, env, onLine),
    spawnAgent: (args, onLine) => keep(AGENT, withSettings(args), env, onLine),
  };
}

/** Runs to the end. Standard error is passed on as progress, its last `error CODE:` and `next:` lines become the error. */
function finish(
  entry: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { input = '', stop }: { readonly input?: string | undefined; readonly stop: AbortSignal },
): Promise<string> {
  if (stop.aborted) return Promise.reject(new CodedError('PROCESS_FAILED', `"${args.join(' ')}" was not started`));

  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...args], {
      ...{ env, stdio: ['pipe', 'pipe', 'pipe'] as const, signal: stop },
    });
    // A command that does not read its input may end first.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', (error) => {
      // Stopped: it still finishes what it is at, and the collector must not go before it.
      if (error.name !== 'AbortError') reject(error);
    });
    child.on('close', (code) => (code === 0 ? resolve(stdout) : reject(printedError(args, stderr, code))));
  });
}

function printedError(args: readonly string[], stderr: string, code: number | null): CodedError {
  const error = /^error ([A-Z_]+): (.*)$/m.exec(stderr);
  const next = /^next: (.*)$/m.exec(stderr);
  if (!error) return new CodedError('PROCESS_FAILED', `"${args.join(' ')}" ended with ${code}: ${stderr.trim()}`);

  return fromDocument({ code: error[1], message: error[2], ...(next ? { next: next[1] } : {}) });
}

function keep(entry: string, args: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void): Child {
  // A group of its own: Ctrl-C reaches only this process, which then stops its children in order.
  const child = spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', onLine);
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => resolve(code ?? 1));
    child.on('error', () => resolve(1));
  });

  return {
    ended,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await ended;
      clearTimeout(kill);
    },
  };
}
