// Starts the collector and waits until it says that it listens.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Commands } from './commands.ts';
import type { StartOptions } from './options.ts';

export interface Serving {
  readonly url: string;
  readonly ended: Promise<number>;
  follow(onLine: (line: string) => void): void;
  stop(): Promise<void>;
}

const READY = /^ready (\{.*\})$/;
const READY_DEADLINE_MS = 30_000;

/** Throws the collector's own error when it cannot start (ADDRESS_IN_USE when another one runs on this state). */
export async function startServing(
  commands: Commands,
  _options: StartOptions,
  say: (line: string) => void,
): Promise<Serving> {
  const lines: string[] = [];
  let listener = (line: string) => {
    lines.push(line);
  };
  let ready: (url: string) => void = () => undefined;
  const listening = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const child = commands.spawnSelvage(['serve', '--ready-line'], (line) => {
    const match = READY.exec(line);
    if (match?.[1] === undefined) listener(line);
    else ready(JSON.parse(match[1]).gateway);
  });
  const deadline = setTimeout(() => void child.stop(), READY_DEADLINE_MS);
  const url = await Promise.race([
    listening,
    child.ended.then((code) => {
      throw new CodedError('PROCESS_FAILED', `the collector ended with ${code}: ${lines.join(' | ')}`, {
        next: 'stop another "npm start" on the same state, or choose another SELVAGE_HOME',
      });
    }),
  ]).finally(() => clearTimeout(deadline));
  say(`collector listens on ${url}`);

  return {
    url,
    ended: child.ended,
    follow: (onLine) => {
      listener = onLine;
    },
    stop: () => child.stop(),
  };
}
