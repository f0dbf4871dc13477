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
/** Of the levels of pino. */
const WARN = 40;

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
  let listens = false;
  const listening = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const child = commands.spawnSelvage(['serve', '--ready-line'], (line) => {
    const match = READY.exec(line);
    if (match?.[1] !== undefined) {
      listens = true;
      ready(JSON.parse(match[1]).gateway);

      return;
    }
    listener(line);
    const warning = listens ? null : warningIn(line);
    if (warning !== null) say(`collector: ${warning}`);
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

/** What the collector logs of an older state before it listens, such as where the backup before an upgrade lies. */
function warningIn(line: string): string | null {
  // A line of pino, whole: a collector that is killed may leave half of one.
  const [, level, msg] = /^\{"level":(\d+),.*"msg":("(?:[^"\\]|\\.)*")\}$/.exec(line) ?? [];

  return msg === undefined || Number(level) < WARN ? null : JSON.parse(msg);
}
