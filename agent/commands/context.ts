// What every command of the agent gets: the outside world as values, and the options all commands share.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Keep } from '@selvage/shared/exec/keep.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { createLazyLog } from '@selvage/shared/log/lazy.ts';
import { LOG_LEVELS, type Log, type LogLevel } from '@selvage/shared/log/levels.ts';
import type { ProxyEnvironment } from '@selvage/shared/net/proxy.ts';
import type { Random } from '@selvage/shared/random.ts';
import { harmless, harmlessJson } from '@selvage/shared/text/harmless.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Settings } from '../settings.ts';
import type { User } from './user.ts';

export interface Output {
  write(text: string): unknown;
}

export interface Input extends AsyncIterable<Uint8Array | string> {
  /** Ends it early: an input that nobody reads to its end keeps the process. */
  destroy?(): unknown;
}

export interface World {
  readonly stdout: Output;
  readonly stderr: Output;
  /** All of standard input, bounded. */
  readonly input: () => Promise<string>;
  /** The same as it comes, for a connector that is fed by its supervisor. */
  readonly stdin: Input;
  readonly logLevel: string | undefined;
  readonly run: Run;
  readonly keep: Keep;
  readonly clock: Clock;
  readonly random: Random;
  /** What the environment says about proxies. */
  readonly proxies: ProxyEnvironment;
  /** The file that Node started: children are started from it too. */
  readonly entry: string;
  /**
   * Replaces this process by the resident connector, which needs less than a command line: same process id, same streams,
   * nothing left of this one. Null where the system cannot; it then stays as it is.
   */
  readonly become: ((given: Resident) => never) | null;
}

/** What the resident connector is given by the command that it replaces; plain JSON. */
export interface Resident {
  readonly settings: Settings;
  readonly settingsFile: string | null;
  readonly withRunner: boolean;
  readonly supervised: boolean;
  /** A service manager starts the other halves. */
  readonly service: boolean;
  /** The connector is another process, of this user, and this one starts it; null: this one is the connector. */
  readonly supervises: User | null;
}

export interface Context extends World {
  readonly log: Log;
  /** The one settings file that was named, null for the system's. */
  readonly settingsFile: string | null;
  /** Files and folders the settings are read from, later ones win. */
  readonly settingsPaths: readonly string[];
  settings(): Promise<Settings>;
  /** One line of text on standard output; what a collector or a package put into it cannot command the terminal. */
  say(line: string): void;
  /** One JSON document on standard output; `indent` in blanks, for people. */
  json(value: unknown, indent?: number): void;
}

const SYSTEM_SETTINGS = ['/etc/selvage-agent/settings.json', '/etc/selvage-agent/settings.d'];

/**
 * `file` null: the system's settings. A file that is given stands alone, with its `settings.d` beside it. `load` is an
 * argument because its schema is the largest part of a small process; the resident connector does without.
 */
export function createContext(
  world: World,
  file: string | null,
  load: (paths: readonly string[]) => Promise<Settings>,
): Context {
  // A package brings defaults of its own beside the program: which user, which folders. The host's own settings win.
  const vendor = join(dirname(world.entry), 'settings.json');
  const settingsPaths = file === null ? [vendor, ...SYSTEM_SETTINGS] : [file, join(file, '../settings.d')];

  return {
    ...world,
    log: createLazyLog({
      level: logLevel(world.logLevel),
      stream: { write: (text) => void world.stderr.write(harmlessJson(text)) },
    }),
    settingsFile: file,
    settingsPaths,
    settings: async () => {
      // Defaults stand for a system without settings, never for a file that somebody named.
      if (file !== null && !existsSync(file)) {
        throw new CodedError('SETTINGS_INVALID', `there is no settings file ${file}`);
      }

      return load(settingsPaths);
    },
    say: (line) => void world.stdout.write(`${oneLine(line)}\n`),
    json: (value, indent) => void world.stdout.write(`${harmlessJson(JSON.stringify(value, null, indent))}\n`),
  };
}

/** Tells a person why a command failed, in two lines; returns its exit code. */
export function complain(stderr: Output, error: unknown): number {
  const coded = asCoded(error);
  stderr.write(`error ${coded.code}: ${oneLine(coded.message)}\nnext: ${oneLine(coded.next)}\n`);

  return coded.exit;
}

/** Safe to print, and a line end in it cannot begin a line that looks like one of ours. */
function oneLine(text: string): string {
  return harmless(text.replace(/\s*\n\s*/g, ' '));
}

function logLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'warn';
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) {
    throw new CodedError('USAGE', `SELVAGE_LOG is "${text}"`, { next: `one of ${LOG_LEVELS.join(', ')}` });
  }

  return level;
}
