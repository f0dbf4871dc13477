// Proposals of the release before, which nobody had signed, beside those that several sign.
import { join } from 'node:path';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Signing } from './proposal-ports.ts';
import { AT } from './samples.ts';
import { openStore } from './store.ts';

const clock = fakeClock(AT);
/** The first schema with proposals. */
const WITHOUT_SIGNATURES = 9;
const at = AT as Timestamp;
const signing: Signing = {
  signers: [{ keyId: 'a', by: 'admin:ann', at }],
  requirements: [{ file: '2.policy.json', threshold: 2, keys: ['a', 'b'], signed: ['a'] }],
  ends: at,
};
const files = [{ name: '2.policy.json', content: '{"signed":{}}' }];

it('proposals that wait since before are read as ever, and take signatures; what is closed keeps none', async () => {
  const file = join(temporaryFolder('proposals'), 'store.sqlite');
  const before = new SQLite(file);
  migrate(before, { migrations: MIGRATIONS.slice(0, WITHOUT_SIGNATURES), clock, file });
  const add = before.prepare(
    "insert into proposals (note, documents, removed, proposedBy, proposedAt) values (?, '[]', '[]', 'admin:ann', ?)",
  );
  for (const note of ['old', 'other']) add.run(note, AT);
  before.close();
  const store = await openStore({ file, clock, existing: true });

  expect(await store.read.proposals.list(0)).toMatchObject([
    { number: 1, note: 'old', signing: null, outcome: null },
    { number: 2, note: 'other', signing: null, outcome: null },
  ]);
  expect([await store.read.proposals.files(1), await store.read.proposals.filesSize()]).toEqual([[], 0]);
  await store.transaction(({ proposals }) => proposals.keepSigning(1, signing, files));
  expect(await store.read.proposals.byNumber(1)).toMatchObject({ signing });
  expect(await store.read.proposals.files(1)).toEqual(files);
  expect(await store.read.proposals.filesSize()).toBe(JSON.stringify(files).length);

  await store.transaction(({ proposals }) =>
    proposals.close(1, { outcome: 'declined', reason: '', by: 'admin:bob', at }),
  );
  expect(await store.read.proposals.byNumber(1)).toMatchObject({ outcome: 'declined', signing: null });
  expect([await store.read.proposals.files(1), await store.read.proposals.filesSize()]).toEqual([[], 0]);
  await expect(store.transaction(({ proposals }) => proposals.keepSigning(1, signing, files))).rejects.toThrow(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
  expect(await store.read.proposals.files(99)).toEqual([]);
  await store.close();
});
