// The collector is killed at random moments while several hosts report, and started again, until everything has arrived:
// nothing that was acknowledged is lost, nothing is taken twice. More runs: SELVAGE_FAULT_SEEDS=1,2,3.
import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { verifyChain } from '../../collector/audit/chain.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { type SmallAgent, smallAgent } from './testing/small-agent.ts';

const SEEDS = (process.env.SELVAGE_FAULT_SEEDS ?? '1').split(',').map(Number);
const HOSTS = 3;
const KILLS = 4;
/** Milliseconds that a collector lives, at most, and the work goes on in it. */
const LIFE_MS = 500;
const DEADLINE_MS = 120_000;
const ALL = 100_000;

/** Reports at random moments until `signal`; what the last inventory said. */
async function work(agent: SmallAgent, luck: () => number, signal: AbortSignal): Promise<string> {
  let last = await agent.inventory();
  while (!signal.aborted) {
    if (luck() < 0.3) last = await agent.inventory();
    else agent.result();
    await wait(luck() * 60);
  }

  return last;
}

async function killedUntilDone(collector: RealCollector, agents: readonly SmallAgent[], luck: () => number) {
  const stop = new AbortController();
  const working = agents.map((agent) => work(agent, luck, stop.signal));
  for (let kill = 0; kill < KILLS; kill++) {
    const serving = await collector.serve();
    await wait(luck() * LIFE_MS);
    await serving.kill('SIGKILL');
  }
  stop.abort();
  const last = await Promise.all(working);
  const serving = await collector.serve();
  const done = async () => {
    const waiting = await Promise.all(agents.map((agent) => agent.waiting()));

    return waiting.every(({ messages, results }) => messages === 0 && results === 0) ? true : null;
  };
  await waitFor('everything to be acknowledged', done, DEADLINE_MS, () => agents.map(({ events }) => events.at(-1)));
  await Promise.all(agents.map((agent) => agent.stop()));
  await serving.kill('SIGKILL');

  return last;
}

describe('when the collector is killed at any moment under load', () => {
  it.each(SEEDS)(
    'nothing acknowledged is lost and nothing is applied twice (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const luck = () => random.float();
      const collector = await makeCollector();
      const first = await collector.serve();
      const folder = temporaryFolder('killed');
      const names = Array.from({ length: HOSTS }, (_, number) => `web-${number}`);
      const agents = await Promise.all(names.map((name) => smallAgent(collector, name, folder)));
      await first.kill('SIGKILL');
      const last = await killedUntilDone(collector, agents, luck);

      await collector.withStore(async (store) => {
        const entries = await store.read.audit.after(0, ALL);
        expect(verifyChain(entries).checked).toBe(entries.length);
        expect(entries.filter(({ action }) => action === 'stream.skipped' || action === 'message.refused')).toEqual([]);

        for (const [at, agent] of agents.entries()) {
          const numbers = Array.from({ length: agent.results() }, (_, index) => index + 1);
          const stored = await store.read.results.ofHost(agent.hostId, ALL);
          expect(stored.map(({ result }) => result.number).reverse()).toEqual(numbers);
          const told = entries.filter((e) => e.action === 'result.received' && e.actor === `host:${agent.hostId}`);
          expect(told.map(({ details }) => details.number)).toEqual(numbers);
          const latest = await store.read.inventory.latest(agent.hostId);
          expect(latest?.sections.reboot).toMatchObject({ ok: true, data: { reasons: [last[at]] } });
        }
      });
    },
    2 * DEADLINE_MS,
  );
});
