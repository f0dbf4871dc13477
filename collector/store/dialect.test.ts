import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { queriesOn, type Scope } from './dialect.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

function opened(kind: Scope['kind']) {
  const connection = new SQLite(':memory:');
  connection.exec('create table reports (host text, takenAt text)');
  const scope: Scope = { open: true, kind };

  return { connection, scope, db: queriesOn(connection, scope) };
}

describe('when a query runs', () => {
  it('refuses one of a transaction that the database has ended by itself', async () => {
    const { connection, db } = opened('transaction');
    connection.exec('begin');
    await db.insertInto('reports').values({ host: 'a', takenAt: 'b' }).execute();
    // What SQLite does on a full disk or a failing one (sqlite.org/lang_transaction.html, section 3).
    connection.exec('rollback');

    await expect(db.insertInto('reports').values({ host: 'a', takenAt: 'b' }).execute()).rejects.toThrow(
      code('STORE_FAILED'),
    );
    expect(connection.prepare('select count(*) from reports').pluck().get()).toBe(0);
  });

  it('refuses one that began in time and arrives too late', async () => {
    const { connection, db, scope } = opened('transaction');
    connection.exec('begin');
    const late = db.insertInto('reports').values({ host: 'a', takenAt: 'b' }).execute();
    scope.open = false;

    await expect(late).rejects.toThrow(code('STATE'));
    expect(connection.prepare('select count(*) from reports').pluck().get()).toBe(0);
  });

  it('lets nobody begin a transaction beside the queue', async () => {
    const { db } = opened('transaction');

    await expect(db.transaction().execute(async () => undefined)).rejects.toThrow(code('STATE'));
  });

  it('gives what the database throws as a coded error with its cause', async () => {
    const { db } = opened('reader');

    await expect(db.selectFrom('hosts').selectAll().execute()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      cause: expect.any(SQLite.SqliteError),
    });
  });
});
