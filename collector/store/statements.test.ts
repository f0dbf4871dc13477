import SQLite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { statement } from './statements.ts';

it('a statement is prepared once for each connection', () => {
  const [one, other] = [new SQLite(':memory:'), new SQLite(':memory:')];

  expect(statement(one, 'select 1')).toBe(statement(one, 'select 1'));
  expect(statement(other, 'select 1')).not.toBe(statement(one, 'select 1'));
});

it('what is used stays, whatever number of others comes and goes', () => {
  const connection = new SQLite(':memory:');
  const mine = statement(connection, 'select 1');
  const unused = statement(connection, 'select 2');
  for (let number = 3; number < 1000; number++) {
    statement(connection, `select ${number}`);
    statement(connection, 'select 1');
  }

  expect(statement(connection, 'select 1')).toBe(mine);
  expect(statement(connection, 'select 2')).not.toBe(unused);
});

it('one that stays answers for a table as it is now', () => {
  const connection = new SQLite(':memory:');
  connection.exec('create table things (a)');
  expect(statement(connection, 'select * from things').all()).toEqual([]);
  connection.exec('alter table things add column b; insert into things values (1, 2)');

  expect(statement(connection, 'select * from things').all()).toEqual([{ a: 1, b: 2 }]);
});
