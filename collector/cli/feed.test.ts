// Feeds as an admin meets them: the real commands, a real collector, real files.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lines, osvOf } from '../feeds/testing/import-lab.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const folder = temporaryFolder('feed-files');
const lab = collectorLab();
let collector: Running;

const run = (...args: readonly string[]) => lab.run(['feed', ...args], { columns: 120 });
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);

  return path;
}
const many = lines(Array.from({ length: 200 }, (_, n) => osvOf(`CVE-2025-${1000 + n}`, { [`p${n}`]: '1' })));

interface Listed {
  readonly feeds: readonly {
    readonly name: string;
    readonly standing: string;
    readonly error: { code: string } | null;
  }[];
}
const listed = async (name: string) =>
  (await run('list', '--json')).json<Listed>().feeds.find((each) => each.name === name);

beforeAll(async () => {
  await lab.init();
  collector = await lab.serve();
});
afterAll(async () => {
  await collector.stop();
});

describe('when a file of a feed is brought', () => {
  it('it is known by its content, taken, listed and in the ledger', async () => {
    const done = await run('import', file('dump.bin', gzipSync(many)));
    expect(done).toMatchObject({ exit: 0, stdout: 'osv-debian: 200 records are current now\n' });
    expect((await run('import', file('dump.bin', gzipSync(many)))).stdout).toBe(
      'osv-debian: nothing new; 200 records\n',
    );

    const list = await run('list');
    expect(list.stdout).toMatch(/^FEED +STATE +NEEDED +AS OF +AGE +RECORDS +WHAT$/m);
    expect(list.stdout).toMatch(/^osv-debian +stale +no +2025-02-01 +\d+d +200 +Debian/m);
    expect(list.stdout).not.toContain('osv-npm');
    expect((await run('list', '--all')).stdout).toMatch(/^osv-npm +never +no/m);
    const audit = await lab.run(['audit', 'list', '--json']);
    expect(audit.stdout).toContain('feed.imported');
    expect(audit.stdout).toContain('admin:ann');
    expect(collector.output()).toContain('the feed osv-debian has new data: 200 records');
  });

  it('a folder is taken as a whole', async () => {
    const records = join(folder, 'records');
    mkdirSync(join(records, 'a'), { recursive: true });
    writeFileSync(
      join(records, 'a', '1.json'),
      JSON.stringify(
        osvOf('GHSA-1', { x: null }, { affected: [{ package: { ecosystem: 'npm', name: 'x' }, versions: ['1'] }] }),
      ),
    );
    writeFileSync(join(records, 'readme.md'), 'not a record');

    expect((await run('import', records)).stdout).toBe('osv-npm: 1 records are current now\n');
  });

  it('what is wrong changes nothing and is said, with what to do', async () => {
    const page = await run('import', file('page.html', '<!DOCTYPE html><title>Log in</title>'), '--feed', 'osv-debian');
    expect(page.exit).toBe(1);
    expect(page.stderr).toContain('error FEED_INVALID');
    expect(await listed('osv-debian')).toMatchObject({ error: { code: 'FEED_INVALID' }, records: 200 });

    const small = await run('import', file('small.jsonl', lines([osvOf('CVE-2025-0001', { curl: '1' })])));
    expect(small.exit).toBe(3);
    expect(small.stderr).toContain('error FEED_SHRUNK');
    expect(small.stderr).toContain('--accept-shrunk');
    expect((await run('list')).stdout).toMatch(/^osv-debian: FEED_SHRUNK at /m);
    expect((await run('import', join(folder, 'small.jsonl'), '--accept-shrunk')).exit).toBe(0);
    expect(await listed('osv-debian')).toMatchObject({ error: null, records: 1 });
  });

  it.each([
    [['import', '/nowhere/at/all'], 1, 'NOT_FOUND'],
    [['import', '/dev/null'], 1, 'FILE_UNSAFE'],
    [['import', '/etc/hostname', '--feed', 'no-such'], 1, 'NOT_FOUND'],
    [['import', '/etc/hostname', '--feed', '../x'], 2, 'USAGE'],
    [['import', '/etc/hostname'], 1, 'FEED_INVALID'],
    [['update', 'no-such'], 1, 'NOT_FOUND'],
    [['update', 'osv'], 1, 'NOT_FOUND'],
  ])('%j ends with %i and %s', async (args, exit, code) => {
    const done = await run(...args);

    expect(done.exit).toBe(exit);
    expect(done.stderr).toContain(`error ${code}`);
  });

  it('without machines nothing is needed, and that is said', async () => {
    expect((await run('update')).stdout).toContain('no feed is needed');
  });

  it('metrics say how old and how much, and a feed that is not needed makes no alarm', async () => {
    expect((await lab.run(['status'])).stdout).not.toContain('osv-debian');
  });
});
