// Databases of earlier releases, made by the collectors of that time, are opened by this one: nothing in them is lost, and everything
// reads as it did.
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { verifyLedger } from '../audit/ledger.ts';
import { MIGRATIONS } from './migrations.ts';
import { AT } from './samples.ts';
import { openStore } from './store.ts';
import { putReleased, RELEASED_SCHEMAS } from './testing/released.ts';

const folder = temporaryFolder('released');
const clock = fakeClock(AT);

function counts(file: string): Readonly<Record<string, number>> {
  const connection = new SQLite(file, { readonly: true });
  const tables = connection.prepare("select name from sqlite_schema where type = 'table'").pluck().all() as string[];
  const counted = tables.map((table) => [table, connection.prepare(`select count(*) from ${table}`).pluck().get()]);
  connection.close();

  return Object.fromEntries(counted);
}

describe('when databases of earlier releases are kept for tests', () => {
  it('there is one of each schema that was released', () => {
    // The schemas between were never a release's newest.
    expect(RELEASED_SCHEMAS).toEqual([1, 2, 5]);
    expect(MIGRATIONS.length).toBeGreaterThanOrEqual(Math.max(...RELEASED_SCHEMAS));
  });
});

describe.each(RELEASED_SCHEMAS)('when a collector of schema %i left its database', (schema) => {
  it('it is brought up to date with every row, and every row can be read', async () => {
    const file = join(folder, `schema-${schema}.db`);
    putReleased(schema, file);
    const before = counts(file);
    const store = await openStore({ file, clock, existing: true });
    const { hosts, tokens, admins, inventory, results, policy, audit, streams } = store.read;
    const enrolled = await hosts.list();

    expect(enrolled.map(({ name }) => name)).toEqual(['alpha', 'beta']);
    // Who was in before there were hosts that wait is in.
    for (const host of enrolled)
      expect(host).toMatchObject({ acceptedAt: host.enrolledAt, retiredAt: null, labels: {} });
    expect((await tokens.list()).map(({ usedFor }) => usedFor !== null)).toEqual([true, true, true]);
    expect(await admins.list()).toHaveLength(1);
    for (const { id } of enrolled) {
      const latest = await inventory.latest(id);
      expect(latest?.sections.packages).toMatchObject({ ok: true });
      expect(latest?.sections.os).toMatchObject({ ok: true, data: { id: 'debian' } });
      expect((await results.ofHost(id, 100)).length).toBeGreaterThan(0);
      expect((await streams.position(id, 'inventory:none')) === 0n).toBe(true);
    }
    expect((await policy.names()).map(({ name }) => name)).toEqual(expect.arrayContaining(['timestamp.json']));
    expect((await verifyLedger(store.read.audit)).head.sequence).toBe(before.audit);
    await store.transaction(async (writers) => {
      await writers.audit.append({ at: AT, actor: 'collector', action: 'test', subject: 'after' });
    });
    expect((await audit.head())?.sequence).toBe((before.audit ?? 0) + 1);
    await store.close();

    const { migrations: _, audit: __, ...rest } = before;
    expect(counts(file)).toMatchObject(rest);
    const connection = new SQLite(file, { readonly: true });
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(connection.pragma('foreign_key_check')).toEqual([]);
    expect(connection.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    connection.close();
  });
});
