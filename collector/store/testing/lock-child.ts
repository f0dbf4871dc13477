// A program for ../busy.test.ts: takes the write lock of a database, says so, and holds it until its standard input ends.
import { once } from 'node:events';
import SQLite from 'better-sqlite3';

const connection = new SQLite(process.argv[2] ?? '', { fileMustExist: true });
connection.exec('begin exclusive');
process.stdout.write('locked\n');
process.stdin.resume();
await once(process.stdin, 'end');
connection.exec('rollback');
connection.close();
