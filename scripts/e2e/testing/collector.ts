// A real collector in processes of its own, as an admin makes and runs one: `selvage init`, `selvage serve`, real TLS, real
// SQLite file. Tests look into its store, or work with the files a thief of its disk would have, only through its own rooms.
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { type Clock, systemClock } from '@selvage/shared/time/clock.ts';
import { createEnrollment, type Enrollment } from '../../../collector/enrollment/enrollment.ts';
import { Events } from '../../../collector/events.ts';
import { type Home, homeAt, readPair } from '../../../collector/home.ts';
import type { Store } from '../../../collector/store/ports.ts';
import { openStore } from '../../../collector/store/store.ts';
import { type Answer, ask, documentOf } from '../../lab/commands.ts';
import { freePorts } from '../../lab/free-ports.ts';
import { type Daemon, startDaemon } from './daemon.ts';

const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
const run = createRun(process.env);

export interface RealCollector {
  readonly home: Home;
  /** Where hosts reach it, the same after every start. */
  readonly gateway: string;
  readonly gatewayPort: number;
  readonly pin: string;
  /** `selvage …` as its admin, or in another SELVAGE_HOME. */
  selvage(args: readonly string[], home?: string): Promise<Answer>;
  /** Resolves when it listens. */
  serve(): Promise<Daemon>;
  /** Opens its database beside it and closes it after the work. */
  withStore<T>(work: (store: Store) => Promise<T>): Promise<T>;
  /** Its enrollment room on a store, with its own authorities, at a time of the test's choice. */
  enrollment(store: Store, clock: Clock): Promise<Enrollment>;
}

export interface TokenDocument {
  readonly id: string;
  readonly token: string;
  readonly collector: string;
  readonly pin: string;
}

/** Where a home lies: as this process sees it, as the collector does, and the command that leads there. */
export interface Place {
  readonly home: string;
  readonly inside: string;
  readonly enter: readonly string[];
}

function placeAt(home: string): Place {
  return { home, inside: home, enter: [] };
}

export async function makeCollector(
  env: Readonly<Record<string, string>> = {},
  place: Place = placeAt(join(temporaryFolder('e2e'), 'home')),
): Promise<RealCollector> {
  const { home, inside, enter } = place;
  const [file = process.execPath, ...before] = [...enter, process.execPath];
  const files = homeAt(home);
  const [gatewayPort = 0, apiPort = 0] = await freePorts(2);
  const command = (args: readonly string[], at = inside) => ({
    file,
    args: [...before, SELVAGE, ...args],
    env: { ...env, SELVAGE_HOME: at },
  });
  const selvage = (args: readonly string[], at?: string) => ask(run, command(args, at), `selvage ${args.join(' ')}`);
  const ports = ['--gateway-port', `${gatewayPort}`, '--api-port', `${apiPort}`];
  const made = documentOf<{ gateway: string; gatewayPin: string }>(
    await selvage(['init', '--local', ...ports, '--json']),
  );
  const withStore: RealCollector['withStore'] = async (work) => {
    const store = await openStore({ file: files.collector.database, clock: systemClock });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };

  return {
    home: files,
    gateway: made.gateway,
    gatewayPort,
    pin: made.gatewayPin,
    selvage,
    serve: async () => {
      const daemon = startDaemon(command(['serve', '--ready-line']));
      await daemon.line(/^ready /);

      return daemon;
    },
    withStore,
    enrollment: async (store, clock) =>
      createEnrollment({
        store,
        hosts: await readPair(files.collector.hostsAuthority),
        admins: await readPair(files.collector.adminsAuthority),
        root: async () => (await store.read.policy.file('1.root.json')) ?? new Uint8Array(),
        clock,
        random: systemRandom,
        events: new Events(),
      }),
  };
}
