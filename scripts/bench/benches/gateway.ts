// Memory of a live connection and CPU of a handshake (to the first answer), against a bare `ws` server over the same
// mutual TLS. A first, smaller swarm warms both up; the figures are the medians of runs that take turns.
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { Bench, BenchContext, Row } from '../bench.ts';
import { type Fleet, makeFleet } from '../gateway/fleet.ts';
import { addFleet, makeHome, type Server, startBare, startOurs } from '../gateway/servers.ts';
import { startSwarm } from '../gateway/swarm.ts';
import { median } from '../median.ts';

const CONNECTIONS = 3000;
const WARM_UP = 300;
const CONCURRENCY = 32;
const RUNS = 3;
/** Milliseconds for garbage and buffers of the opening to go. */
const SETTLE_MS = 15_000;
const CLOSED_MS = 3000;
const KIB = 1024;
/** What `selvage serve` starts itself with; see collector/bin/selvage.mjs. */
const SERVE_FLAGS = ['--max-semi-space-size=8'];

interface Figures {
  readonly kibPerConnection: number;
  readonly cpuMsPerHandshake: number;
}

export const gateway: Bench = {
  name: 'gateway',
  describe: `${CONNECTIONS} live connections: memory of each, CPU of each handshake`,
  run: async (context) => {
    const count = context.quick ? WARM_UP : CONNECTIONS;
    const { home, authority } = await makeHome(context.folder);
    const fleet = makeFleet(authority, CONNECTIONS);
    await addFleet(home, fleet);
    const ours: Figures[] = [];
    const bare: Figures[] = [];

    for (let run = 1; run <= (context.quick ? 1 : RUNS); run++) {
      bare.push(await measure(await startBare(context.folder, authority), fleet, count, context));
      ours.push(await measure(await startOurs(context.folder, home, authority), fleet, count, context));
      context.say(`run ${run}: ours ${told(ours.at(-1))}, bare ${told(bare.at(-1))}`);
    }

    const flagged = context.quick
      ? null
      : await measure(await startBare(context.folder, authority, SERVE_FLAGS), fleet, count, context);
    const equal =
      flagged === null ? [] : [`bare ws with the flag of ours (${SERVE_FLAGS.join(' ')}): ${told(flagged)}`];

    return [
      row('gateway.rss', 'KiB', ours.map(memory), bare.map(memory), 1.15, equal),
      row('gateway.cpu', 'ms', ours.map(cpu), bare.map(cpu), 1.25, []),
    ];
  },
};

const memory = ({ kibPerConnection }: Figures) => kibPerConnection;
const cpu = ({ cpuMsPerHandshake }: Figures) => cpuMsPerHandshake;

function row(
  name: string,
  unit: string,
  ours: readonly number[],
  bare: readonly number[],
  atMost: number,
  more: readonly string[],
): Row {
  return {
    name,
    unit,
    ours: median(ours),
    peer: { name: 'bare ws', value: median(bare) },
    target: { atMost },
    notes: [
      `ours ${ours.map((value) => value.toFixed(2)).join(', ')}; bare ${bare.map((v) => v.toFixed(2)).join(', ')}`,
      ...more,
    ],
  };
}

async function measure(server: Server, fleet: Fleet, count: number, { folder, quick }: BenchContext): Promise<Figures> {
  const options = { folder, concurrency: CONCURRENCY, heartbeatSeconds: 30 };

  try {
    const warm = await startSwarm(server, fleet, { ...options, count: WARM_UP });
    await warm.close();
    await systemClock.sleep(CLOSED_MS);
    const before = await server.probe();
    const swarm = await startSwarm(server, fleet, { ...options, count });
    const open = await server.probe();
    await systemClock.sleep(quick ? CLOSED_MS : SETTLE_MS);
    const settled = await server.probe();
    await swarm.close();

    return {
      kibPerConnection: (settled.rss - before.rss) / KIB / count,
      cpuMsPerHandshake: (open.cpuMs - before.cpuMs) / count,
    };
  } finally {
    await server.stop();
  }
}

function told(figures: Figures | undefined): string {
  return figures
    ? `${figures.kibPerConnection.toFixed(1)} KiB and ${figures.cpuMsPerHandshake.toFixed(2)} ms a connection`
    : 'nothing';
}
