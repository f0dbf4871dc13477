import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { describe, expect, it } from 'vitest';
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
