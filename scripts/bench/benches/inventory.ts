// One inventory as the resident agent takes it every hour: its child from start to the whole document, on this machine, against
// osqueryi asked for the same facts. Repositories are left out (no lists, so no pending updates are worked out).
import { execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleAgent } from '../../bundle/agent.ts';
import { fetchOsquery } from '../agent/osquery.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const RUNS = 15;
const QUICK_RUNS = 3;
const MAX_OUTPUT = 256 * 1024 * 1024;
const started = promisify(execFile);

/** What the row names, in osquery's tables. */
const QUERIES = [
  'select * from deb_packages',
  'select * from os_version',
  'select * from kernel_info',
  'select * from interface_addresses',
  'select * from interface_details',
  'select * from listening_ports',
  'select * from process_open_sockets',
  'select * from processes',
  "select distinct pid, path from process_memory_map where path like '%(deleted)'",
].join('; ');

export const inventory: Bench = {
  name: 'inventory',
  describe: 'one inventory by the child of the resident agent, against osqueryi',
  run: async ({ folder, say, quick }) => {
    const { shell } = await fetchOsquery(folder);
    const { entry } = await bundleAgent(join(folder, 'program'));
    const settings = join(folder, 'settings.json');
    await mkdir(join(folder, 'state'));
    await writeFile(settings, JSON.stringify({ stateDir: join(folder, 'state') }));
    const ours = () => timed(process.execPath, [entry, '--settings', settings, 'inventory', '--parcel'], '{}\n');
    const theirs = () => timed(shell, ['--json', '--ephemeral', '--disable_database', QUERIES], '');

    // The first one also asks for the hardware, remembered until the next boot or day, and reads dpkg's file lists for the owners of
    // sockets and modules, remembered until dpkg changes something.
    const first = await ours();
    await theirs();
    const our: number[] = [];
    const their: number[] = [];
    for (let run = 0; run < (quick ? QUICK_RUNS : RUNS); run++) {
      our.push(await ours());
      their.push(await theirs());
    }
    say(`ours ${our.map(whole).join(' ')}; osqueryi ${their.map(whole).join(' ')} ms`);
    const empty = await timed(shell, ['--json', '--ephemeral', '--disable_database', 'select 1'], '');
    const { stdout } = await started(process.execPath, [entry, '--settings', settings, 'inventory', '--json'], {
      maxBuffer: MAX_OUTPUT,
    });
    const { sections } = JSON.parse(stdout) as { sections: Record<string, { ok: boolean; data: unknown[] }> };
    const taken = Object.values(sections).filter(({ ok }) => ok).length;

    return [
      {
        name: 'inventory',
        unit: 'ms',
        ours: median(our),
        peer: { name: 'osqueryi', value: median(their) },
        target: { atMost: 0.1 },
        notes: [
          `medians of ${our.length} that take turns; fastest: ours ${whole(Math.min(...our))}, osqueryi ${whole(Math.min(...their))} ms`,
          `${sections.packages?.data.length ?? 0} packages, ${taken} sections taken of ${Object.keys(sections).length}`,
          `the first, with hardware and owners of files: ${whole(first)} ms; osqueryi without a question: ${whole(empty)} ms`,
          ...(quick ? ['--quick: few runs'] : []),
        ],
      },
    ];
  },
};

/** Milliseconds from the start of a program to its end, its output read whole. */
function timed(file: string, args: readonly string[], input: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'ignore'] });
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && bytes > 0) resolve(performance.now() - from);
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code} and ${bytes} bytes`));
    });
    child.stdin.end(input);
  });
}

function whole(ms: number): string {
  return ms.toFixed(0);
}
