import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { expect, it } from 'vitest';
import type { SightedHost, Store } from '../store/ports.ts';
import { hostId, hostSample } from '../store/samples.ts';
import { freshStores } from '../store/testing/fresh-store.ts';
import { createSightings } from './sightings.ts';

const freshStore = freshStores('sightings');
const sighted = (number: number, over: Partial<SightedHost> = {}): SightedHost => ({
  id: hostId(number),
  at: '2026-03-01T13:00:00Z' as Timestamp,
  agentVersion: '0.2',
  mode: 'managed',
  address: '10.0.0.1',
  clockSkewMs: -12,
  authorities: [],
  understands: null,
  ...over,
});

async function make(hosts: number) {
  const store = await freshStore();
  await store.transaction(async (writers) => {
    for (let number = 1; number <= hosts; number++) await writers.hosts.add(hostSample(number));
  });
  let transactions = 0;
  const counted: Store = {
    ...store,
    transaction: (work) => {
      transactions += 1;

      return store.transaction(work);
    },
  };

  return { store, sightings: createSightings(counted), transactions: () => transactions };
}

it('every host that is seen at the same time is committed when its promise resolves, in few transactions', async () => {
  const { store, sightings, transactions } = await make(100);
  await Promise.all(Array.from({ length: 100 }, (_, index) => sightings.note(sighted(index + 1))));

  expect(transactions()).toBe(1);
  // What it can read is as it said last: after a downgrade of the agent nothing is left of it.
  await sightings.note(sighted(2, { understands: ['Window', 'collector-*'] }));
  expect(await store.read.hosts.byId(hostId(2))).toMatchObject({ understands: ['Window', 'collector-*'] });
  await sightings.note(sighted(3, { understands: [] }));
  expect(await store.read.hosts.byId(hostId(3))).toMatchObject({ understands: [] });
  await sightings.note(sighted(2));
  expect(await store.read.hosts.byId(hostId(2))).toMatchObject({ understands: null });
  for (const host of await store.read.hosts.list()) {
    expect(host).toMatchObject({
      lastSeen: sighted(1).at,
      lastAddress: '10.0.0.1',
      clockSkewMs: -12,
      agentVersion: '0.2',
    });
  }
});

it('one that comes while a commit is under way is in the next', async () => {
  const { store } = await make(2);
  const begun: number[] = [];
  let sightings = createSightings(store);
  let second: Promise<void> | null = null;
  const slow: Store = {
    ...store,
    transaction: async (work) => {
      begun.push(begun.length + 1);
      second ??= sightings.note(sighted(2, { address: '10.0.0.2', clockSkewMs: null }));

      return store.transaction(work);
    },
  };
  sightings = createSightings(slow);
  await sightings.note(sighted(1));
  await second;

  expect(begun).toEqual([1, 2]);
  expect(await store.read.hosts.byId(hostId(2))).toMatchObject({ lastAddress: '10.0.0.2', clockSkewMs: null });
});

it('a host that was revoked meanwhile is passed over and disturbs nobody', async () => {
  const { store, sightings } = await make(2);
  await store.transaction(({ hosts }) => hosts.revoke(hostId(1), sighted(1).at));
  await Promise.all([sightings.note(sighted(1)), sightings.note(sighted(2))]);

  expect(await store.read.hosts.byId(hostId(1))).toMatchObject({ lastSeen: null });
  expect(await store.read.hosts.byId(hostId(2))).toMatchObject({ lastSeen: sighted(2).at });
});

it('a store that fails is told to all who waited, and the next commit is tried anew', async () => {
  const { store } = await make(1);
  let broken = true;
  const failing: Store = {
    ...store,
    transaction: (work) => (broken ? Promise.reject(new Error('disk')) : store.transaction(work)),
  };
  const sightings = createSightings(failing);
  const both = [sightings.note(sighted(1)), sightings.note(sighted(1))];
  await expect(both[0]).rejects.toThrow('disk');
  await expect(both[1]).rejects.toThrow('disk');
  broken = false;
  await sightings.note(sighted(1));

  expect(await store.read.hosts.byId(hostId(1))).toMatchObject({ lastSeen: sighted(1).at });
});
