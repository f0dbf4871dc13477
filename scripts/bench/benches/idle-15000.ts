// 15,000 hosts connected to one collector and idle but for their heartbeats, against the bare server with as many:
// time to accept all, memory, delay of the event loop. One run each; it takes some minutes.
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { Bench, BenchContext } from '../bench.ts';
import { type Fleet, makeFleet } from '../gateway/fleet.ts';
import { addFleet, makeHome, type Probe, type Server, startBare, startOurs } from '../gateway/servers.ts';
import { startSwarm } from '../gateway/swarm.ts';

const CONNECTIONS = 15_000;
const QUICK_CONNECTIONS = 1500;
const CONCURRENCY = 32;
const HEARTBEAT_S = 30;
const SETTLE_MS = 15_000;
/** Milliseconds of idling over which the event loop is watched. */
const IDLE_MS = 60_000;
const QUICK_MS = 5000;
const MIB = 1024 * 1024;

interface Figures {
  readonly openMs: number;
  readonly idle: Probe;
}

export const idle15000: Bench = {
  name: 'idle-15000',
  describe: `${CONNECTIONS} idle connections to one collector`,
  run: async (context) => {
    const count = context.quick ? QUICK_CONNECTIONS : CONNECTIONS;
    context.say(`making ${count} certificates`);
    const { home, authority } = await makeHome(context.folder);
    const fleet = makeFleet(authority, count);
    await addFleet(home, fleet);
    const bare = await measure(await startBare(context.folder, authority), fleet, count, context);
    context.say(`bare: ${told(bare)}`);
    const ours = await measure(await startOurs(context.folder, home, authority), fleet, count, context);
    context.say(`ours: ${told(ours)}`);
    const row = (name: string, unit: string, figure: (figures: Figures) => number) => ({
      name: `idle-15000.${name}`,
      unit,
      ours: figure(ours),
      peer: { name: 'bare ws', value: figure(bare) },
      target: { atMost: 1.3 },
    });

    return [
      row('accept', 's', ({ openMs }) => openMs / 1000),
      row('rss', 'MiB', ({ idle }) => idle.rss / MIB),
      {
        ...row('loop-p99', 'ms', ({ idle }) => idle.p99Ms),
        notes: [`longest delay: ours ${ours.idle.maxMs.toFixed(1)} ms, bare ${bare.idle.maxMs.toFixed(1)} ms`],
      },
    ];
  },
};

async function measure(server: Server, fleet: Fleet, count: number, { folder, quick }: BenchContext): Promise<Figures> {
  try {
    const options = { folder, count, concurrency: CONCURRENCY, heartbeatSeconds: HEARTBEAT_S };
    const swarm = await startSwarm(server, fleet, options);
    await systemClock.sleep(quick ? QUICK_MS : SETTLE_MS);
    // Starts the histogram anew: opening is not idling.
    await server.probe();
    await systemClock.sleep(quick ? QUICK_MS : IDLE_MS);
    const idle = await server.probe();
    await swarm.close();

    return { openMs: swarm.openMs, idle };
  } finally {
    await server.stop();
  }
}

function told({ openMs, idle }: Figures): string {
  return `${(openMs / 1000).toFixed(1)} s to accept, ${(idle.rss / MIB).toFixed(0)} MiB, p99 ${idle.p99Ms.toFixed(2)} ms`;
}
