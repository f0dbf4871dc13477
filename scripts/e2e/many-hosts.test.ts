// The first hour of a fleet: many hosts with one token, real enrollment and connections over real TLS against `selvage serve`.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exchange } from '@selvage/shared/pki/https.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { enrollOne, type Linked, link } from '../fleet/agent.ts';
import { enrollFleet, type FleetOptions, linkFleet } from '../fleet/fleet.ts';
import { documentOf, succeeded } from '../lab/commands.ts';
import { makeCollector, type RealCollector, type TokenDocument } from './testing/collector.ts';

const DEADLINE_MS = 600_000;
/** In memory where that can be: a thousand agents have a thousand disks, this machine has one. */
const DISKS = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const stopping: Linked[] = [];
const folders: string[] = [];
afterAll(async () => {
  await Promise.all(stopping.map((linked) => linked.stop()));
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function diskFor(): string {
  const folder = mkdtempSync(join(DISKS, 'selvage-fleet-'));
  folders.push(folder);

  return folder;
}

async function serving(): Promise<RealCollector> {
  const collector = await makeCollector();
  await collector.serve();

  return collector;
}

async function tokenFor(collector: RealCollector, uses: number): Promise<string> {
  return documentOf<TokenDocument>(await collector.selvage(['token', 'create', '--uses', `${uses}`, '--json'])).token;
}

function fleetOf(collector: RealCollector, token: string, over: Partial<FleetOptions>): FleetOptions {
  return {
    ...{ url: collector.gateway, pin: collector.pin, token, mode: 'observe', prefix: 'node', count: 1 },
    folder: diskFor(),
    ...over,
  };
}

interface Listed {
  readonly hosts: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly inventoryAt: string | null;
  }[];
}

async function listed(collector: RealCollector): Promise<Listed['hosts']> {
  return documentOf<Listed>(await collector.selvage(['host', 'list', '--json'])).hosts;
}

describe('when fifty hosts come with one token', () => {
  it('each enrolls, is seen with its inventory while it waits, and is accepted with the others by what they are', async () => {
    const collector = await serving();
    const options = fleetOf(collector, await tokenFor(collector, 50), { count: 50 });
    const { hosts, failed } = await enrollFleet(options);
    const linked = await linkFleet(hosts, options);
    stopping.push(...linked);
    await Promise.all(linked.map(({ delivered }) => delivered));
    const waiting = await listed(collector);

    expect(failed).toEqual({});
    expect(waiting).toHaveLength(50);
    expect(new Set(waiting.map(({ state, inventoryAt }) => `${state} ${inventoryAt !== null}`))).toEqual(
      new Set(['pending true']),
    );

    succeeded(await collector.selvage(['host', 'accept', '--select', 'os=debian-12 and name=node-004*']));
    const accepted = (await listed(collector)).filter(({ state }) => state === 'active').map(({ name }) => name);
    expect(accepted.sort()).toEqual(Array.from({ length: 10 }, (_, index) => `node-00${40 + index}`));

    // Who comes after the last use is told, and told at once: this is nothing that passes.
    const late = await enrollFleet({ ...options, prefix: 'late', count: 2 });
    expect(late).toMatchObject({ hosts: [], failed: { TOKEN_USED: 2 } });
  });
});

describe('when a thousand come at once, half of them from one address', () => {
  it(
    'as many as the token has uses are taken, each once, the others refused, and who was there already notices nothing',
    async () => {
      const collector = await serving();
      const [uses, count] = [990, 1000];
      const early = fleetOf(collector, await tokenFor(collector, 1), {});
      const there = await link(await enrollOne('there', early), early);
      stopping.push(there);
      await there.delivered;
      const before = there.events.length;
      const over = new AbortController();
      const asking = keepAsking(collector, over.signal);

      const token = await tokenFor(collector, uses);
      const from = ['127.0.0.2', '127.0.0.3', '127.0.0.2', '127.0.0.4'];
      const { hosts, failed } = await enrollFleet(fleetOf(collector, token, { count, from }));
      over.abort();
      const known = await listed(collector);

      expect(failed).toEqual({ TOKEN_USED: count - uses });
      expect(new Set(hosts.map(({ hostId }) => hostId)).size).toBe(uses);
      const came = known.filter(({ name }) => name.startsWith('node-'));
      expect(came.map(({ id, name }) => `${id} ${name}`).sort()).toEqual(
        hosts.map(({ hostId, name }) => `${hostId} ${name}`).sort(),
      );
      expect(await asking).toBeGreaterThan(0);
      expect(there.events.slice(before).filter(({ type }) => type === 'disconnected')).toEqual([]);
    },
    DEADLINE_MS,
  );
});

/** Asks as a newcomer would, over and over; how often it was answered. Rejects when once it is not. */
async function keepAsking({ gateway }: RealCollector, signal: AbortSignal): Promise<number> {
  let answers = 0;
  for (; !signal.aborted; answers++) {
    await exchange({ url: gateway, path: '/v1/trust', method: 'GET', trust: 'none', deadlineMs: DEADLINE_MS });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  return answers;
}
