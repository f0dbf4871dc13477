import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { entryHash, GENESIS, verifyChain } from '../audit/chain.ts';
import { AT } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('audit');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when the ledger grows', () => {
  const entry = (subject: string, details = {}) => ({
    at: AT,
    actor: 'admin:ann',
    action: 'test.done',
    subject,
    details,
  });

  it('chains entries without gaps and gives them back as they were hashed', async () => {
    const store = await fresh();
    const first = await store.transaction((w) =>
      w.audit.append(entry('a', { z: 1, a: [null, { b: 'ü' }], u: undefined })),
    );
    const second = await store.transaction((w) => w.audit.append(entry('lone \ud800 surrogate\0')));
    const read = await store.read.audit.after(0, 10);

    expect(read).toEqual([first, second]);
    expect(first).toMatchObject({ sequence: 1, previous: GENESIS });
    expect(second).toMatchObject({ sequence: 2, previous: first.hash, hash: entryHash(second) });
    expect(verifyChain(read).checked).toBe(2);
    expect(await store.read.audit.head()).toEqual(second);
    expect(await store.read.audit.after(1, 10)).toEqual([second]);
  });

  it('takes no details that JSON cannot hold', async () => {
    const store = await fresh();
    const odd = store.transaction((w) => w.audit.append(entry('a', { when: new Date(0) })));

    await expect(odd).rejects.toThrow(code('STORE_FAILED'));
    expect(await store.read.audit.head()).toBeNull();
  });

  it('gives back whatever it took, so that the chain verifies', async () => {
    const store = await fresh();
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const fact = fc.record({ subject: text, details: fc.dictionary(text, fc.jsonValue(), { maxKeys: 4 }) });
    const facts = fc.sample(fact, 300);
    await store.transaction(async (w) => {
      for (const { subject, details } of facts) await w.audit.append(entry(subject, details));
    });
    const read = await store.read.audit.after(0, 1000);

    expect(verifyChain(read).checked).toBe(facts.length);
    expect(read.map(({ subject }) => subject)).toEqual(facts.map(({ subject }) => subject.toWellFormed()));
  });
});
