import { chmod, copyFile, mkdir, open, readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { verifyLedger } from '../audit/ledger.ts';
import { AT, hostId, hostSample, packed } from './samples.ts';
import { openStore } from './store.ts';

const folder = temporaryFolder('store');
const clock = fakeClock(AT);
const code = (expected: string) => expect.objectContaining({ code: expected });
let files = 0;
const path = () => join(folder, `${++files}.sqlite`);

/** A closed database with one host and one report. */
async function filled(): Promise<string> {
  const file = path();
  const store = await openStore({ file, clock });
  const section = packed({ required: false, reasons: [] });
  await store.transaction(async (w) => {
    await w.hosts.add(hostSample(1));
    await w.inventory.putSection(hostId(1), 'reboot', section.sha256, section.zstdJson);
    await w.inventory.putReport(hostId(1), AT, [{ name: 'reboot', sha256: section.sha256, problem: null }]);
    await w.audit.append({ at: AT, actor: 'collector', action: 'test', subject: 'x' });
  });
  await store.close();

  return file;
}

function edit(file: string, ...statements: readonly string[]): void {
  const connection = new SQLite(file);
  try {
    for (const statement of statements) connection.exec(statement);
  } finally {
    connection.close();
  }
}

const mode = async (file: string) => (await stat(file)).mode & 0o777;
const refused = async (file: string, expected: string) => {
  const before = await readFile(file);
  await expect(openStore({ file, clock })).rejects.toThrow(code(expected));
  expect(Buffer.compare(await readFile(file), before)).toBe(0);
};

describe('when a store is opened', () => {
  it('makes folder and files for the owner only', async () => {
    const file = join(folder, 'new', 'deep', 'selvage.sqlite');
    const store = await openStore({ file, clock });
    await store.transaction((w) => w.hosts.add(hostSample(1)));

    expect(await mode(file)).toBe(0o600);
    expect(await mode(`${file}-wal`)).toBe(0o600);
    expect(await mode(join(folder, 'new'))).toBe(0o700);
    await store.close();
  });

  it('takes the rights of others away from a file that had them', async () => {
    const file = await filled();
    await chmod(file, 0o644);
    await (await openStore({ file, clock })).close();

    expect(await mode(file)).toBe(0o600);
  });

  it('gives back what was there, with the log moved into the database by the close before', async () => {
    const file = await filled();
    await expect(stat(`${file}-wal`)).rejects.toMatchObject({ code: 'ENOENT' });
    const store = await openStore({ file, clock });

    expect(await store.read.hosts.byId(hostId(1))).toEqual(hostSample(1));
    expect((await store.read.inventory.latest(hostId(1)))?.takenAt).toBe(AT);
    await store.close();
  });
});

describe('when the file is not a database', () => {
  it.each([
    ['text', 'not a database at all, but long enough to be read as a header'],
    ['a few bytes', 'SQLite'],
    ['a header and nothing else', 'SQLite format 3\0'],
    ['a header and noise', `SQLite format 3\0${'\x07'.repeat(8192)}`],
  ])('refuses %s and leaves it as it was', async (_, content) => {
    const file = path();
    await writeFile(file, content, { mode: 0o600 });

    await refused(file, 'STORE_CORRUPT');
  });

  it('refuses a link, a folder and the file of another program', async () => {
    const link = path();
    await symlink(await filled(), link);
    const directory = path();
    await mkdir(directory);
    const other = path();
    edit(other, 'create table theirs (a)');
    const marked = path();
    edit(marked, 'pragma application_id = 77', 'vacuum');
    await chmod(other, 0o644);

    await expect(openStore({ file: link, clock })).rejects.toThrow(code('FILE_UNSAFE'));
    await expect(openStore({ file: directory, clock })).rejects.toThrow(code('FILE_UNSAFE'));
    await expect(openStore({ file: other, clock })).rejects.toThrow(code('STORE_FAILED'));
    await expect(openStore({ file: marked, clock })).rejects.toThrow(code('STORE_FAILED'));
    const theirs = new SQLite(other, { readonly: true });
    expect(theirs.prepare('select name from sqlite_schema').pluck().all()).toEqual(['theirs']);
    expect(await mode(other)).toBe(0o644);
    expect(theirs.pragma('journal_mode', { simple: true })).toBe('delete');
    theirs.close();
  });
});

describe('when the database is damaged', () => {
  it('refuses one that was cut short', async () => {
    const file = await filled();
    await truncate(file, (await stat(file)).size - 4096 * 3);

    await refused(file, 'STORE_CORRUPT');
  });

  it('refuses noise in the middle', async () => {
    const file = await filled();
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(3 * 4096, 0xa5), 0, 3 * 4096, 4096);
    await handle.close();

    await refused(file, 'STORE_CORRUPT');
  });

  it('refuses to start anew beside a log that holds transactions', async () => {
    const file = path();
    const store = await openStore({ file, clock });
    await store.transaction((w) => w.hosts.add(hostSample(1)));
    const lost = path();
    await copyFile(`${file}-wal`, `${lost}-wal`);
    await expect(openStore({ file: lost, clock })).rejects.toThrow(code('STORE_CORRUPT'));
    await expect(stat(lost)).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(lost, '');
    await refused(lost, 'STORE_CORRUPT');
    expect((await stat(`${lost}-wal`)).size).toBeGreaterThan(0);

    // With the database beside it again, everything is there.
    await copyFile(file, lost);
    const found = await openStore({ file: lost, clock });
    expect(await found.read.hosts.list()).toHaveLength(1);
    await found.close();
    await store.close();
  });

  it.each([
    ['an unknown mode', "update hosts set mode = 'root'"],
    ['a time that is none', "update hosts set enrolledAt = 'soon'"],
    ['a hash that is none', "update hosts set certificate = 'abc'"],
  ])('fails on a row with %s instead of leaving it out', async (_, statement) => {
    const file = await filled();
    edit(file, statement);
    const store = await openStore({ file, clock });

    await expect(store.read.hosts.list()).rejects.toThrow(code('STORE_FAILED'));
    await expect(store.read.hosts.byId(hostId(1))).rejects.toThrow(code('STORE_FAILED'));
    await store.close();
  });

  it.each(['{', '[]', '{ }', '{"a": 1}', '{"a":2,"a":1}', '{"__proto__":1}'])(
    'says at which entry the ledger holds %s, which it never wrote',
    async (details) => {
      const file = await filled();
      edit(file, 'drop trigger auditIsNeverChanged', `update audit set details = '${details}'`);
      const store = await openStore({ file, clock });
      const verified = verifyLedger(store.read.audit);

      await expect(verified).rejects.toMatchObject({
        code: 'AUDIT_BROKEN',
        details: { sequence: 1, wrong: 'changed' },
      });
      await store.close();
    },
  );
});

describe('when someone writes to the database by hand', () => {
  it.each([
    ['changes an entry of the ledger', "update audit set actor = 'admin:eve'"],
    ['removes an entry', 'delete from audit'],
    [
      'replaces an entry',
      `insert or replace into audit select 1, at, 'eve', action, subject, details, previous, hash from audit`,
    ],
    ['skips a sequence', 'insert into audit select 3, at, actor, action, subject, details, hash, hash from audit'],
    ['forks the chain', 'insert into audit select 2, at, actor, action, subject, details, previous, hash from audit'],
    [
      'gives two active hosts one name',
      "insert into hosts select 9, 'x', name, state, mode, machineId, enrolledAt, revokedAt, certificate, certificateExpires, runnerKey, agentVersion, lastSeen from hosts",
    ],
  ])('refuses one who %s', async (_, statement) => {
    const file = await filled();

    expect(() => edit(file, statement)).toThrow(expect.objectContaining({ name: 'SqliteError' }));
    const store = await openStore({ file, clock });
    expect((await store.read.audit.after(0, 10)).map(({ actor }) => actor)).toEqual(['collector']);
    await store.close();
  });
});

describe('when two processes have the database open', () => {
  it('keeps one ledger', async () => {
    const file = path();
    const [one, two] = [await openStore({ file, clock }), await openStore({ file, clock })];
    const entry = { at: AT, actor: 'collector', action: 'test', subject: 'x' };
    for (const store of [one, two, one, two]) await store.transaction((w) => w.audit.append(entry));

    expect((await one.read.audit.after(0, 10)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    await one.close();
    await two.close();
  });
});

describe('when a file was moved and came back', () => {
  it('is the same by its bytes', async () => {
    const file = await filled();
    const before = sha256(await readFile(file));
    await rename(file, `${file}.moved`);
    await rename(`${file}.moved`, file);
    await (await openStore({ file, clock })).close();

    // Opening a database that needs nothing writes nothing.
    expect(sha256(await readFile(file))).toBe(before);
  });
});
