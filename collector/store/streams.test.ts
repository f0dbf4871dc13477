import type { HostId } from '@selvage/shared/model/ids.ts';
import { describe, expect, it } from 'vitest';
import { AT, hostId, hostSample } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('streams');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when streams advance', () => {
  it('keeps 64-bit positions exactly and never goes back', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    const large = 2n ** 60n + 1n;

    expect(await store.read.streams.position(hostId(1), 'outbox:x')).toBe(0n);
    await store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', large));
    await store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', large));
    const back = store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', large - 1n));
    const beyond = store.transaction((w) => w.streams.advance(hostId(1), 'outbox:x', 2n ** 63n));

    await expect(back).rejects.toThrow(code('STATE'));
    await expect(beyond).rejects.toThrow(code('FRAME_INVALID'));
    expect(await store.read.streams.position(hostId(1), 'outbox:x')).toBe(large);
    expect(await store.read.streams.position(hostId(1), 'outbox:y')).toBe(0n);
  });

  it('tells in one look who sends and where the stream is', async () => {
    const store = await fresh();
    const at = (host: HostId, stream: string) => store.read.streams.sender(host, stream);
    await store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      await w.hosts.add(hostSample(2));
      await w.streams.advance(hostId(1), 'outbox:x', 2n ** 60n + 1n);
      await w.streams.advance(hostId(2), 'outbox:y', 7n);
    });

    expect(await at(hostId(1), 'outbox:x')).toMatchObject({
      ...{
        id: hostId(1),
        name: 'host-1',
        state: 'active',
        acceptedAt: AT,
        quarantined: false,
        position: 2n ** 60n + 1n,
      },
    });
    expect((await at(hostId(1), 'outbox:y'))?.position).toBe(0n);
    expect(await at('nobody' as HostId, 'outbox:x')).toBeNull();
    await store.transaction(async (w) => {
      await w.hosts.quarantine(hostId(1), { at: AT, reason: 'cloned', machines: ['a', 'b'], addresses: [] });
      await w.hosts.revoke(hostId(2), AT);
    });
    expect((await at(hostId(1), 'outbox:x'))?.quarantined).toBe(true);
    expect((await at(hostId(2), 'outbox:y'))?.state).toBe('revoked');
  });

  it('has no streams of hosts that do not exist', async () => {
    const store = await fresh();
    const advanced = store.transaction((w) => w.streams.advance('nobody' as HostId, 'outbox:x', 1n));

    await expect(advanced).rejects.toThrow(code('STORE_FAILED'));
  });
});
