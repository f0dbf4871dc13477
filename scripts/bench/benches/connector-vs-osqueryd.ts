// Memory of the resident connector against an idle osqueryd, watcher and worker, that has nothing scheduled and no server:
// less than it would hold in use.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { installAgent } from '../agent/installation.ts';
import { type Kept, keep, memoryOf, sum, told } from '../agent/keep.ts';
import { fetchOsquery } from '../agent/osquery.ts';
import type { Bench } from '../bench.ts';

const IDLE_MS = 60_000;
const QUICK_MS = 5000;
const WORKER_POLL_MS = 200;
const WORKER_TRIES = 300;

export const connectorVsOsqueryd: Bench = {
  name: 'connector-vs-osqueryd',
  describe: 'memory of the resident connector, idle, against an idle osqueryd',
  run: async ({ folder, say, quick }) => {
    const { daemon } = await fetchOsquery(folder);
    const installed = await installAgent(folder);
    const place = join(folder, 'osqueryd');
    await mkdir(place);
    await writeFile(join(place, 'osquery.conf'), '{}\n');
    const watcher = keep({
      file: daemon,
      args: [
        `--config_path=${join(place, 'osquery.conf')}`,
        `--database_path=${join(place, 'database')}`,
        `--pidfile=${join(place, 'pid')}`,
        `--logger_path=${place}`,
        `--extensions_socket=${join(place, 'socket')}`,
      ],
    });

    const running: Kept[] = [];

    try {
      const connector = await installed.connect();
      running.push(connector);
      const worker = await workerOf(watcher.pid);
      const idleMs = quick ? QUICK_MS : IDLE_MS;
      say(`both run; ${idleMs / 1000} s of idling`);
      await wait(idleMs);
      const our = await memoryOf(connector.pid);
      const [watching, working] = await Promise.all([memoryOf(watcher.pid), memoryOf(worker)]);
      const both = sum([watching, working]);
      return [
        {
          name: 'connector.vs-osqueryd',
          unit: 'MiB',
          ours: our.rss,
          peer: { name: 'osqueryd', value: both.rss },
          target: { atMost: 0.5 },
          notes: [
            `ours: ${told(our)}`,
            `osqueryd watcher: ${told(watching)}; worker: ${told(working)}`,
            `PSS against PSS: ${(our.pss / both.pss).toFixed(3)} x (every resident Node of a machine shares its program)`,
            ...(quick ? ['--quick: a few seconds of idling only'] : []),
          ],
        },
      ];
    } finally {
      for (const kept of running) await kept.stop();
      await watcher.stop();
      await installed.stop();
    }
  },
};

async function workerOf(watcher: number): Promise<number> {
  for (let tried = 0; tried < WORKER_TRIES; tried++) {
    // One of its threads forks, and not always the same.
    const tasks = await readdir(`/proc/${watcher}/task`);
    const lists = await Promise.all(tasks.map((task) => readFile(`/proc/${watcher}/task/${task}/children`, 'utf8')));
    const child = lists.join(' ').trim().split(' ')[0];
    if (child) return Number(child);
    await wait(WORKER_POLL_MS);
  }

  throw new Error('osqueryd started no worker');
}
