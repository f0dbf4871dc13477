// The `selvage` command: reads the environment, builds what commands need, runs one command line, answers an exit code.
// It is the only file of the collector that reads the machine (streams, host name, zone, signals).
import { homedir, hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { createLog } from '@selvage/shared/log/log.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { type Clock, systemClock } from '@selvage/shared/time/clock.ts';
import { AdminFolder } from './cli/admin-folder.ts';
import type { Cli } from './cli/cli.ts';
import { createEventConsole } from './cli/event-console.ts';
import { printFailure } from './cli/failure.ts';
import { createProgram, runProgram } from './cli/program.ts';
import { createScreen, type Output } from './cli/screen.ts';
import { defaultHome } from './default-home.ts';
import { homeAt, readSettings } from './home.ts';
import { VERSION } from './version.ts';

export interface MainIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Nothing when left out. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Ends `serve`; SIGINT and SIGTERM of this process when left out. */
  readonly stop?: AbortSignal;
  readonly clock?: Clock;
}

/** Returns the exit code: 0 ok, 1 failed, 2 wrong use, 3 refused, 4 unreachable. */
export async function main(args: readonly string[], io: MainIo): Promise<number> {
  try {
    const cli = createCli(io);
    const program = createProgram(cli, { version: VERSION, stdout: io.stdout, width: cli.screen.width });
    await runProgram(program, args);

    return 0;
  } catch (error) {
    return printFailure(error, io.stderr);
  }
}

function createCli(io: MainIo): Cli {
  const { env, stdout, stderr, clock = systemClock } = io;
  const home = homeAt(resolve(env.SELVAGE_HOME ?? usualHome()));
  const screen = createScreen({ stdout, stderr, env });
  const random = systemRandom;

  return {
    home,
    admin: new AdminFolder(home.admin),
    screen,
    get stdin() {
      return io.stdin ?? new Blob().stream();
    },
    clock,
    random,
    hostname: hostname().toLowerCase(),
    zone: Temporal.Now.timeZoneId(),
    // Loaded only when they are meant: every other command is a thin client, without database and server.
    init: async (options) => (await import('./init.ts')).initHome(options, { home, clock, random, environment: env }),
    backup: async (folder) => (await import('./backup/backup.ts')).makeBackup(folder, { home, clock }),
    restore: async (folder) => (await import('./backup/restore.ts')).restoreBackup(folder, { home, clock }),
    serve: async ({ readyLine }) => {
      const { serve } = await import('./serve.ts');
      const settings = await readSettings(home, env);
      const log = createLog({ level: settings.logLevel, stream: stderr });
      const stop = io.stop ?? stopSignal();
      const served = await serve(settings, { home, clock, random, log, environment: env });
      const { gateway, gatewayPin, api, apiPin } = served.addresses;
      screen.line(`for hosts   ${gateway}`);
      screen.line(`  pin ${gatewayPin}`);
      screen.line(`for admins  ${api}`);
      screen.line(`  pin ${apiPin}`);
      if (readyLine) screen.line(`ready ${JSON.stringify(served.addresses)}`);
      const live = createEventConsole(screen, { clock, zone: Temporal.Now.timeZoneId() });
      served.events.subscribe(live.show);

      await new Promise<void>((done) => {
        if (stop.aborted) done();
        else stop.addEventListener('abort', () => done(), { once: true });
      });
      screen.note('stopping: running work is finished first');
      await served.close();
      live.flush();
    },
  };
}

function usualHome(): string {
  return defaultHome({
    folder: import.meta.dirname,
    fromSource: import.meta.filename.endsWith('.ts'),
    isRoot: process.getuid?.() === 0,
    userName: userName(),
    personal: homedir(),
  });
}

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    // The system has no such user: a container that runs under a number.
    return null;
  }
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));

  return stop.signal;
}
