import { describe, expect, it } from 'vitest';
import { AT, hostId, hostSample, LATER, resultSample } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('results');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when results are kept', () => {
  const signed = (bytes: string) => ({ payload: Buffer.from(bytes), signature: Buffer.from('s') });

  it('counts a result once however often it comes, and loses none that differs', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    for (const bytes of ['a', 'a', 'b']) {
      await store.transaction((w) => w.results.put(hostId(1), AT, resultSample(1), signed(bytes)));
    }
    await store.transaction((w) => w.results.put(hostId(1), LATER, resultSample(2), signed('c')));

    expect((await store.read.results.ofHost(hostId(1), 10)).map(({ result }) => result.number)).toEqual([2, 1, 1]);
    expect(await store.read.results.ofHost(hostId(1), 1)).toEqual([
      { host: hostId(1), receivedAt: LATER, result: resultSample(2) },
    ]);
    expect(await store.read.results.ofApproval('openssl-3')).toHaveLength(3);
    expect(await store.read.results.ofApproval('other')).toEqual([]);
  });

  it('refuses a result that names another host', async () => {
    const store = await fresh();
    await store.transaction((w) => w.hosts.add(hostSample(2)));
    const put = store.transaction((w) => w.results.put(hostId(2), AT, resultSample(1), signed('a')));

    await expect(put).rejects.toThrow(code('FRAME_WRONG_HOST'));
  });
});
