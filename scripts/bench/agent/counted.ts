// An agent and a collector, both real, in this process on one clock that only the benchmark moves, joined by real TLS sockets
// through a relay that counts every byte. Only the child that takes an inventory is replaced: it packs the same one again.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKeep } from '@selvage/shared/exec/keep.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Inventory } from '@selvage/shared/model/inventory.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { connect } from '../../../agent/commands/connect.ts';
import { createContext } from '../../../agent/commands/context.ts';
import { packInventory } from '../../../agent/inventory/parcel.ts';
import { loadSettings } from '../../../agent/settings.ts';
import { homeAt, readSettings } from '../../../collector/home.ts';
import { serve } from '../../../collector/serve.ts';
import { makeHome } from '../gateway/servers.ts';

export interface Counted {
  readonly clock: FakeClock;
  /** Bytes so far: of TLS, both ways. */
  bytes(): { readonly sent: number; readonly received: number };
  /** Connections so far. */
  connections(): number;
  /** Lets everything that is under way come to its end, without moving the clock. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
const AGENT = join(import.meta.dirname, '../../../agent/bin/selvage-agent.mjs');
const ALONE = process.getuid?.() === 0 ? ['--same-user'] : [];
const MAX_OUTPUT = 256 * 1024 * 1024;
/** Nothing has moved for so long, and nothing waits on disk: what was to be said has been said. */
const QUIET_MS = 30;
const started = promisify(execFile);

/** `inventoryEvery` as in the settings, `12s`. Resolves when the first inventory is committed. */
export async function startCounted(folder: string, inventoryEvery: string): Promise<Counted> {
  const { home } = await makeHome(folder);
  const files = homeAt(home);
  const clock = fakeClock(Temporal.Now.instant().toString());
  const settings = await readSettings(files, {});
  const served = await serve(settings, { home: files, clock, random: systemRandom, log: silentLog });
  const relay = await startRelay(settings.gatewayPort);
  const stateDir = join(folder, 'state');
  const settingsFile = join(folder, 'settings.json');
  await mkdir(stateDir);
  await writeFile(settingsFile, JSON.stringify({ stateDir, inventoryEvery }));
  const env = { ...process.env, SELVAGE_HOME: home };
  const node = async (args: readonly string[]) =>
    (await started(process.execPath, [...args], { env, maxBuffer: MAX_OUTPUT })).stdout;

  const made = JSON.parse(await node([SELVAGE, 'token', 'create', '--host', 'bench', '--json'])) as {
    token: string;
    pin: string;
  };
  const contact = ['--collector', relay.url, '--pin', made.pin, '--token', made.token, '--name', 'bench'];
  await node([AGENT, '--settings', settingsFile, 'enroll', ...ALONE, ...contact]);
  const inventory = JSON.parse(await node([AGENT, '--settings', settingsFile, 'inventory', '--json'])) as Inventory;
  relay.reset();

  const run: Run = async ({ input }) => {
    const taken = { ...inventory, takenAt: clock.now().toString() };

    return { stdout: JSON.stringify(await packInventory(taken, JSON.parse(input ?? '{}'))), stderr: '', exitCode: 0 };
  };
  const output = { write: () => true };
  const world = {
    stdout: output,
    stderr: output,
    input: async () => '',
    stdin: { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) },
    logLevel: undefined,
    run,
    keep: createKeep({}),
    clock,
    random: systemRandom,
    proxies: {},
    entry: AGENT,
    become: null,
  };
  const ended = connect(
    createContext(world, settingsFile, (paths) => loadSettings(paths)),
    {},
  );
  const settle = async () => {
    for (let before = -1; before !== relay.bytes().sent + relay.bytes().received || (await waits(stateDir)); ) {
      before = relay.bytes().sent + relay.bytes().received;
      await wait(QUIET_MS);
    }
  };
  await relay.connected;
  await settle();

  return {
    clock,
    bytes: relay.bytes,
    connections: relay.connections,
    settle,
    stop: async () => {
      process.emit('SIGTERM', 'SIGTERM');
      await ended;
      await served.close();
      relay.close();
    },
  };
}

/** True while a message lies in the outbox. */
async function waits(stateDir: string): Promise<boolean> {
  const names = await readdir(join(stateDir, 'outbox'), { recursive: true });

  return names.some((name) => name.endsWith('.message'));
}

async function startRelay(port: number) {
  let sent = 0;
  let received = 0;
  let connections = 0;
  let begin: () => void = () => undefined;
  const connected = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let isCounting = false;
  const server = createServer((inside) => {
    const outside = connectSocket(port, '127.0.0.1');
    connections += 1;
    if (isCounting) begin();
    inside.on('data', (chunk) => {
      sent += chunk.length;
      outside.write(chunk);
    });
    outside.on('data', (chunk) => {
      received += chunk.length;
      inside.write(chunk);
    });
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      one.on('end', () => other.end());
      one.on('error', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no port');

  return {
    url: `wss://127.0.0.1:${address.port}`,
    connected,
    bytes: () => ({ sent, received }),
    connections: () => connections,
    reset: () => {
      sent = 0;
      received = 0;
      connections = 0;
      isCounting = true;
    },
    close: () => server.close(),
  };
}
