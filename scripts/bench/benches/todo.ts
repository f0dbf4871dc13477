// `selvage todo` at 10,000 hosts and a million findings: GET /v1/todo over TLS on a real store, right after a start, again with
// nothing changed, after one host has reported, and when everything had to be made anew ahead of the question; then after another
// start, once the collector has done what it does by itself. How long others wait meanwhile is measured beside it.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Events } from '../../../collector/events.ts';
import type { Offer } from '../../../collector/findings/fleet.ts';
import { FleetIndex } from '../../../collector/findings/index.ts';
import { keepFindings } from '../../../collector/findings/keeper.ts';
import { putFeed } from '../../../collector/findings/testing/put-feed.ts';
import type { Store } from '../../../collector/store/ports.ts';
import { openStore } from '../../../collector/store/store.ts';
import { silentLog } from '../../../shared/log/log.ts';
import { seededRandom } from '../../../shared/testing/seeded-random.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { compareVersions } from '../../../shared/versions/list.ts';
import type { Bench } from '../bench.ts';
import { askedApi } from '../findings/api.ts';
import { AT, putFleet, ubuntuRules } from '../findings/fleet.ts';
import { median } from '../median.ts';

const HOSTS = 10_000;
const QUICK_HOSTS = 1000;
const CALLS = 20;
/** Of a hundred CVEs so many. */
const SHARE = 6;
const CALL_MS = 300;
const LOOP_MS = 50;
const P95 = 0.95;
/** Of the fixes that exist, so many are offered; of the others the repository is missing. */
const OFFERED = 0.9;
/** One host of so many listens to everybody. */
const PUBLIC = 5;

export const todo: Bench = {
  name: 'todo',
  describe: 'selvage todo at 10,000 hosts: cold, with nothing changed, and after one host reported',
  run: async ({ folder, say, quick }) => {
    const hosts = quick ? QUICK_HOSTS : HOSTS;
    const store = await openStore({ file: join(folder, 'selvage.db'), clock: systemClock });
    say(`putting ${hosts} hosts into a store`);
    // About a hundred findings a host, as the target says; all of the data would be 1,600.
    const rules = (await ubuntuRules()).filter(({ cves: [cve = ''] }) => Number(cve.slice(-2)) < SHARE);
    await putFeed(store, 'osv-ubuntu', rules, AT);
    await putFleet(store, hosts);
    say('matching them');
    const { fleet, keeper, api, describe } = await begun(store);
    let findings = 0;
    for (const key of fleet.machines.keys()) {
      for (const { id } of fleet.affected(key)) findings += fleet.matches(id).length;
    }

    const delay = monitorEventLoopDelay({ resolution: 1 });
    let bytes = 0;
    const cpu: number[] = [];
    const call = async () => {
      const before = process.cpuUsage();
      const from = performance.now();
      bytes = await api.get('/v1/todo');

      const { user, system } = process.cpuUsage(before);
      cpu.push((user + system) / 1000);

      return performance.now() - from;
    };
    say('asking');
    const turns = longestTurn();
    delay.enable();
    const cold = await call();
    const coldTurn = turns.take();
    const unchanged: number[] = [];
    for (let index = 0; index < CALLS; index += 1) unchanged.push(await call());
    const changed: number[] = [];
    const keys = [...fleet.machines.keys()];
    for (let index = 0; index < CALLS; index += 1) {
      describe(keys[index] ?? '');
      changed.push(await call());
    }
    const warmTurn = turns.take();
    // A new advisory makes everything anew; the collector does so before anybody asks.
    const ready: number[] = [];
    const [id = 0] = fleet.ids();
    for (let index = 0; index < CALLS; index += 1) {
      fleet.putMatches(id, [...fleet.matches(id)]);
      await api.workAhead();
      ready.push(await call());
    }
    const aheadTurn = turns.take();
    turns.stop();
    delay.disable();
    await keeper.close();
    await api.close();
    await store.close();
    say('starting again');
    const started = await afterStart(join(folder, 'selvage.db'));
    const about = `${hosts} hosts, ${findings} findings, an answer of ${Math.round(bytes / 1024)} KiB${quick ? '; --quick: fewer hosts' : ''}`;

    return [
      row('todo.cold', cold, CALL_MS, [about, 'the first call of a collector: facts of all CVEs are read for it']),
      row('todo.started', started, CALL_MS, [
        'the first call after another start, with the list worked out ahead as a collector does two seconds after it has read its fleet',
      ]),
      row('todo.p50', median(changed), CALL_MS, [
        'after each time one host has reported',
        about,
        `processor time: cold ${ms(cpu[0])}, unchanged ${ms(median(cpu.slice(1, CALLS + 1)))}, changed ${ms(median(cpu.slice(CALLS + 1, 2 * CALLS + 1)))}`,
      ]),
      row('todo.ready', median(ready), CALL_MS, [
        'the first call after all was made anew, worked out ahead as a collector does',
        `processor time ${ms(median(cpu.slice(2 * CALLS + 1)))}`,
      ]),
      row('todo.p95', p95(changed), CALL_MS, [
        `unchanged: p50 ${median(unchanged).toFixed(0)} ms, p95 ${p95(unchanged).toFixed(0)} ms`,
      ]),
      row('todo.event-loop', delay.max / 1e6, LOOP_MS, [
        'longest delay of all calls; the client is in the same process',
        `longest turn by processor time: cold ${ms(coldTurn)}, warm ${ms(warmTurn)}, made anew ahead ${ms(aheadTurn)}`,
      ]),
    ];
  },
};

/** Everything that a collector has before anybody asks. */
async function begun(store: Store) {
  const fleet = new FleetIndex();
  const keeper = keepFindings({
    ...{ store, fleet, clock: systemClock, events: new Events(), log: silentLog },
    documents: async () => [],
  });
  await keeper.idle();
  const api = await askedApi(store, fleet);
  const describe = circumstancesOf(fleet);
  for (const key of [...fleet.machines.keys()]) describe(key);

  return { fleet, keeper, api, describe };
}

/** Nothing of the store or the fleet is known from before but the file. */
async function afterStart(file: string): Promise<number> {
  const store = await openStore({ file, clock: systemClock });
  const { keeper, api } = await begun(store);
  await api.workAhead();
  const from = performance.now();
  await api.get('/v1/todo');
  const took = performance.now() - from;
  await keeper.close();
  await api.close();
  await store.close();

  return took;
}

function row(name: string, ours: number, atMost: number, notes: readonly string[]) {
  return { name, unit: 'ms', ours, peer: null, target: { atMost }, notes };
}

/** Processor time of this thread between two turns of its loop: what a busy machine adds to it is no fault of the work. */
function longestTurn(): { take(): number; stop(): void } {
  let longest = 0;
  let last = spent();
  let next = setImmediate(turn);
  function turn() {
    const now = spent();
    longest = Math.max(longest, now - last);
    last = now;
    next = setImmediate(turn);
  }

  return {
    take: () => {
      const found = longest;
      longest = 0;

      return found;
    },
    stop: () => clearImmediate(next),
  };
}

function spent(): number {
  const { user, system } = process.threadCpuUsage();

  return (user + system) / 1000;
}

function ms(value: number | undefined): string {
  return `${(value ?? Number.NaN).toFixed(0)} ms`;
}

function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * P95) - 1] ?? Number.NaN;
}

/** What a host says beside its packages: what it is offered, and what listens. Asked again, it says the same in another object. */
function circumstancesOf(fleet: FleetIndex): (key: string) => void {
  const random = seededRandom(7);
  const offers = new Map<number, Offer | null>();
  for (const id of fleet.ids()) {
    const { source, ecosystem } = fleet.software(id);
    const fixed = fleet
      .matches(id)
      .flatMap(({ fixed, pocket }) => (fixed !== null && pocket === null ? [fixed] : []))
      .toSorted((a, b) => compareVersions(ecosystem, a, b) ?? 0)
      .at(-1);
    const isOffered = fixed !== undefined && random.float() < OFFERED;
    offers.set(id, isOffered ? { provider: 'apt', source, version: fixed, security: true, held: false } : null);
  }

  return (key) => {
    const machine = fleet.machines.get(key);
    if (!machine) return;
    const socket = { source: 'openssl', port: 443, protocol: 'tcp' as const, pid: 1, program: 'nginx' };
    fleet.describeMachine(
      { ...machine, labels: { criticality: random.float() < 1 / PUBLIC ? ['high'] : ['internal'] } },
      {
        offers: fleet.affected(key).flatMap(({ id }) => offers.get(id) ?? []),
        listening: [{ ...socket, address: random.float() < 1 / PUBLIC ? '0.0.0.0' : '127.0.0.1' }],
        stillRunning: [],
      },
    );
  };
}
