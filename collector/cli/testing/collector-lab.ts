// A whole collector in a temporary home, run through the real command with injected arguments and streams: real TLS on
// port 0, real SQLite, real signatures. For tests only.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { type Clock, systemClock } from '@selvage/shared/time/clock.ts';
import { putInventory, type Sections } from '../../api/testing/inventories.ts';
import { homeAt } from '../../home.ts';
import { main } from '../../main.ts';
import type { Store } from '../../store/ports.ts';
import { hostSample } from '../../store/samples.ts';
import { openStore } from '../../store/store.ts';

export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface CollectorLab {
  readonly home: string;
  /** `selvage …` on this home, or on another machine's. */
  run(
    args: readonly string[],
    at?: { readonly home?: string; readonly columns?: number; readonly stdin?: string },
  ): Promise<Outcome>;
  init(): Promise<Outcome>;
  /** Works on the database while nothing serves. */
  withStore(work: (store: Store) => Promise<void>, home?: string): Promise<void>;
  addHost(number: number, sections: Sections): Promise<void>;
  serve(): Promise<Running>;
  file(name: string, text: string): string;
}

export interface Running {
  readonly gateway: string;
  readonly gatewayPin: string;
  readonly api: string;
  readonly apiPin: string;
  readonly output: () => string;
  /** Tells it to stop and gives the exit code. */
  stop(): Promise<number>;
}

/** `clock`: of the commands and of the collector; what Node itself checks (TLS) goes by the real time. */
export function collectorLab(clock: Clock = systemClock): CollectorLab {
  const folder = temporaryFolder('collector');
  const home = join(folder, 'home');

  const run: CollectorLab['run'] = async (args, at = {}) => {
    const stdout = sink(at.columns);
    const stderr = sink();
    const stdin = new Blob([at.stdin ?? '']).stream();
    const exit = await main(args, { env: { SELVAGE_HOME: at.home ?? home }, stdout, stderr, stdin, clock });

    return { exit, stdout: stdout.text(), stderr: stderr.text(), json: () => JSON.parse(stdout.text()) };
  };

  const withStore: CollectorLab['withStore'] = async (work, at = home) => {
    const store = await openStore({ file: homeAt(at).collector.database, clock: systemClock });
    await work(store);
    await store.close();
  };

  return {
    home,
    run,
    init: () =>
      run([
        'init',
        '--admin',
        'ann',
        '--name',
        '127.0.0.1',
        '--listen',
        '127.0.0.1',
        '--gateway-port',
        '0',
        '--api-port',
        '0',
      ]),
    withStore,
    addHost: (number, sections) =>
      withStore(async (store) => {
        const record = hostSample(number, { certificate: hostSample(number).certificate });
        await store.transaction((writers) => writers.hosts.add(record));
        await putInventory(store, record.id as HostId, new Date(Date.now()).toISOString() as Timestamp, sections);
      }),
    serve: async () => {
      const stop = new AbortController();
      const stdout = sink();
      const stderr = sink();
      const ended = main(['serve', '--ready-line'], {
        env: { SELVAGE_HOME: home },
        stdout,
        stderr,
        clock,
        stop: stop.signal,
      });
      const ready = await Promise.race([
        stdout.line(/^ready (.*)$/m),
        ended.then((exit) => {
          throw new Error(`serve ended with ${exit}: ${stderr.text()}`);
        }),
      ]);
      const addresses = JSON.parse(ready);
      aim(home, addresses.api);

      return {
        ...addresses,
        output: () => stdout.text() + stderr.text(),
        stop: async () => {
          stop.abort();

          return ended;
        },
      };
    },
    file: (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text);

      return path;
    },
  };
}

/** Port 0 is another one at each start: the first admin's folder is told the real one. */
function aim(home: string, api: string): void {
  const file = join(homeAt(home).admin, 'config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), url: api }));
}

function sink(columns?: number) {
  let text = '';
  let look: () => void = () => undefined;

  return {
    columns,
    write: (more: string) => {
      text += more;
      look();
    },
    text: () => text,
    /** The first group of the first line that matches, as soon as it is there. */
    line: (pattern: RegExp) =>
      new Promise<string>((resolve) => {
        look = () => {
          const match = pattern.exec(text);
          if (match?.[1] !== undefined) resolve(match[1]);
        };
        look();
      }),
  };
}
