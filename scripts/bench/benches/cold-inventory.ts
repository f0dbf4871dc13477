// `selvage-agent inventory --json` from the program of the package, with nothing of any file in memory, against `facter --json`.
// Both read from the disk what they need and are what a person would type. Dropping the file cache needs root.
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { realPackages } from '../../package/testing/real-packages.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const RUNS = 10;
const QUICK_RUNS = 2;
const DEADLINE_MS = 60_000;
const DROP = '/proc/sys/vm/drop_caches';
/** Files, folders and inodes (proc_sys_vm(5)). */
const ALL = '3';
const run = createRun(process.env);

export const coldInventory: Bench = {
  name: 'cold-inventory',
  describe: '`selvage-agent inventory` of the package with a cold file cache, against `facter --json`',
  run: async ({ folder, say, quick }) => {
    if (process.getuid?.() !== 0) throw new CodedError('TOOL_MISSING', 'only root can drop the file cache');
    const facter = '/usr/bin/facter';
    const { stdout: version } = await run({ file: facter, args: ['--version'], deadlineMs: DEADLINE_MS, check: true });
    const file = await (await realPackages(join(folder, 'packages'), run)).build('agent', 'deb', '0.1.0');
    const root = join(folder, 'root');
    await run({ file: 'dpkg-deb', args: ['--extract', file, root], deadlineMs: DEADLINE_MS, check: true });
    const home = join(root, 'usr/lib/selvage-agent');
    const settings = join(folder, 'settings.json');
    const state = join(folder, 'state');
    await writeFile(settings, JSON.stringify({ stateDir: state }));
    const node = join(home, 'bin/node');
    const args = [join(home, 'selvage-agent.mjs'), '--settings', settings, 'inventory', '--json'];
    const ours = () => cold(node, args);
    const first: number[] = [];
    const again: number[] = [];
    const theirs: number[] = [];

    for (let turn = 0; turn < (quick ? QUICK_RUNS : RUNS); turn++) {
      // As on a host that was never looked at: nothing is remembered.
      await rm(state, { recursive: true, force: true });
      await mkdir(state);
      theirs.push(await cold(facter, ['--json']));
      first.push(await ours());
      again.push(await ours());
      say(
        `turn ${turn + 1}: ours ${told(first.slice(-1))}, again ${told(again.slice(-1))}; facter ${told(theirs.slice(-1))} ms`,
      );
    }
    const row = (name: string, of: readonly number[], notes: readonly string[]) => ({
      ...{ name, unit: 'ms', ours: median(of), peer: { name: 'facter', value: median(theirs) }, target: { atMost: 2 } },
      notes,
    });

    return [
      row('cold-inventory.first', first, [
        `medians of ${first.length} turns, the cache dropped before each; the first inventory of a host, nothing remembered`,
        `ours ${told(first)}; facter ${version.trim()} ${told(theirs)} ms`,
        ...(quick ? ['--quick: few turns'] : []),
      ]),
      row('cold-inventory.later', again, [
        `every later one, hardware and owners of files remembered: ${told(again)} ms`,
      ]),
    ];
  },
};

/** Milliseconds from the start of a program to its end, its output read whole, with nothing in the file cache before. */
async function cold(file: string, args: readonly string[]): Promise<number> {
  await run({ file: 'sync', args: [], deadlineMs: DEADLINE_MS, check: true });
  await writeFile(DROP, ALL);

  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(file, [...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      const ms = performance.now() - began;
      // facter ends with 1 where one of its many facts could not be had, and has told all others.
      if (isDocument(Buffer.concat(chunks).toString('utf8'))) resolve(ms);
      else reject(new CodedError('PROCESS_FAILED', `${file} ended with ${code} and without a document`));
    });
  });
}

function isDocument(text: string): boolean {
  try {
    return Object.keys(JSON.parse(text) as object).length > 1;
  } catch {
    // Not one whole JSON document.
    return false;
  }
}

function told(ms: readonly number[]): string {
  return ms.map((value) => value.toFixed(0)).join(' ');
}
