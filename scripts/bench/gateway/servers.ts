// The two servers side by side: a real collector (`selvage init`, `selvage serve`) whose store knows the fleet, and the
// bare one under a certificate of the same authority. Each runs in a process of its own with the same probe.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { CONNECT_PATH } from '@selvage/shared/wire/wire.ts';
import { makeAuthority, makeServerIdentity } from '../../../collector/enrollment/authorities.ts';
import { homeAt, readPair } from '../../../collector/home.ts';
import { openStore } from '../../../collector/store/store.ts';
import { freePorts } from '../../lab/free-ports.ts';
import type { Fleet } from './fleet.ts';

const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
const PROBE = join(import.meta.dirname, 'probe.mjs');
const BARE = join(import.meta.dirname, 'bare-server.mjs');
/** Rows put in at once: one transaction for all would hold every row in memory twice. */
const BATCH = 500;
const POLL_MS = 20;

export interface Probe {
  readonly rss: number;
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Server {
  readonly url: string;
  /** PEM of whom a client has to trust. */
  readonly authority: string;
  probe(): Promise<Probe>;
  stop(): Promise<void>;
}

/** A collector's home, with its own hosts authority to make the fleet from. */
export async function makeHome(folder: string): Promise<{ readonly home: string; readonly authority: Authority }> {
  const home = join(folder, 'home');
  const [gateway, api] = await freePorts(2);
  const args = ['init', '--local', '--gateway-port', `${gateway}`, '--api-port', `${api}`];
  const child = spawn(process.execPath, [SELVAGE, ...args], { env: { ...process.env, SELVAGE_HOME: home } });
  await once(child, 'exit');

  return { home, authority: await readPair(homeAt(home).collector.hostsAuthority) };
}

export async function addFleet(home: string, { records }: Fleet): Promise<void> {
  const store = await openStore({ file: homeAt(home).collector.database, clock: systemClock });

  try {
    for (let at = 0; at < records.length; at += BATCH) {
      await store.transaction(async ({ hosts }) => {
        for (const record of records.slice(at, at + BATCH)) await hosts.add(record);
      });
    }
  } finally {
    await store.close();
  }
}

export async function startOurs(folder: string, home: string, authority: Authority): Promise<Server> {
  const env = { ...process.env, SELVAGE_HOME: home };
  const started = await start(folder, 'ours', [SELVAGE, 'serve', '--ready-line'], /^ready (\S+)/, env);
  const settings = JSON.parse(await readFile(homeAt(home).settings, 'utf8')) as { gatewayPort: number };

  return { ...started, url: urlOf(settings.gatewayPort), authority: authority.certificate };
}

/** `flags`: of Node, to see what they alone do. */
export async function startBare(folder: string, hosts: Authority, flags: readonly string[] = []): Promise<Server> {
  const keys = join(folder, 'bare');
  const now = { now: systemClock.now(), random: systemRandom };
  const own = makeAuthority('hosts', now);
  const { key, cert } = makeServerIdentity(own, ['127.0.0.1'], now);
  await mkdir(keys, { recursive: true });
  await writeFile(join(keys, 'server.key'), key, { mode: 0o600 });
  await writeFile(join(keys, 'server.crt'), cert);
  await writeFile(join(keys, 'authority.crt'), hosts.certificate);
  const started = await start(folder, 'bare', [...flags, BARE, keys], /^ready (\d+)/, process.env);

  return { ...started, url: urlOf(Number(started.ready)), authority: own.certificate };
}

function urlOf(port: number): string {
  return `wss://127.0.0.1:${port}${CONNECT_PATH}`;
}

export async function start(
  folder: string,
  name: string,
  args: readonly string[],
  pattern: RegExp,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly ready: string; probe(): Promise<Probe>; stop(): Promise<void> }> {
  const path = join(folder, `${name}.probe`);
  await rm(path, { force: true });
  const child = spawn(process.execPath, ['--import', PROBE, ...args], {
    env: { ...env, SELVAGE_PROBE: path },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ready = await lineOf(child, pattern);
  let probes = 0;

  return {
    ready,
    probe: async () => {
      child.kill('SIGUSR2');
      probes += 1;
      const lines = await linesIn(path, probes);

      return JSON.parse(lines[probes - 1] ?? '') as Probe;
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export async function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (child.stdout === null) throw new Error('the process has no output');

  for await (const line of createInterface({ input: child.stdout })) {
    const match = pattern.exec(line);
    if (match) return match[1] ?? '';
  }

  throw new Error(`the process ended before it said ${pattern}`);
}

async function linesIn(path: string, count: number): Promise<readonly string[]> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const lines = text.split('\n').slice(0, -1);
    if (lines.length >= count) return lines;
    await systemClock.sleep(POLL_MS);
  }
}
