// What an idle connection costs in CPU: all threads of the resident connector over two minutes, heartbeats included.
import { setTimeout as wait } from 'node:timers/promises';
import { installAgent } from '../agent/installation.ts';
import { cpuOf, type Kept } from '../agent/keep.ts';
import type { Bench } from '../bench.ts';

const IDLE_MS = 120_000;
const QUICK_MS = 10_000;
/** The first inventory and its garbage are over by then. */
const SETTLE_MS = 5000;
const NANOSECONDS_PER_MS = 1e6;

export const connectorCpu: Bench = {
  name: 'connector-cpu',
  describe: 'CPU of the resident connector, idle for two minutes',
  run: async ({ folder, say, quick }) => {
    const installed = await installAgent(folder);

    const running: Kept[] = [];

    try {
      const connector = await installed.connect();
      running.push(connector);
      await wait(SETTLE_MS);
      const idleMs = quick ? QUICK_MS : IDLE_MS;
      say(`connected; ${idleMs / 1000} s of idling`);
      const from = performance.now();
      const before = await cpuOf(connector.pid);
      await wait(idleMs);
      const ran = Number((await cpuOf(connector.pid)) - before) / NANOSECONDS_PER_MS;
      const passed = performance.now() - from;

      return [
        {
          name: 'connector.cpu',
          unit: '% of a core',
          ours: (100 * ran) / passed,
          peer: null,
          target: { atMost: 0.015 },
          notes: [
            `${ran.toFixed(2)} ms in ${(passed / 1000).toFixed(0)} s, from schedstat of every thread`,
            ...(quick ? ['--quick: a few seconds only'] : []),
          ],
        },
      ];
    } finally {
      for (const kept of running) await kept.stop();
      await installed.stop();
    }
  },
};
