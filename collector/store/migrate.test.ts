import { sha256 } from '@selvage/shared/files/canonical.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { migrate } from './migrate.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { AT } from './samples.ts';
import { openStore } from './store.ts';

const folder = temporaryFolder('migrate');
const clock = fakeClock(AT);
const code = (expected: string) => expect.objectContaining({ code: expected });
let files = 0;
const path = () => `${folder}/${++files}.sqlite`;

/** Hashes of what was released: a changed one would leave two kinds of databases with the same number. */
const RELEASED: readonly string[] = [
  '0a3228dfcc382bb62ad7e83d5aa106ddf0f163d72c0dcf4d26f7b1ca88cfca59',
  '8518486476116a4fb29116153eb5a2b6b6f2d34b37bec3bde84212e347c1dc2d',
  'c0ec985874f427e2e2f4d019fa3c124fd7cf33b6258d02306a30f00ffd20cf83',
  '1088f248cc7cac83edee1102092ecd7fc93bc9e034f1717bc582fd27ae11b9e2',
  'b58eff9feb0e83d1d25446b942c5ab237e964ea2233a83546ba7e7e17f8c0928',
  'b5b1f3d361577a5bbfd11a9701b7b89dd491f795af6f5cbc4cccd1f544264acf',
  '01028c3e34c45c17c9cf26ba190044022346ff6cb7e2af99f2fd470b238d61cf',
  '1ec9492e76078f77f545414ba117b7320f3ccdb4851001add8da602570c34d43',
  '2c875393a19a5aad113adccc9a68211924285c40ce38b43aec4d35dcb53e7c2c',
  '7f7c8cc70d2db9cbbec9d4b5467610acf151b6fb54d82cb3ff746c3392986b46',
  'a45c81d5df7d4009961803813ba108d95e71bb6213f2659b78fb95f3955fcbe7',
];

const first: Migration = {
  name: 'first',
  sql: 'create table migrations (version integer primary key, name text, appliedAt text); create table a (x text)',
};
const second: Migration = { name: 'second', sql: "alter table a add column y text default 'new'" };
const broken: Migration = { name: 'broken', sql: 'create table b (x text); insert into nowhere values (1)' };

function migrated(file: string, migrations: readonly Migration[]) {
  const connection = new SQLite(file);
  migrate(connection, { migrations, clock, file });

  return connection;
}

describe('when migrations are released', () => {
  it('never changes one of them', () => {
    expect(MIGRATIONS.map(({ sql }) => sha256(sql)).slice(0, RELEASED.length)).toEqual(RELEASED);
    expect(MIGRATIONS).toHaveLength(RELEASED.length);
  });
});

describe('when a database of version 1 is opened', () => {
  it('gets what is new, keeps its rows and says when', () => {
    const file = path();
    const old = migrated(file, [first]);
    old.exec("insert into a values ('kept')");
    old.close();
    const connection = migrated(file, [first, second]);

    expect(connection.prepare('select * from a').all()).toEqual([{ x: 'kept', y: 'new' }]);
    expect(connection.pragma('user_version', { simple: true })).toBe(2);
    expect(connection.prepare('select version, name, appliedAt from migrations').all()).toEqual([
      { version: 1, name: 'first', appliedAt: AT },
      { version: 2, name: 'second', appliedAt: AT },
    ]);
    connection.close();
    // Again: nothing to do.
    migrated(file, [first, second]).close();
  });

  it('stays whole at the version before a step that fails', () => {
    const file = path();
    migrated(file, [first]).close();
    const connection = new SQLite(file);
    const step = () => migrate(connection, { migrations: [first, second, broken], clock, file });

    expect(step).toThrow(code('STORE_FAILED'));
    expect(connection.inTransaction).toBe(false);
    expect(connection.pragma('user_version', { simple: true })).toBe(2);
    expect(connection.prepare("select count(*) from sqlite_schema where name = 'b'").pluck().get()).toBe(0);
    connection.close();
  });
});

describe('when a newer collector wrote the database', () => {
  it('refuses it in one clear line and changes nothing', async () => {
    const file = path();
    await (await openStore({ file, clock })).close();
    const connection = new SQLite(file);
    connection.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    connection.exec('create table future (x)');
    connection.close();
    const refused = await openStore({ file, clock }).catch((error: unknown) => error);

    expect(refused).toMatchObject({
      code: 'STORE_NEWER',
      details: { file, schema: MIGRATIONS.length + 1, known: MIGRATIONS.length },
    });
    expect(String(refused)).not.toContain('\n');
    const after = new SQLite(file, { readonly: true });
    expect(after.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length + 1);
    after.close();
  });
});
