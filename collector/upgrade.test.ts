// A newer collector on the database of an older one: everything is backed up as it was before the schema changes, and the way back
// is said in one line. Through the real command, on databases that earlier collectors made.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { type CollectorLab, collectorLab } from './cli/testing/collector-lab.ts';
import { MIGRATIONS } from './store/migrations.ts';
import { putReleased, RELEASED_SCHEMAS } from './store/testing/released.ts';

interface Old {
  readonly lab: CollectorLab;
  readonly database: string;
  readonly shelf: string;
}

/** A home whose database an earlier collector left. */
async function homeOf(schema: number): Promise<Old> {
  const lab = collectorLab();
  await lab.init();
  const folder = join(lab.home, 'collector');
  for (const name of readdirSync(folder)) if (/^selvage\.db|witness/.test(name)) rmSync(join(folder, name));
  const database = join(folder, 'selvage.db');
  putReleased(schema, database);

  return { lab, database, shelf: join(lab.home, 'before-upgrade') };
}

function versionOf(file: string): number {
  const connection = new SQLite(file, { readonly: true });
  const version = Number(connection.pragma('user_version', { simple: true }));
  connection.close();

  return version;
}

async function serveOnce({ lab }: Old): Promise<void> {
  const running = await lab.serve();
  expect(await running.stop()).toBe(0);
}

describe.each(RELEASED_SCHEMAS)('when a collector starts on a database of schema %i', (schema) => {
  it('keeps a whole backup of it as it was, and goes on with the new schema', async () => {
    const old = await homeOf(schema);
    const rows = sha256(readFileSync(old.database));
    await serveOnce(old);
    const [name, ...others] = readdirSync(old.shelf);

    expect(others).toEqual([]);
    expect(name).toMatch(new RegExp(`-schema-${schema}$`));
    const kept = join(old.shelf, name ?? '');
    expect(readdirSync(join(kept, 'collector'))).toContain('selvage.db');
    expect(JSON.parse(readFileSync(join(kept, 'manifest.json'), 'utf8'))).toMatchObject({ schema });
    expect(versionOf(join(kept, 'collector/selvage.db'))).toBe(schema);
    expect(versionOf(old.database)).toBe(MIGRATIONS.length);
    expect(sha256(readFileSync(old.database))).not.toBe(rows);

    // Once is enough: the next start has nothing to bring up to date.
    await serveOnce(old);
    expect(readdirSync(old.shelf)).toEqual([name]);
  });
});

describe('when the backup before an upgrade cannot be made', () => {
  it('the upgrade does not begin', async () => {
    const old = await homeOf(1);
    // Where its folder should be is a file.
    writeFileSync(old.shelf, '');
    const before = sha256(readFileSync(old.database));
    const answer = await old.lab.run(['serve']);

    expect(answer.exit).toBe(1);
    expect(answer.stderr).toMatch(/^error [A-Z_]+: .*\nnext: /);
    expect(sha256(readFileSync(old.database))).toBe(before);
    expect(versionOf(old.database)).toBe(1);
  });
});

describe('when starts were killed while they backed up', () => {
  it('their halves go, and nothing else that lies there', async () => {
    const old = await homeOf(5);
    for (const name of ['.2026-11-24T001739.450Z-schema-5.a8c7a59bed25.partial', '.of-an-admin.partial']) {
      mkdirSync(join(old.shelf, name, 'collector'), { recursive: true });
      writeFileSync(join(old.shelf, name, 'collector/selvage.db'), 'half');
    }
    await serveOnce(old);

    expect(readdirSync(old.shelf).sort()).toEqual(['.of-an-admin.partial', expect.stringMatching(/^2.*-schema-5$/)]);
  });
});

describe('when there were more upgrades than are kept', () => {
  it('the oldest backups go, and nothing else that lies there', async () => {
    const old = await homeOf(1);
    await serveOnce(old);
    for (let again = 0; again < 2; again++) {
      for (const name of readdirSync(join(old.lab.home, 'collector'))) {
        if (/^selvage\.db|witness/.test(name)) rmSync(join(old.lab.home, 'collector', name));
      }
      putReleased(2, old.database);
      if (again === 0) writeFileSync(join(old.shelf, 'note'), 'of an admin');
      await serveOnce(old);
    }
    const names = readdirSync(old.shelf).sort();

    expect(names).toHaveLength(3);
    expect(names.filter((name) => name.endsWith('-schema-2'))).toHaveLength(2);
    expect(names).toContain('note');
  });
});

describe('when an older collector finds the database of a newer one', () => {
  it('refuses it in one line that says where the way back is, and changes nothing', async () => {
    const old = await homeOf(2);
    const connection = new SQLite(old.database);
    connection.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    connection.pragma('wal_checkpoint(truncate)');
    connection.close();
    const before = sha256(readFileSync(old.database));
    const answer = await old.lab.run(['serve']);
    const lines = answer.stderr.trimEnd().split('\n');

    expect(answer.exit).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      new RegExp(`^error STORE_NEWER: .*schema ${MIGRATIONS.length + 1}; this collector knows schemas up to `),
    );
    expect(lines[1]).toContain('before-upgrade');
    expect(sha256(readFileSync(old.database))).toBe(before);
  });
});
