import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { openReader, openWriter, prepareFile } from './file.ts';

const folder = temporaryFolder('file');

describe('when connections are opened', () => {
  it('syncs every commit, checks references and keeps a log on the writing one', async () => {
    const file = join(folder, 'settings.sqlite');
    await prepareFile(file);
    const writer = openWriter(file, () => undefined);
    const setting = (name: string) => writer.pragma(name, { simple: true });

    // 2 is FULL (sqlite.org/pragma.html#pragma_synchronous).
    expect([setting('journal_mode'), setting('synchronous'), setting('foreign_keys')]).toEqual(['wal', 2, 1]);
    expect([setting('fullfsync'), setting('trusted_schema')]).toEqual([1, 0]);
    expect(setting('busy_timeout')).toBeGreaterThan(0);
    writer.close();
  });

  it('cannot write on the reading one', async () => {
    const file = join(folder, 'reader.sqlite');
    await prepareFile(file);
    const writer = openWriter(file, () => undefined);
    writer.exec('create table a (x)');
    const reader = openReader(file);

    expect(() => reader.exec('insert into a values (1)')).toThrow(expect.objectContaining({ code: 'SQLITE_READONLY' }));
    reader.close();
    writer.close();
  });

  it('refuses a database before it changes anything in it', async () => {
    const file = join(folder, 'refused.sqlite');
    await prepareFile(file);
    const refuse = () => {
      throw new Error('not ours');
    };

    expect(() => openWriter(file, refuse)).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
    expect((await stat(file)).size).toBe(0);
  });
});
