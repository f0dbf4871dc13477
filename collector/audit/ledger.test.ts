import { join } from 'node:path';
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import type { AuditEntry, AuditReader } from '../store/ports.ts';
import { openStore } from '../store/store.ts';
import { entryHash, GENESIS, START } from './chain.ts';
import { verifyLedger } from './ledger.ts';

const AT = '2026-03-01T12:00:00Z' as Timestamp;
const folder = temporaryFolder('ledger');

/** A reader over entries, as the store pages them. */
function readerOf(entries: readonly AuditEntry[]): Pick<AuditReader, 'after' | 'head'> {
  return {
    after: async (sequence, limit) => entries.filter((entry) => entry.sequence > sequence).slice(0, limit),
    head: async () => entries.at(-1) ?? null,
  };
}

function chain(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let sequence = 1; sequence <= length; sequence++) {
    const previous = entries.at(-1)?.hash ?? GENESIS;
    const body = { sequence, at: AT, actor: 'a', action: 'b', subject: 'c', details: { sequence }, previous };
    entries.push({ ...body, hash: entryHash(body) });
  }

  return entries;
}

describe('when a ledger is verified', () => {
  const entries = chain(2500);

  it.each([0, 1, 999, 1000, 1001, 2000, 2500])('reads all of %d entries over pages', async (length) => {
    const some = entries.slice(0, length);
    const { sequence, hash } = some.at(-1) ?? START;

    expect(await verifyLedger(readerOf(some))).toEqual({ ok: true, checked: length, head: { sequence, hash } });
  });

  it.each([1, 1000, 1001, 2500])('agrees with the head that was known at %d', async (sequence) => {
    const { hash } = entries[sequence - 1] ?? START;

    expect((await verifyLedger(readerOf(entries), { sequence, hash })).checked).toBe(2500);
    await expect(verifyLedger(readerOf(entries), { sequence, hash: '1'.repeat(64) as Sha256 })).rejects.toMatchObject({
      code: 'AUDIT_BROKEN',
      details: { sequence, wrong: 'changed' },
    });
  });

  it.each([0, 999, 1000, 2000, 2499])('finds a cut after %d', async (length) => {
    const { sequence, hash } = entries.at(-1) ?? START;

    await expect(verifyLedger(readerOf(entries.slice(0, length)), { sequence, hash })).rejects.toMatchObject({
      code: 'AUDIT_BROKEN',
      details: { sequence: length + 1, wrong: 'cut' },
    });
  });

  it.each([1, 1000, 1001, 2500])('finds a change at %d, also between pages', async (sequence) => {
    const changed = entries.map((entry) => (entry.sequence === sequence ? { ...entry, actor: 'eve' } : entry));

    await expect(verifyLedger(readerOf(changed))).rejects.toMatchObject({ details: { sequence, wrong: 'changed' } });
  });

  it('verifies what the store wrote, and what it reads back is byte for byte what was hashed', async () => {
    const store = await openStore({ file: join(folder, 'ledger.sqlite'), clock: fakeClock(AT) });
    const details = { b: [1.5, null, { z: true, ä: '\u2028' }], a: -0, big: 1e21 };
    const written = await store.transaction(async (w) => {
      await w.audit.append({ at: AT, actor: 'admin:ann', action: 'test.done', subject: 'x', details });

      return w.audit.append({ at: AT, actor: 'collector', action: 'test.done', subject: 'y' });
    });

    const { sequence, hash } = written;
    expect(await verifyLedger(store.read.audit)).toEqual({ ok: true, checked: 2, head: { sequence, hash } });
    expect(canonicalJson((await store.read.audit.after(0, 1))[0]?.details)).toBe(canonicalJson(details));
    await store.close();
  });
});
