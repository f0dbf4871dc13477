// A collector is copied while it serves, and put back: through the real commands, on real files.
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import SQLite from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CollectorLab, collectorLab } from '../cli/testing/collector-lab.ts';
import { homeAt } from '../home.ts';
import { AT, hostId, hostSample } from '../store/samples.ts';
import { copyDatabase } from '../store/snapshot.ts';
import { makeBackup } from './backup.ts';

/** Every file below a folder with its bytes, but the lock, which is nobody's state. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'serving.lock')
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, sha256(readFileSync(path))]),
  );
}

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const folderOf = (lab: CollectorLab, name: string) => join(lab.home, '..', name);

/** A collector with a host, and a backup of it in `first`. */
async function backedUp(): Promise<{ readonly lab: CollectorLab; readonly backup: string }> {
  const lab = collectorLab();
  await lab.init();
  await lab.withStore((store) => store.transaction((w) => w.hosts.add(hostSample(1))));
  const backup = folderOf(lab, 'first');
  expect(await lab.run(['backup', backup])).toMatchObject({ exit: 0, stderr: '' });

  return { lab, backup };
}

const names = async (lab: CollectorLab, home?: string) => {
  const found: string[] = [];
  await lab.withStore(async (store) => {
    for (const { name } of await store.read.hosts.list()) found.push(name);
  }, home);

  return found;
};

describe('when a collector is backed up', () => {
  it('is copied whole while it serves and writes, for the owner only', async () => {
    const lab = collectorLab();
    await lab.init();
    const running = await lab.serve();
    let written = 0;
    let stop = false;
    const writing = lab.withStore(async (store) => {
      while (!stop) {
        await store.transaction(async (w) => {
          await w.audit.append({ at: AT, actor: 'collector', action: 'test', subject: `${written}`, details: {} });
          await w.audit.append({ at: AT, actor: 'collector', action: 'test', subject: 'x'.repeat(3000) });
        });
        written += 1;
        await setImmediate();
      }
    });
    const to = folderOf(lab, 'backup');
    const made = await lab.run(['backup', to, '--json']);
    stop = true;
    await writing;
    expect(made).toMatchObject({ exit: 0, stderr: '' });
    expect(await running.stop()).toBe(0);

    const manifest = JSON.parse(readFileSync(join(to, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ format: 1, ledger: made.json().ledger });
    expect(manifest.files.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['settings.json', 'collector/selvage.db', 'collector/hosts-authority.key']),
    );
    for (const { path, sha256: hash } of manifest.files) {
      expect([path, sha256(readFileSync(join(to, path))), mode(join(to, path))]).toEqual([path, hash, '600']);
    }
    expect([mode(to), mode(join(to, 'collector')), mode(join(to, 'manifest.json'))]).toEqual(['700', '700', '600']);
    expect(contents(to)).not.toHaveProperty(join(to, 'admin/signing.key'));
    expect(readdirSync(join(lab.home, '..')).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('has the keys that its database means, also when they were replaced while that was copied', async () => {
    const lab = collectorLab();
    await lab.init();
    const keys = join(lab.home, 'collector/online-keys.json');
    let copies = 0;
    const copy = async (from: string, to: string) => {
      await copyDatabase(from, to);
      copies += 1;
      if (copies === 1) writeFileSync(keys, 'others');
      if (copies === 2) writeFileSync(`${keys}.next`, 'more');
    };
    const to = folderOf(lab, 'replaced');
    await makeBackup(to, { home: homeAt(lab.home), clock: systemClock, copy });

    expect(copies).toBe(3);
    expect(readFileSync(join(to, 'collector/online-keys.json'), 'utf8')).toBe('others');
    expect(readFileSync(join(to, 'collector/online-keys.json.next'), 'utf8')).toBe('more');
    const endless = async (from: string, at: string) => {
      await copyDatabase(from, at);
      appendFileSync(keys, '.');
    };
    await expect(
      makeBackup(folderOf(lab, 'never'), { home: homeAt(lab.home), clock: systemClock, copy: endless }),
    ).rejects.toMatchObject({ code: 'STATE' });
    expect(readdirSync(folderOf(lab, '.')).sort()).toEqual(['home', 'replaced']);
  });

  it('never replaces anything, and leaves nothing behind when it fails', async () => {
    const { lab, backup } = await backedUp();
    const before = contents(folderOf(lab, '.'));
    expect(await lab.run(['backup', backup])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('ALREADY_EXISTS'),
    });
    expect(await lab.run(['backup', folderOf(lab, 'no/such/place')])).toMatchObject({
      stderr: expect.stringContaining('NOT_FOUND'),
    });
    expect(contents(folderOf(lab, '.'))).toEqual(before);

    const database = join(lab.home, 'collector/selvage.db');
    const bytes = readFileSync(database);
    bytes.fill(0xa5, 4096 * 2, 4096 * 30);
    writeFileSync(database, bytes);
    expect(await lab.run(['backup', folderOf(lab, 'second')])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('STORE_CORRUPT'),
    });
    expect(readdirSync(folderOf(lab, '.')).sort()).toEqual(['first', 'home']);
  });

  it.each<[string, string, (home: string) => void]>([
    ['lost its database', 'STORE_CORRUPT', (home) => rmSync(join(home, 'collector/selvage.db'))],
    ['has an empty database', 'STORE_CORRUPT', (home) => truncateSync(join(home, 'collector/selvage.db'), 0)],
    ['lost the key of an authority', 'FILE_CORRUPT', (home) => rmSync(join(home, 'collector/hosts-authority.key'))],
    [
      'has an older database than it had',
      'STORE_CORRUPT',
      (home) => writeFileSync(join(home, 'collector/witness.json'), `{"sequence":99,"hash":"${'0'.repeat(64)}"}`),
    ],
  ])('one that %s is not backed up, as if that were worth anything', async (_, code, spoil) => {
    const lab = collectorLab();
    await lab.init();
    spoil(lab.home);

    expect(await lab.run(['backup', folderOf(lab, 'b')])).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(new RegExp(`^error ${code}: [^]*\\nnext: `)),
    });
    expect(readdirSync(folderOf(lab, '.'))).toEqual(['home']);
  });

  it('where there is no collector there is nothing to back up', async () => {
    const lab = collectorLab();

    expect(await lab.run(['backup', folderOf(lab, 'x')])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('NOT_FOUND'),
    });
    expect(existsSync(lab.home)).toBe(false);
  });
});

describe('when a backup is restored', () => {
  it('the collector is the one of then, the ledger says so, and what was there is kept', async () => {
    const { lab, backup } = await backedUp();
    await lab.withStore((store) => store.transaction((w) => w.hosts.add(hostSample(2))));
    const restored = await lab.run(['restore', backup, '--json']);
    expect(restored).toMatchObject({ exit: 0, stderr: '' });
    const aside = restored.json<{ aside: string }>().aside;

    expect(await names(lab)).toEqual(['host-1']);
    mkdirSync(join(aside, 'home'));
    renameSync(join(aside, 'collector'), join(aside, 'home/collector'));
    expect(await names(lab, join(aside, 'home'))).toEqual(['host-1', 'host-2']);
    await lab.withStore(async (store) => {
      expect(await store.read.audit.head()).toMatchObject({ action: 'collector.restored', actor: 'collector' });
    });
    const running = await lab.serve();
    expect((await lab.run(['host', 'list'])).stdout).toMatch(/^host-1 /m);
    await running.stop();
  });

  it('every token that could still be used is revoked, also one of many uses that was half used', async () => {
    const { lab } = await backedUp();
    const hash = 'a'.repeat(64) as Sha256;
    await lab.withStore((store) =>
      store.transaction(async (w) => {
        for (const [id, uses] of [
          ['hmany', 50],
          ['hone', 1],
        ] as const) {
          const bounds = { uses, networks: [], labels: {}, mode: null, replaces: false };
          await w.tokens.add({
            ...{ ...bounds, id, kind: 'host', secretHash: hash, boundTo: null, createdBy: 'admin:ann', createdAt: AT },
            ...{ expiresAt: AT, revokedAt: null, usedAt: null, usedByKey: null, usedFor: null },
          });
          await w.tokens.use(id, { key: hash, at: AT, for: hostId(1) });
        }
      }),
    );
    const backup = folderOf(lab, 'second');
    await lab.run(['backup', backup]);
    await lab.run(['restore', backup]);

    await lab.withStore(async (store) => {
      const tokens = await store.read.tokens.list();
      const open = tokens.filter(({ revokedAt, used, uses }) => revokedAt === null && used < uses);
      expect([tokens.length, open]).toEqual([3, []]);
      expect(tokens.find(({ id }) => id === 'hmany')).toMatchObject({ used: 1, revokedAt: expect.any(String) });
    });
  });

  it('an admin who saw more of the ledger is told what is lost, and how to accept it', async () => {
    const { lab, backup } = await backedUp();
    let running = await lab.serve();
    for (const name of ['a', 'b', 'c']) await lab.run(['token', 'create', '--host', name]);
    expect(await lab.run(['audit', 'verify'])).toMatchObject({ exit: 0 });
    await running.stop();
    await lab.run(['restore', backup]);
    running = await lab.serve();

    const verified = await lab.run(['audit', 'verify']);
    expect(verified).toMatchObject({ exit: 1 });
    expect(verified.stderr).toMatch(
      /^error AUDIT_BROKEN: .*\nnext: .*restored from an older backup, remove audit-head.json/,
    );
    rmSync(join(lab.home, 'admin/audit-head.json'));
    expect(await lab.run(['audit', 'verify'])).toMatchObject({ exit: 0 });
    await running.stop();
  });

  it('a new machine becomes the collector', async () => {
    const { lab, backup } = await backedUp();
    const home = folderOf(lab, 'other');
    const restored = await lab.run(['restore', backup, '--json'], { home });

    expect(restored.json()).toMatchObject({ home, aside: null });
    expect(await names(lab, home)).toEqual(['host-1']);
    expect(readdirSync(home).sort()).toEqual(['collector', 'serving.lock', 'settings.json']);
    expect([mode(home), mode(join(home, 'collector')), mode(join(home, 'collector/selvage.db'))]).toEqual([
      '700',
      '700',
      '600',
    ]);
  });

  it('never under a collector that serves, and two never serve one home', async () => {
    const { lab, backup } = await backedUp();
    const running = await lab.serve();
    const before = sha256(readFileSync(join(lab.home, 'collector/hosts-authority.key')));
    const refused = {
      exit: 1,
      stderr: expect.stringMatching(/^error STORE_BUSY: a collector is serving .*\nnext: stop/),
    };

    expect(await lab.run(['restore', backup])).toMatchObject(refused);
    expect(await lab.run(['serve'])).toMatchObject(refused);
    expect(sha256(readFileSync(join(lab.home, 'collector/hosts-authority.key')))).toBe(before);
    expect(readdirSync(lab.home)).not.toContain('.restore');
    await running.stop();
    expect(await lab.run(['restore', backup])).toMatchObject({ exit: 0 });
  });
});

describe('when a backup is not what was made', () => {
  let lab: CollectorLab;
  let good: string;
  beforeAll(async () => {
    ({ lab, backup: good } = await backedUp());
  });
  const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  /** The manifest that fits the files as they are now: what a forger would write. */
  const seal = (folder: string, over: object = {}) => {
    const manifest = manifestOf(folder);
    for (const file of manifest.files) {
      const bytes = readFileSync(join(folder, file.path));
      Object.assign(file, { bytes: bytes.length, sha256: sha256(bytes) });
    }
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, ...over }));
  };
  const edit = (folder: string, sql: string) => {
    const connection = new SQLite(join(folder, 'collector/selvage.db'));
    connection.exec(sql);
    connection.pragma('wal_checkpoint(truncate)');
    connection.close();
    seal(folder);
  };

  it.each<[string, string, (folder: string) => void]>([
    ['lacks its manifest', 'BACKUP_INVALID', (b) => rmSync(join(b, 'manifest.json'))],
    ['has half a manifest', 'BACKUP_INVALID', (b) => truncateSync(join(b, 'manifest.json'), 200)],
    ['lacks a file', 'BACKUP_INVALID', (b) => rmSync(join(b, 'collector/hosts-authority.key'))],
    ['has a longer file', 'BACKUP_INVALID', (b) => appendFileSync(join(b, 'settings.json'), ' ')],
    ['has a truncated database', 'BACKUP_INVALID', (b) => truncateSync(join(b, 'collector/selvage.db'), 8192)],
    ['has a file nobody backed up', 'BACKUP_INVALID', (b) => writeFileSync(join(b, 'collector/more.key'), 'x')],
    [
      'has a link in the place of a file',
      'FILE_UNSAFE',
      (b) => {
        rmSync(join(b, 'settings.json'));
        symlinkSync('/etc/hostname', join(b, 'settings.json'));
      },
    ],
    [
      'leads out of its folder',
      'BACKUP_INVALID',
      (b) =>
        seal(b, { files: [...manifestOf(b).files, { path: 'collector/../../x', bytes: 0, sha256: '0'.repeat(64) }] }),
    ],
    [
      'has pages of noise under hashes that fit',
      'BACKUP_INVALID',
      (b) => {
        const bytes = readFileSync(join(b, 'collector/selvage.db'));
        bytes.fill(0xa5, 4096 * 2, 4096 * 30);
        writeFileSync(join(b, 'collector/selvage.db'), bytes);
        seal(b);
      },
    ],
    [
      'has a changed ledger under hashes that fit',
      'BACKUP_INVALID',
      (b) => edit(b, "drop trigger auditIsNeverChanged; update audit set actor = 'eve' where sequence = 1"),
    ],
    ['has a shorter ledger', 'BACKUP_INVALID', (b) => seal(b, { ledger: { sequence: 9999, hash: '0'.repeat(64) } })],
    ['is of a newer collector', 'STORE_NEWER', (b) => edit(b, 'pragma user_version = 9999')],
    [
      'has settings that cannot be',
      'SETTINGS_INVALID',
      (b) => {
        writeFileSync(join(b, 'settings.json'), '{"gatewayPort": "x"}');
        seal(b);
      },
    ],
  ])('one that %s is refused, and the home is as it was', async (what, code, spoil) => {
    const backup = folderOf(lab, `bad-${what.replaceAll(' ', '-')}`);
    cpSync(good, backup, { recursive: true });
    spoil(backup);
    const before = contents(lab.home);
    const answer = await lab.run(['restore', backup]);

    expect(answer.stderr).toMatch(new RegExp(`^error ${code}: [^]*\\nnext: `));
    expect(answer.exit).not.toBe(0);
    expect(contents(lab.home)).toEqual(before);
    expect(
      readdirSync(lab.home)
        .filter((name) => name !== 'serving.lock')
        .sort(),
    ).toEqual([...['admin', 'collector', 'settings.json']]);
  });

  it('no init makes a new collector beside a restore that was cut off', async () => {
    const home = folderOf(lab, 'cut-off');
    mkdirSync(join(home, '.restore'), { recursive: true });
    chmodSync(home, 0o700);

    expect(await lab.run(['init', '--local'], { home })).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/ALREADY_EXISTS: a restore was cut off.*\nnext: .*selvage restore/),
    });
    expect(readdirSync(home)).toEqual(['.restore']);
  });
});
