import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { describe, expect, it } from 'vitest';
import { countStates } from '../host-state.ts';
import { AT, hashOf, hostId, hostSample, LATER } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('hosts');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when hosts are kept', () => {
  it('gives them back whole, by id and by name', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));

    expect(await store.read.hosts.byId(hostId(1))).toEqual(hostSample(1));
    expect(await store.read.hosts.byName('host-1')).toEqual(hostSample(1));
    expect(await store.read.hosts.byId(hostId(9))).toBeNull();
  });

  it('lets one active host have a name, and a new one after a revocation', async () => {
    const store = await fresh();
    const twin = hostSample(2, { name: 'host-1' });
    await store.transaction((w) => w.hosts.add(hostSample(1)));

    await expect(store.transaction((w) => w.hosts.add(twin))).rejects.toThrow(code('ALREADY_EXISTS'));
    await store.transaction((w) => w.hosts.revoke(hostId(1), LATER));
    expect((await store.read.hosts.byName('host-1'))?.revokedAt).toBe(LATER);
    await store.transaction((w) => w.hosts.add(twin));

    expect((await store.read.hosts.byName('host-1'))?.id).toBe(hostId(2));
    expect(await store.read.hosts.list()).toHaveLength(2);
  });

  it('lists each as it is now, and what is the same once for all who ask', async () => {
    const store = await fresh();
    await store.transaction(async ({ hosts }) => {
      for (const number of [1, 2, 3, 4]) await hosts.add(hostSample(number));
    });
    const [before] = await store.read.hosts.list();
    await store.transaction(async ({ hosts }) => {
      await hosts.revoke(hostId(2), LATER);
      await hosts.describe(hostId(3), { labels: { tier: ['web'] } });
      await hosts.add(hostSample(5));
    });
    const listed = await store.read.hosts.list();

    expect(listed[0]).toBe(before);
    expect(listed.map(({ state }) => state)).toEqual(['active', 'revoked', 'active', 'active', 'active']);
    expect(listed[2]?.labels).toEqual({ tier: ['web'] });
    // Read by another, who has listed none of them before.
    expect(await store.transaction(({ hosts }) => hosts.list())).toEqual(listed);
  });

  it('never takes the same id twice, also when it is revoked', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    await store.transaction((w) => w.hosts.revoke(hostId(1), LATER));

    await expect(store.transaction((w) => w.hosts.add(hostSample(1)))).rejects.toThrow(code('ALREADY_EXISTS'));
  });

  it('keeps the first time of a revocation and lets a revoked host change nothing', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    await store.transaction((w) => w.hosts.revoke(hostId(1), AT));
    await store.transaction((w) => w.hosts.revoke(hostId(1), LATER));
    const seen = store.transaction((w) => w.hosts.seen(hostId(1), LATER, { agentVersion: '1', mode: 'observe' }));
    const renewed = store.transaction((w) => w.hosts.renewCertificate(hostId(1), hashOf('new'), LATER));

    await expect(seen).rejects.toThrow(code('HOST_REVOKED'));
    await expect(renewed).rejects.toThrow(code('HOST_REVOKED'));
    expect(await store.read.hosts.byId(hostId(1))).toMatchObject({ state: 'revoked', revokedAt: AT, lastSeen: null });
  });

  it('notes what a connection says', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    await store.transaction((w) => w.hosts.seen(hostId(1), LATER, { agentVersion: '0.2', mode: 'advise' }));
    await store.transaction((w) => w.hosts.renewCertificate(hostId(1), hashOf('new'), AT));

    expect(await store.read.hosts.byId(hostId(1))).toMatchObject({
      lastSeen: LATER,
      agentVersion: '0.2',
      mode: 'advise',
      certificate: hashOf('new'),
      certificateExpires: AT,
    });
  });

  it('refuses a record that could not be read again', async () => {
    const store = await fresh();
    const bad = hostSample(1, { enrolledAt: 'yesterday' as Timestamp });

    await expect(store.transaction((w) => w.hosts.add(bad))).rejects.toThrow(code('STORE_FAILED'));
    expect(await store.read.hosts.list()).toEqual([]);
  });
});

describe('when the identity of a host changes', () => {
  const next = {
    ...{ certificate: hashOf('next'), expires: LATER, key: hashOf('key'), authority: hashOf('authority'), pem: 'PEM' },
  };
  const quarantine = { at: AT, reason: 'cloned', machines: ['machine-1', 'other'], addresses: ['192.0.2.1'] } as const;
  const withHost = async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));

    return { store, host: async () => await store.read.hosts.byId(hostId(1)) };
  };

  it('keeps an offer beside the current certificate, by either key, until it is used', async () => {
    const { store, host } = await withHost();
    await store.transaction((w) => w.hosts.offer(hostId(1), next));
    expect(await host()).toEqual(hostSample(1, { next }));
    expect((await store.read.hosts.byKey(next.key))?.id).toBe(hostId(1));

    await store.transaction((w) => w.hosts.promote(hostId(1)));
    const { certificate, expires: certificateExpires, key, authority } = next;
    expect(await host()).toEqual(hostSample(1, { certificate, certificateExpires, key, authority }));
    expect((await store.read.hosts.byKey(next.key))?.id).toBe(hostId(1));
    await expect(store.transaction((w) => w.hosts.promote(hostId(1)))).rejects.toThrow(code('STATE'));
  });

  it('a quarantine ends what was offered and what was opened; a readmission ends it and settles the machine', async () => {
    const { store, host } = await withHost();
    const door = { until: LATER, machine: 'other' };
    await store.transaction(async (w) => {
      await w.hosts.readmit(hostId(1), AT, { until: LATER, machine: null });
      await w.hosts.offer(hostId(1), next);
      await w.hosts.quarantine(hostId(1), quarantine);
    });
    expect(await host()).toEqual(hostSample(1, { quarantine, settledAt: AT }));

    await store.transaction((w) => w.hosts.readmit(hostId(1), LATER, door));
    expect(await host()).toEqual(hostSample(1, { readmit: door, settledAt: LATER, machineId: 'other' }));
  });

  it('a knock stays for the ledger to count by when it was answered', async () => {
    const { store, host } = await withHost();
    const knock = { at: LATER, address: '192.0.2.9', code: 'HOST_AWAY_TOO_LONG', entered: AT } as const;
    await store.transaction((w) => w.hosts.knock(hostId(1), knock));
    expect((await host())?.knock).toEqual(knock);
    await store.transaction((w) => w.hosts.readmit(hostId(1), AT, { until: LATER, machine: null }));

    expect((await host())?.knock).toEqual({ ...knock, answered: true });
  });

  it('a revoked host gets nothing of it, and a record that could not be read again is refused', async () => {
    const { store, host } = await withHost();
    const bad = { ...quarantine, at: 'yesterday' as Timestamp };
    await expect(store.transaction((w) => w.hosts.quarantine(hostId(1), bad))).rejects.toThrow(code('STORE_FAILED'));
    await store.transaction((w) => w.hosts.revoke(hostId(1), AT));
    for (const change of [
      () => store.transaction((w) => w.hosts.offer(hostId(1), next)),
      () => store.transaction((w) => w.hosts.quarantine(hostId(1), quarantine)),
      () => store.transaction((w) => w.hosts.readmit(hostId(1), AT, { until: LATER, machine: null })),
    ]) {
      await expect(change()).rejects.toThrow(code('HOST_REVOKED'));
    }
    expect(await host()).toMatchObject({ next: null, quarantine: null, readmit: null });
  });
});

describe('when hosts wait, are let in, and are no more', () => {
  it('pending ones are listed in the order in which they came, and counted apart', async () => {
    const store = await fresh();
    await store.transaction(async ({ hosts }) => {
      for (const number of [2, 1, 3, 4, 5]) await hosts.add(hostSample(number, { acceptedAt: null }));
      await hosts.accept(hostId(1), LATER);
      await hosts.revoke(hostId(4), LATER);
      await hosts.retire(hostId(5), LATER);
    });

    expect((await store.read.hosts.pending()).map(({ id }) => id)).toEqual([hostId(2), hostId(3)]);
    expect(countStates(await store.read.hosts.tally())).toEqual({ pending: 2, active: 1, revoked: 1, retired: 1 });
    expect(countStates(await store.read.hosts.list())).toEqual({ pending: 2, active: 1, revoked: 1, retired: 1 });
  });

  it('accepting keeps the first time, and a revoked one is not let in', async () => {
    const store = await fresh();
    await store.transaction(async ({ hosts }) => {
      for (const number of [1, 2]) await hosts.add(hostSample(number, { acceptedAt: null }));
      await hosts.accept(hostId(1), AT);
      await hosts.accept(hostId(1), LATER);
      await hosts.retire(hostId(2), AT);
    });

    expect(await store.read.hosts.byId(hostId(1))).toMatchObject({ acceptedAt: AT });
    await expect(store.transaction(({ hosts }) => hosts.accept(hostId(2), LATER))).rejects.toThrow(
      code('HOST_REVOKED'),
    );
  });

  it('owner and labels stay apart, stay with a retired one, and come back as they were written', async () => {
    const store = await fresh();
    const labels = { tier: ['web', '<b>"\'</b>'], constructor: ['x'] };
    await store.transaction(async ({ hosts }) => {
      await hosts.add(hostSample(1));
      await hosts.describe(hostId(1), { owner: 'ann' });
      await hosts.describe(hostId(1), { labels });
      await hosts.retire(hostId(1), LATER);
    });

    expect(await store.read.hosts.byId(hostId(1))).toMatchObject({
      owner: 'ann',
      labels,
      revokedAt: LATER,
      retiredAt: LATER,
    });
  });

  it('the ones of a machine are found while they may connect, and who took a place', async () => {
    const store = await fresh();
    await store.transaction(async ({ hosts }) => {
      await hosts.add(hostSample(1, { name: 'a', machineId: 'm' }));
      await hosts.add(hostSample(2, { name: 'b', machineId: 'm', acceptedAt: null }));
      await hosts.retire(hostId(1), LATER);
      await hosts.add(hostSample(3, { name: 'a', machineId: 'n', replaces: hostId(1) }));
    });

    expect((await store.read.hosts.byMachine('m')).map(({ id }) => id)).toEqual([hostId(2)]);
    expect(await store.read.hosts.successor(hostId(1))).toMatchObject({ id: hostId(3) });
    expect(await store.read.hosts.successor(hostId(3))).toBeNull();
  });
});
