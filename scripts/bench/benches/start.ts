// `npm start --silent -- --once --json` on this checkout with a new state: from nothing to the first inventory in a collector, the
// refresh of the package lists left out by giving the agent the lists of a start before.
import { spawn } from 'node:child_process';
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const CHECKOUT = join(import.meta.dirname, '../../..');
const RUNS = 3;
const PASSABLE = 0o711;
const S = 1000;

export const start: Bench = {
  name: 'start',
  describe: '`npm start -- --once --json` on an installed checkout, aside from the list refresh',
  run: async ({ folder, say, quick }) => {
    // The unprivileged half of the agent passes through.
    await chmod(folder, PASSABLE);
    // Brings the lists, which takes as long as the mirror does.
    const home = join(folder, 'home');
    const first = await startOnce(home);
    const seconds: number[] = [];
    let timings = '';

    for (let run = 1; run <= (quick ? 1 : RUNS); run++) {
      await forgetAllButLists(home);
      const { wallMs, document } = await startOnce(home);
      seconds.push(wallMs / S);
      timings = JSON.stringify(document.timings);
      say(`run ${run}: ${(wallMs / S).toFixed(2)} s ${timings}`);
    }

    return [
      {
        name: 'start',
        unit: 's',
        ours: median(seconds),
        peer: null,
        target: { atMost: 5 },
        notes: [
          `steps of the last run: ${timings}`,
          `the first, with the list refresh: ${(first.wallMs / S).toFixed(1)} s`,
          ...(quick ? ['--quick: one run'] : []),
        ],
      },
    ];
  },
};

/** A new state in every other way; the lists stay where they are, because copied ones are not believed. */
async function forgetAllButLists(home: string): Promise<void> {
  for (const [at, kept] of [
    [home, 'agent'],
    [join(home, 'agent'), 'lists'],
  ] as const) {
    for (const name of await readdir(at)) {
      if (name !== kept) await rm(join(at, name), { recursive: true });
    }
  }
}

interface Started {
  readonly wallMs: number;
  readonly document: { readonly timings: Readonly<Record<string, number>> };
}

function startOnce(home: string): Promise<Started> {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const child = spawn('npm', ['start', '--silent', '--', '--once', '--json'], {
      cwd: CHECKOUT,
      env: { ...process.env, SELVAGE_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    child.once('error', reject);
    child.once('close', (code) => {
      const wallMs = performance.now() - from;
      if (code === 0) resolve({ wallMs, document: JSON.parse(stdout) as Started['document'] });
      else reject(new CodedError('PROCESS_FAILED', `npm start ended with ${code}: ${stderr.slice(-2000)}`));
    });
  });
}
