// The runner as it is shipped, on an enrolled host that has nothing to do: what every wake-up and every few minutes of a service
// manager cost. It takes its lock, looks at the policy that lies there, and ends.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installAgent } from '../agent/installation.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const RUNS = 15;
const QUICK_RUNS = 3;
const started = promisify(execFile);

export const runnerIdle: Bench = {
  name: 'runner-idle',
  describe: 'a pass of the runner that has nothing to do',
  run: async ({ folder, say, quick }) => {
    const installed = await installAgent(folder);

    try {
      // Brings what a connected host has: its policy, its folders.
      await (await installed.connect()).stop();
      const pass = () => timed([installed.entry, '--settings', installed.settings, 'run', '--json']);
      const first = await pass();
      const passes: number[] = [];
      const empty: number[] = [];
      for (let run = 0; run < (quick ? QUICK_RUNS : RUNS); run++) {
        passes.push(await pass());
        empty.push(await timed(['--eval', '0']));
      }
      say(`ours ${passes.map(whole).join(' ')}; empty Node ${empty.map(whole).join(' ')} ms`);

      return [
        {
          name: 'runner.idle',
          unit: 'ms',
          ours: median(passes),
          peer: null,
          target: { atMost: 100 },
          notes: [
            `empty Node: ${whole(median(empty))} ms; fastest: ours ${whole(Math.min(...passes))}, empty Node ${whole(Math.min(...empty))} ms`,
            `the first: ${whole(first)} ms`,
            ...(quick ? ['--quick: few runs'] : []),
          ],
        },
      ];
    } finally {
      await installed.stop();
    }
  },
};

/** Milliseconds from the start of a Node to its end. Rejects when it ends with an error. */
async function timed(args: readonly string[]): Promise<number> {
  const from = performance.now();
  await started(process.execPath, [...args]);

  return performance.now() - from;
}

function whole(ms: number): string {
  return ms.toFixed(0);
}
