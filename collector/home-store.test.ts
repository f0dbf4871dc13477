// What a collector finds when it starts: a database that was lost, damaged, exchanged or shortened is never taken for a good one,
// and never replaced by an empty one. Through the real command, on the real files.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import SQLite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { type CollectorLab, collectorLab } from './cli/testing/collector-lab.ts';
import { AT, hostSample } from './store/samples.ts';

const PAGE = 4096;

interface Kept {
  readonly lab: CollectorLab;
  readonly database: string;
}

/** A collector that has served once, and entries since: in the write-ahead log too, when `unclean`. */
async function served({ unclean = false } = {}): Promise<Kept> {
  const lab = collectorLab();
  await lab.init();
  const database = join(lab.home, 'collector/selvage.db');
  const running = await lab.serve();
  await lab.withStore((store) =>
    store.transaction(async (w) => {
      await w.hosts.add(hostSample(1));
      for (let entry = 0; entry < 50; entry++) {
        await w.audit.append({ at: AT, actor: 'collector', action: 'test', subject: `${entry} ${'x'.repeat(2000)}` });
      }
    }),
  );
  const saved = join(lab.home, '../saved');
  if (unclean) {
    mkdirSync(saved);
    for (const name of ['selvage.db', 'selvage.db-wal']) {
      copyFileSync(join(lab.home, 'collector', name), join(saved, name));
    }
  }
  expect(await running.stop()).toBe(0);
  // As a kill would have left it.
  if (unclean)
    for (const name of readdirSync(saved)) copyFileSync(join(saved, name), join(lab.home, 'collector', name));

  return { lab, database };
}

/** It says so in one line with the next step, and leaves everything as it was. */
async function refuses({ lab, database }: Kept, code: string, next: RegExp = /selvage restore/): Promise<void> {
  const before = existsSync(database) ? sha256(readFileSync(database)) : null;
  const answer = await lab.run(['serve']);

  expect(answer.stderr).toMatch(new RegExp(`^error ${code}: .*\\nnext: `));
  expect(answer.stderr.split('\n')[1]).toMatch(next);
  expect(answer).toMatchObject({ exit: 1, stdout: '' });
  expect(existsSync(database) ? sha256(readFileSync(database)) : null).toBe(before);
}

function edit(file: string, sql: string): void {
  const connection = new SQLite(file);
  connection.exec(sql);
  connection.close();
}

function pages(file: string, change: (page: Buffer, number: number) => void): void {
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.length; at += PAGE) change(bytes.subarray(at, at + PAGE), at / PAGE + 1);
  writeFileSync(file, bytes);
}

describe('when the database of a home is not what it was', () => {
  it.each<[string, (database: string) => void]>([
    ['is missing', (d) => rmSync(d)],
    ['is empty', (d) => truncateSync(d, 0)],
    ['is cut short', (d) => truncateSync(d, PAGE * 9)],
    ['is another file', (d) => writeFileSync(d, 'x'.repeat(PAGE * 20))],
    [
      'has pages of noise',
      (d) =>
        pages(d, (page, number) => {
          if (number > 1 && number % 3 === 0) page.fill(0xa5);
        }),
    ],
    [
      'has two pages exchanged',
      (d) =>
        pages(d, (page, number) => {
          if (number === 3) page.copyWithin(PAGE / 2, 0);
        }),
    ],
  ])('one that %s is refused', async (_, spoil) => {
    const kept = await served();
    spoil(kept.database);

    await refuses(kept, 'STORE_CORRUPT');
  });

  it('flipped bits anywhere are noticed, or change nothing that is read', async () => {
    const kept = await served();
    const whole = readFileSync(kept.database);
    const count = whole.length / PAGE;
    let noticed = 0;
    for (let number = 2; number <= count; number += Math.ceil(count / 12)) {
      const bytes = Buffer.from(whole);
      const start = (number - 1) * PAGE;
      // The header of the page and its middle.
      for (const at of [start, start + 3, start + PAGE / 2]) bytes[at] = ~(bytes[at] ?? 0);
      writeFileSync(kept.database, bytes);
      const rows = await rowsOf(kept).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_CORRUPT' });
        noticed += 1;

        return ['host-1'];
      });
      expect(rows).toEqual(['host-1']);
    }
    expect(noticed).toBeGreaterThan(5);
  });
});

async function rowsOf({ lab }: Kept): Promise<readonly string[]> {
  const found: string[] = [];
  await lab.withStore(async (store) => {
    for (const { name } of await store.read.hosts.list()) found.push(name);
  });

  return found;
}

describe('when what was acknowledged is gone', () => {
  it('a write-ahead log that was removed is missed', async () => {
    const kept = await served({ unclean: true });
    const copy = readFileSync(`${kept.database}-wal`);
    rmSync(`${kept.database}-wal`);
    await refuses(kept, 'STORE_CORRUPT', /put the -wal file back, or: selvage restore/);

    // With it again, everything is there.
    writeFileSync(`${kept.database}-wal`, copy);
    const running = await kept.lab.serve();
    expect((await kept.lab.run(['host', 'list'])).stdout).toMatch(/^host-1 /m);
    await running.stop();
  });

  it('the log of another database is not taken for its own', async () => {
    const kept = await served({ unclean: true });
    const other = await served({ unclean: true });
    copyFileSync(`${other.database}-wal`, `${kept.database}-wal`);

    await refuses(kept, 'STORE_CORRUPT', /restore/);
  });

  it('an older copy of the database is not taken for the present one', async () => {
    const kept = await served();
    const old = readFileSync(kept.database);
    const running = await kept.lab.serve();
    await kept.lab.withStore(async (store) => {
      await store.transaction((w) => w.audit.append({ at: AT, actor: 'collector', action: 'test', subject: 'newest' }));
    });
    await running.stop();
    writeFileSync(kept.database, old);

    await refuses(kept, 'STORE_CORRUPT', /if this older copy is what you mean, remove .*witness\.json/);
    rmSync(join(kept.lab.home, 'collector/witness.json'));
    await (await kept.lab.serve()).stop();
  });

  it('a changed entry of the ledger stops the start', async () => {
    const kept = await served();
    edit(kept.database, "drop trigger auditIsNeverChanged; update audit set actor = 'admin:eve' where sequence = 3");

    await refuses(kept, 'AUDIT_BROKEN', /compare with the last exported ledger/);
  });
});
