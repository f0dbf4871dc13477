import type { HostId } from '@selvage/shared/model/ids.ts';
import { describe, expect, it } from 'vitest';
import { hostId, hostSample } from './samples.ts';
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

  it('has no streams of hosts that do not exist', async () => {
    const store = await fresh();
    const advanced = store.transaction((w) => w.streams.advance('nobody' as HostId, 'outbox:x', 1n));

    await expect(advanced).rejects.toThrow(code('STORE_FAILED'));
  });
});
