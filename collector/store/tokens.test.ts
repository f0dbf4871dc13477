import { describe, expect, it } from 'vitest';
import { AT, hashOf, hostId, LATER, tokenSample } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('tokens');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when tokens are used', () => {
  const use = { at: LATER, key: hashOf('key'), for: hostId(1) };

  it('is used once; the same key may ask again, another may not', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a')));
    await store.transaction((w) => w.tokens.use('a', use));
    await store.transaction((w) => w.tokens.use('a', use));
    const other = store.transaction((w) => w.tokens.use('a', { ...use, key: hashOf('other') }));

    await expect(other).rejects.toThrow(code('TOKEN_USED'));
    expect(await store.read.tokens.byId('a')).toEqual(
      tokenSample('a', { used: 1, usedAt: LATER, usedByKey: use.key, usedFor: hostId(1) }),
    );
  });

  it('lets exactly one of many at the same moment have it', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a')));
    const asked = Array.from({ length: 20 }, (_, index) =>
      store.transaction((w) => w.tokens.use('a', { ...use, key: hashOf(`key-${index}`) })),
    );
    const answers = await Promise.allSettled(asked);

    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('says revoked and unknown apart', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a')));
    await store.transaction((w) => w.tokens.revoke('a', AT));

    await expect(store.transaction((w) => w.tokens.use('a', use))).rejects.toThrow(code('TOKEN_REVOKED'));
    await expect(store.transaction((w) => w.tokens.use('b', use))).rejects.toThrow(code('TOKEN_UNKNOWN'));
    await expect(store.transaction((w) => w.tokens.add(tokenSample('a')))).rejects.toThrow(code('ALREADY_EXISTS'));
    expect(await store.read.tokens.list()).toHaveLength(1);
  });
});

describe('when a token is for several hosts', () => {
  it('it counts keys, each once, up to its uses, and keeps no single user', async () => {
    const store = await fresh();
    const said = {
      uses: 3,
      networks: ['10.20.0.0/16', '2001:db8::/32'],
      labels: { tier: ['web'] },
      mode: 'advise',
    } as const;
    await store.transaction((w) => w.tokens.add(tokenSample('a', said)));
    const use = (key: string, number: number) =>
      store.transaction((w) => w.tokens.use('a', { at: LATER, key: hashOf(key), for: hostId(number) }));
    for (const [key, number] of [
      ['x', 1],
      ['x', 1],
      ['y', 2],
      ['z', 3],
    ] as const) {
      await use(key, number);
    }

    await expect(use('w', 4)).rejects.toThrow(code('TOKEN_USED'));
    await expect(use('x', 5)).rejects.toThrow(code('TOKEN_USED'));
    expect(await store.read.tokens.byId('a')).toEqual(tokenSample('a', { ...said, used: 3 }));
    expect(await store.read.tokens.useBy('a', hashOf('y'))).toEqual({
      ...{ token: 'a', key: hashOf('y'), host: hostId(2), at: LATER },
    });
    expect(await store.read.tokens.useBy('a', hashOf('w'))).toBeNull();
  });

  it('one for an admin is used once, and counts as that', async () => {
    const store = await fresh();
    await store.transaction((w) => w.tokens.add(tokenSample('a', { kind: 'admin', boundTo: 'ann' })));
    await store.transaction((w) => w.tokens.use('a', { at: LATER, key: hashOf('x'), for: 'ann' }));

    expect(await store.read.tokens.list()).toMatchObject([{ used: 1, usedFor: 'ann' }]);
    expect(await store.read.tokens.useBy('a', hashOf('x'))).toMatchObject({ host: 'ann' });
  });
});
