// 5,000 hosts at once through one token: simulated agents with the real enrollment of the agent, in a process of their own,
// against `selvage serve`; and meanwhile somebody else who asks the collector something, over and over.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { exchange } from '@selvage/shared/pki/https.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { ask, documentOf } from '../../lab/commands.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { measureBare } from '../enrollment/bare.ts';
import { makeHome, startOurs } from '../gateway/servers.ts';

const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
const FLEET = join(import.meta.dirname, '../../fleet.mjs');
const HOSTS = 5000;
const QUICK_HOSTS = 500;
/** Addresses of this machine that the hosts come from: some sites, each behind one address. */
const ADDRESSES = 8;
/** Bare requests under way at one time. */
const AT_ONCE = 256;
/** Milliseconds between two questions of the one who asks meanwhile. */
const ASK_EVERY_MS = 50;
const ASK_DEADLINE_MS = 30_000;
/** In memory, where there is such a folder: it is not the disk of the agents that is measured. */
const MEMORY = '/dev/shm';

interface Enrolled {
  readonly enrolled: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly enrollMs: number;
  readonly perSecond: number;
  readonly sentAway: number;
}

export const enroll5000: Bench = {
  name: 'enroll-5000',
  describe: `${HOSTS} hosts enroll at once through one token of many uses`,
  run: async (context) => {
    const count = context.quick ? QUICK_HOSTS : HOSTS;
    const bare = await measureBare(context.folder, count, AT_ONCE);
    context.say(`bare: ${bare.perSecond.toFixed(0)} a second, ${bare.cpuMs.toFixed(2)} ms CPU each`);
    const ours = await measureOurs(context, count);
    context.say(`ours: ${ours.fleet.perSecond} a second, ${ours.cpuMs.toFixed(2)} ms CPU each`);
    const { fleet, probe, own, asked } = ours;
    const answers = `${asked.length} questions of another meanwhile: p50 ${ms(at(asked, 0.5))}, p99 ${ms(at(asked, 0.99))}, longest ${ms(at(asked, 1))}`;
    const peer = 'bare HTTPS, one signature and one commit';

    return [
      {
        name: 'enroll-5000.failures',
        unit: 'hosts',
        ours: count - fleet.enrolled,
        peer: null,
        target: { atMost: 0 },
        notes: [
          `${fleet.enrolled} enrolled in ${ms(fleet.enrollMs)}; told to come again ${fleet.sentAway} times`,
          ...Object.entries(fleet.failed).map(([code, failed]) => `${failed} failed with ${code}`),
          ...(context.quick ? ['--quick: few hosts'] : []),
        ],
      },
      {
        name: 'enroll-5000.loop-p99',
        unit: 'ms',
        ours: probe.p99Ms,
        peer: null,
        target: { atMost: 200 },
        notes: [
          `over the whole time, by a probe in the process; longest ${ms(probe.maxMs)}`,
          `by the collector's own metric (last minute): p99 ${ms(own.p99Ms)}, longest ${ms(own.maxMs)}`,
          answers,
        ],
      },
      {
        name: 'enroll-5000.rate',
        unit: 'a second',
        ours: fleet.perSecond,
        peer: { name: peer, value: bare.perSecond },
        target: { atLeast: 0.1 },
        notes: [
          `CPU of the server: ours ${ours.cpuMs.toFixed(2)} ms for each host, bare ${bare.cpuMs.toFixed(2)} ms for each request`,
          'an enrollment is two connections, three signatures to check, one to make, and six writes in its transaction;',
          'the agents, all on this machine too, make two keys each and write them to a disk in memory',
        ],
      },
    ];
  },
};

async function measureOurs({ folder }: BenchContext, count: number) {
  const { home, authority } = await makeHome(folder);
  const collector = await startOurs(folder, home, authority);
  const state = await mkdtemp(join(await usable(MEMORY), 'selvage-fleet-'));
  const done = new AbortController();

  try {
    const selvage = async <T>(...args: readonly string[]) =>
      documentOf<T>(
        await ask(
          createRun(process.env),
          { file: process.execPath, args: [SELVAGE, ...args, '--json'], env: { SELVAGE_HOME: home } },
          args.join(' '),
        ),
      );
    const made = await selvage<{ token: string; pin: string; collector: string }>(
      'token',
      'create',
      '--uses',
      `${count}`,
    );
    const status = await selvage<{ api: string }>('status');
    const before = await collector.probe();
    const asking = keepAsking(status.api, done.signal);
    const fleet = await enroll(made, count, state);
    const probe = await collector.probe();
    const { load } = await selvage<{ load: { eventLoop: { p99Ms: number; maxMs: number } } }>('status');
    done.abort();

    return {
      ...{ fleet, probe, own: load.eventLoop, asked: await asking },
      cpuMs: (probe.cpuMs - before.cpuMs) / count,
    };
  } finally {
    done.abort();
    await collector.stop();
    await rm(state, { recursive: true, force: true });
  }
}

function enroll(
  { collector, pin, token }: { readonly collector: string; readonly pin: string; readonly token: string },
  count: number,
  folder: string,
): Promise<Enrolled> {
  const from = Array.from({ length: ADDRESSES }, (_, index) => `127.0.0.${index + 2}`).join(',');
  const args = ['--collector', collector, '--pin', pin, '--token', token, '--from', from, '--folder', folder];
  const child = spawn(
    process.execPath,
    [FLEET, ...args, '--agents', `${count}`, '--at-once', `${count}`, '--patience', '10m', '--enroll-only', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });

  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      text === '' ? reject(new Error(`the fleet ended with ${code}`)) : resolve(JSON.parse(text) as Enrolled),
    );
  });
}

/** Milliseconds of each answer to a question that costs the collector a handshake and nothing else. */
async function keepAsking(api: string, signal: AbortSignal): Promise<readonly number[]> {
  const took: number[] = [];
  while (!signal.aborted) {
    const began = performance.now();
    await exchange({ url: api, path: '/v1/trust', method: 'GET', deadlineMs: ASK_DEADLINE_MS, trust: 'none' });
    took.push(performance.now() - began);
    await systemClock.sleep(ASK_EVERY_MS);
  }

  return took.sort((a, b) => a - b);
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function usable(folder: string): Promise<string> {
  try {
    await rm(await mkdtemp(join(folder, 'selvage-')), { recursive: true });

    return folder;
  } catch {
    // No such folder, or none for us: then on the disk.
    return tmpdir();
  }
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
