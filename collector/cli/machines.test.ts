// Machines without an agent and the list of machines that ought to exist, as an admin meets them: the real collect.sh, the real
// commands, a real collector.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS_SECTION } from '../api/testing/inventories.ts';
import { collected, factsOf, tarOf } from '../imports/testing/tar.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const SCRIPT = join(import.meta.dirname, '../../packaging/collect/collect.sh');
const folder = temporaryFolder('machines');
const lab = collectorLab();
let collector: Running;

const run = (...args: readonly string[]) => lab.run(args, { columns: 120 });
function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);

  return path;
}

beforeAll(async () => {
  await lab.init();
  await lab.addHost(1, { os: { ...OS_SECTION, hostname: 'web-1.example.org' } });
  collector = await lab.serve();
});
afterAll(async () => {
  await collector.stop();
});

describe('when a machine has no agent', () => {
  it('what collect.sh writes there is imported, listed, shown and selected, as of its own clock', async () => {
    const tar = join(folder, 'real.tar');
    const script = file('collect.sh', (await run('host', 'collect-script')).stdout);
    expect(readFileSync(script, 'utf8')).toBe(readFileSync(SCRIPT, 'utf8'));
    const { status } = spawnSync('sh', [script, tar]);
    expect(status).toBe(0);
    const done = await run('host', 'import', tar, '--name', 'HMI-07', '--label', 'line=3', '--owner', 'Ann');
    expect(done).toMatchObject({ exit: 0, stderr: '' });
    expect(done.stdout).toMatch(/^hmi-07: imported, as of .* by the machine's own clock\n/);

    const list = await run('host', 'list', '--select', 'line=3 and state=imported');
    expect(list.stdout).toMatch(/^hmi-07 .* imported +file /m);
    expect(list.stdout).not.toContain('host-1');
    const shown = await run('host', 'show', 'hmi-07');
    expect(shown.stdout).toMatch(/^hmi-07 {3}imported, as of /);
    expect(shown.stdout).toContain(hostname());
    expect(shown.stdout).toContain('not known: package lists are not collected');
    expect(statSync(tar).mode & 0o077).toBe(0);
  });

  it('it is never among the hosts, in no fix, and the ledger verifies', async () => {
    const { hosts, imported } = (await run('host', 'list', '--json')).json<{ hosts: unknown[]; imported: unknown[] }>();
    expect([hosts.length, imported.length]).toEqual([1, 1]);
    expect((await run('status', '--json')).json()).toMatchObject({ hosts: { active: 1 } });
    expect((await run('fix', 'list', '--json')).stdout).not.toContain('hmi-07');
    expect((await run('audit', 'verify')).exit).toBe(0);
  });

  it('a gzipped file is fine; the same file again changes nothing; an older one needs a word', async () => {
    const name = ['--name', 'press-1'];
    const now = file('now.tar.gz', gzipSync(collected()));
    expect((await run('host', 'import', now, ...name)).exit).toBe(0);
    expect((await run('host', 'import', now, ...name)).stdout).toContain('exactly this file already');
    const old = file('old.tar', collected({ facts: factsOf({ now: '2026-10-01T00:00:00Z' }) }));
    expect(await run('host', 'import', old, ...name)).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('--replace-older'),
    });
    expect((await run('host', 'import', old, ...name, '--replace-older')).exit).toBe(0);
    expect((await run('host', 'show', 'press-1')).stdout).toMatch(
      /^2026-10-01 .* imported[\s\S]*^2026-11-20 .* replaced/m,
    );
  });

  it('a clock that cannot be is said, and the date of the file is taken', async () => {
    const path = file(
      'future.tar',
      collected({ facts: factsOf({ now: '2040-01-01T00:00:00Z', machine: 'c'.repeat(64) }) }),
    );
    const written = new Date('2026-11-05T08:00:00Z');
    utimesSync(path, written, written);
    const { exit, stdout } = await run('host', 'import', path, '--name', 'press-2');

    expect(exit).toBe(0);
    expect(stdout).toMatch(/as of 2026-11-05 .* by the date of the file/);
    expect(stdout).toContain('! the clock of the machine says 2040-01-01T00:00:00Z');
  });

  it('a name that has an agent is refused with what to do', async () => {
    const path = file('taken.tar', collected());

    expect(await run('host', 'import', path, '--name', 'host-1')).toMatchObject({
      exit: 3,
      stderr: expect.stringMatching(
        /error HOST_NAME_TAKEN: host-1 has an agent[\s\S]*next: import it under another name/,
      ),
    });
  });

  it('a retired one is listed no more', async () => {
    expect((await run('host', 'retire', 'press-2', '--reason', 'scrapped')).stdout).toContain('press-2 is retired');
    expect((await run('host', 'list')).stdout).not.toContain('press-2');
    expect((await run('host', 'show', 'press-2')).stdout).toMatch(/^press-2 {3}retired /);
    for (const name of ['nobody', 'press-2']) {
      expect((await run('host', 'retire', name, '--reason', 'x')).stderr).toContain('NOT_FOUND');
    }
  });
});

describe('when the file is not one of collect.sh', () => {
  it.each([
    ['a path that leads out', tarOf([{ name: '../../etc/cron.d/x', content: 'x' }]), '"../../etc/cron.d/x"'],
    ['a link', tarOf([{ name: 'selvage-collect/facts', type: '2', link: '/etc/shadow' }]), 'is a symbolic link'],
    ['10 GB', tarOf([{ name: 'selvage-collect/facts', size: 10 * 1024 ** 3 - 1 }]), 'which the file does not hold'],
    ['a terminal escape', tarOf([{ name: '\x1b]0;x\x07', content: 'x' }]), 'is no file of collect.sh'],
    ['text', Buffer.from('name,owner\n'.repeat(200)), 'it is no tar'],
  ])('%s is refused and named, and nothing is kept', async (what, bytes, said) => {
    const { exit, stderr } = await run('host', 'import', file(`bad-${what}.tar`, bytes), '--name', 'bad');

    expect([exit, stderr]).toEqual([2, expect.stringContaining(said)]);
    expect(stderr).toMatch(/^error IMPORT_INVALID: nothing was imported/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect((await run('host', 'show', 'bad')).stderr).toContain('NOT_FOUND');
  });

  it('one that is too large is not even sent', async () => {
    const path = file('large.tar', '');
    truncateSync(path, 10 * 1024 ** 3);

    expect(await run('host', 'import', path, '--name', 'bad')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('67108864 are the most'),
    });
  });

  it('one that is not there, is empty, or is no file is said', async () => {
    expect((await run('host', 'import', join(folder, 'none'), '--name', 'bad')).stderr).toContain('NOT_FOUND');
    expect((await run('host', 'import', file('empty.tar', ''), '--name', 'bad')).stderr).toContain('is empty');
    expect((await run('host', 'import', folder, '--name', 'bad')).stderr).toContain('FILE_UNSAFE');
    expect((await run('host', 'import', folder)).stderr).toContain('--name');
  });
});

describe('when there is a list of machines that ought to exist', () => {
  const LIST = 'name;serial;status\nhmi-07;;in use\nhost-1;;in use\nlost-1;;in use\nlost-2;;in use\nold-1;;retired\n';

  it('without one, shares are of what is known, and that is said', async () => {
    const { stdout } = await run('report', 'coverage');
    expect(stdout).toContain('no list of expected machines');
    expect((await run('status')).stdout).toMatch(/^ {2}coverage .* no list of expected machines/m);
  });

  it('a dry run changes nothing; an import says what it adds', async () => {
    const path = file('cmdb.csv', LIST);
    expect((await run('asset', 'import', path, '--dry-run')).stdout).toMatch(
      /^dry run: csv \(csv\): 4 machines expected, 1 gone/,
    );
    expect((await run('asset', 'list')).stdout).toContain('no list of machines that ought to exist');
    expect((await run('asset', 'import', path)).stdout).toContain('+ 5: hmi-07, host-1, lost-1, lost-2, old-1');
    expect((await run('asset', 'list')).stdout).toMatch(/^old-1 .* no +retired/m);
  });

  it('coverage names the missing, counts the imported apart, and adds up', async () => {
    const { stdout } = await run('report', 'coverage');
    expect(stdout).toMatch(/^MISSING[\s\S]*^lost-1 +csv:4 in use[\s\S]*^lost-2 +csv:5/m);
    expect(stdout).toMatch(/^ +4 {2}expected /m);
    const report = (await run('report', 'coverage', '--json')).json<{
      expected: number;
      counts: Record<string, number>;
      notExpected: readonly { name: string }[];
    }>();
    expect(report.counts).toMatchObject({ imported: 1, missing: 2, silent: 1, agent: 0 });
    expect(Object.values(report.counts).reduce((sum, count) => sum + count, 0)).toBe(report.expected);
    expect(report.notExpected.map(({ name }) => name)).toEqual(['press-1']);
    expect((await run('report', 'coverage', '--all')).stdout).toMatch(/^hmi-07 +csv:2 in use .* by name$/m);
    expect((await run('status')).stdout).toMatch(/^ {2}coverage +0 of 4 \(0 %\) report .* 2 missing .* lists as of /m);
  });

  it('a selection counts what it selects, and says what is not known', async () => {
    const { stdout } = await run('report', 'coverage', '--select', 'line=3', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      expected: 1,
      counts: { imported: 1 },
      selection: { unknown: expect.any(Number) },
    });
    expect((await run('report', 'coverage', '--select', 'state=missing', '--json')).json()).toMatchObject({
      expected: 2,
    });
    expect((await run('report', 'coverage', '--select', 'nonsense>>')).exit).toBe(2);
  });

  it('the next file takes the place of the whole list, and says what went', async () => {
    const path = file('cmdb.csv', 'name\nhmi-07\nnew-1\n');
    const { stdout } = await run('asset', 'import', path);
    expect(stdout).toContain('+ 1: new-1');
    expect(stdout).toContain('- 4: host-1, lost-1, lost-2, old-1');
    expect(readFileSync(path, 'utf8')).toContain('new-1');
  });

  it('another file under the same name needs a word; a list with flaws is told line by line', async () => {
    expect((await run('asset', 'import', file('other.csv', 'name\nx\n'))).stderr).toContain(
      '--source csv replaces that one',
    );
    const bad = await run(
      'asset',
      'import',
      file('bad.csv', 'name,mac\na,\na,\n,02:00:00:00:00:01\nb,zz\n'),
      '--source',
      'bad',
    );
    expect(bad.exit).toBe(2);
    expect(bad.stderr).toMatch(
      /line 3 {2}a is in line 2 already\n {2}line 4 {2}it has no name\n {2}line 5 {2}"zz" is no MAC/,
    );
    const left = await run('asset', 'import', join(folder, 'bad.csv'), '--source', 'bad', '--skip-invalid');
    expect(left.stdout).toContain('! 3 were left out; coverage is counted without them');
    const latin = file('latin.csv', Buffer.from('name\nm\xfcller\n', 'latin1'));
    expect((await run('asset', 'import', latin, '--source', 'l')).stderr).toContain('line 2 is not UTF-8');
  });

  it('a list that is removed is expected no more', async () => {
    for (const source of ['csv', 'bad']) expect((await run('asset', 'remove', source)).exit).toBe(0);
    expect((await run('asset', 'remove', 'csv')).stderr).toContain('NOT_FOUND');
    expect((await run('report', 'coverage')).stdout).toContain('no list of expected machines');
  });
});

describe('when somebody asks what can be imported', () => {
  it('the help says every title of tables and every format', async () => {
    const { stdout } = await run('asset', 'import', '--help');
    for (const word of ['servicetag', 'kea-leases4.csv', 'az vm list', 'TERMINATED instance is stopped']) {
      expect(stdout).toContain(word);
    }
  });
});
