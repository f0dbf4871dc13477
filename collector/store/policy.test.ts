import { describe, expect, it } from 'vitest';
import { hashOf } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('policy');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when policy files are kept', () => {
  const file = (name: string, content: string) => ({ name, sha256: hashOf(content), content: Buffer.from(content) });
  const timestamp = (version: number) => file('timestamp.json', JSON.stringify({ signed: { version } }));
  const target = 'policy/windows/x.json';

  it('replaces metadata by name, keeps targets by hash and refuses a push from behind', async () => {
    const store = await fresh();
    await store.transaction((w) => w.policy.put([timestamp(5), file(target, 'old')], 0));
    await store.transaction((w) => w.policy.put([timestamp(6), file(target, 'new')], 5));
    const late = store.transaction((w) => w.policy.put([timestamp(6), file(target, 'late')], 5));

    await expect(late).rejects.toThrow(code('POLICY_CONFLICT'));
    expect(await store.read.policy.file(target, hashOf('old'))).toEqual(new Uint8Array(Buffer.from('old')));
    expect(await store.read.policy.file(target)).toEqual(new Uint8Array(Buffer.from('new')));
    expect(await store.read.policy.file(target, hashOf('late'))).toBeNull();
    expect(await store.read.policy.file('timestamp.json')).toEqual(new Uint8Array(timestamp(6).content));
    expect((await store.read.policy.names()).filter(({ name }) => name === 'timestamp.json')).toHaveLength(1);
  });

  it('prunes targets that are not kept, never metadata', async () => {
    const store = await fresh();
    await store.transaction(async (w) => {
      await w.policy.put([timestamp(1), file('1.root.json', 'r'), file(target, 'old'), file(target, 'new')], 0);
      await w.policy.prune([{ name: target, sha256: hashOf('new') }]);
    });

    expect((await store.read.policy.names()).map(({ sha256 }) => sha256).sort()).toEqual(
      [timestamp(1).sha256, hashOf('r'), hashOf('new')].sort(),
    );
  });

  it('refuses content that is not what its hash says', async () => {
    const store = await fresh();
    const bad = { ...file(target, 'a'), sha256: hashOf('b') };

    await expect(store.transaction((w) => w.policy.put([bad], 0))).rejects.toThrow(code('STORE_FAILED'));
  });
});
