// collect.sh on systems as they are: each shell, each tar, each package manager. What it writes is read by the collector's own reader.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { makeRpmDatabase } from '../../agent/providers/rpm/testing/database.ts';
import { openArchive } from '../../collector/imports/archive.ts';
import { readImport } from '../../collector/imports/reading.ts';
import { collectHere, collectInBusybox, type Ran, SCRIPT } from './testing/roots.ts';

const MAX_LINES = 80;
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

async function filesOf({ tar }: Ran): Promise<Readonly<Record<string, string>>> {
  const files = await openArchive(tar);

  return Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')]));
}

async function packagesOf({ tar }: Ran): Promise<readonly string[] | string> {
  const found = (await readImport(tar)).sections.find(({ name }) => name === 'packages');
  if (!found?.zstdJson) return found?.problem?.code ?? 'none';
  const packages = JSON.parse(zstdDecompressSync(found.zstdJson).toString()) as readonly {
    name: string;
    version: string;
  }[];

  return packages.map(({ name, version }) => `${name} ${version}`);
}

const padded = ([name, module]: readonly string[]) => [name, module];

describe('when somebody reads collect.sh', () => {
  const text = readFileSync(SCRIPT, 'utf8');

  it('it has less than 80 lines, may be started, and names nothing that changes a system', () => {
    expect(text.split('\n').length).toBeLessThan(MAX_LINES);
    expect(statSync(SCRIPT).mode & 0o111).not.toBe(0);
    expect(text).not.toMatch(/\b(sudo|curl|wget|nc|ssh|apt-get|systemctl|chmod|chown|mv|kill|eval)\b/);
  });

  it.each(['dash', 'bash', 'sh'])('%s understands it', (shell) => {
    const { status, error } = spawnSync(shell, ['-n', SCRIPT]);
    if (error) return;
    expect(status).toBe(0);
  });
});

needs(['shellcheck'], 'what shellcheck says of collect.sh', () => {
  it('is nothing', () => {
    expect(spawnSync('shellcheck', [SCRIPT], { encoding: 'utf8' }).stdout).toBe('');
  });
});

describe('when collect.sh runs on this machine', () => {
  it.each([
    ['dash', ['dash']],
    ['bash', ['bash', '--posix']],
    ['busybox', ['busybox', 'sh']],
  ] as const)('in %s it writes one file that the collector reads, and leaves nothing else', async (_, command) => {
    const ran = collectHere(command);
    // Not every machine has every shell; the others say so by themselves.
    if (ran.exit === null) return;

    expect({ exit: ran.exit, left: ran.left }).toEqual({ exit: 0, left: ['out.tar'] });
    expect(ran.stdout).toContain('Nothing was changed or sent');
    expect(ran.stdout).toMatch(/selvage host import '.*\/out\.tar' --name /);
    const read = await readImport(ran.tar);
    expect(read.hostname).toBe(hostname());
    expect(read.facts.kernel).toBe(release());
    expect(Math.abs(Date.parse(read.clock) - Date.now())).toBeLessThan(600_000);
  });

  it('refuses to write over a file', () => {
    const folder = temporaryFolder('taken');
    writeFileSync(join(folder, 'taken.tar'), 'mine');
    const { status, stderr } = spawnSync('sh', [SCRIPT, 'taken.tar'], { cwd: folder, encoding: 'utf8' });

    expect([status, stderr]).toEqual([2, expect.stringContaining('exists already')]);
    expect(readFileSync(join(folder, 'taken.tar'), 'utf8')).toBe('mine');
  });

  it.each(['dash', 'bash', 'busybox'])('%s writes nothing where a link leads', (shell) => {
    const folder = temporaryFolder('link');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'out.tar'));
    const args = [...(shell === 'busybox' ? ['sh'] : []), SCRIPT, 'out.tar'];
    const { status, error } = spawnSync(shell, args, { cwd: folder, encoding: 'utf8' });
    if (error) return;

    expect(status).toBe(1);
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  });

  it('says where it may not write', () => {
    const { status, stderr } = spawnSync('sh', [SCRIPT, '/proc/none/out.tar'], { encoding: 'utf8' });

    expect(status).toBe(1);
    expect(stderr).not.toBe('');
  });

  it.runIf(isRoot)('needs no root: another user sees less, and says so', async () => {
    const ran = collectHere(['sh'], { uid: NOBODY });

    expect({ exit: ran.exit, left: ran.left }).toEqual({ exit: 0, left: ['out.tar'] });
    const read = await readImport(ran.tar);
    expect(read.facts.unprivileged).toBe(true);
    const stale = read.sections.find(({ name }) => name === 'staleProcesses');
    const data = JSON.parse(zstdDecompressSync(stale?.zstdJson ?? new Uint8Array()).toString());
    expect(data).toMatchObject({ complete: false });
    expect(data.unreadable).toBeGreaterThan(0);
  });
});

needs(['busybox-static', 'unshare', 'mount'], 'collect.sh where there is nothing but busybox', () => {
  const STATUS =
    'Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nSource: src (0.9)\n\n';

  it('reads the database of dpkg without dpkg', async () => {
    const ran = collectInBusybox({
      'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
      'etc/machine-id': '3d1219c7c4c5404aaa1f6d2a48adfda4\n',
      'var/lib/dpkg/status': STATUS,
      'var/lib/dpkg/info/tool.list': '/usr/bin/tool\n',
      'var/lib/dpkg/updates/.keep': '',
    });

    expect({ exit: ran.exit, left: ran.left }).toEqual({ exit: 0, left: ['out.tar'] });
    // The dot file is no journal, but dpkg's folder is not empty: better refused than short.
    expect(await packagesOf(ran)).toBe('PACKAGE_DATABASE_INTERRUPTED');
    const { facts } = await filesOf(ran);
    expect(facts).toMatch(/^machine=[0-9a-f]{64}$/m);
    expect(facts).not.toContain('3d1219c7');
  });

  it('has every package with its source and time', async () => {
    const ran = collectInBusybox({
      'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
      'var/lib/dpkg/status': STATUS,
      'var/lib/dpkg/info/tool.list': '/usr/bin/tool\n',
    });

    expect(await packagesOf(ran)).toEqual(['tool 1.0-1']);
    expect((await filesOf(ran))['dpkg-times']).toMatch(/^\d+ \/var\/lib\/dpkg\/info\/tool[.]list\n$/);
  });

  it('says what it cannot collect where there is no package manager that it knows', async () => {
    const ran = collectInBusybox({ 'etc/os-release': 'ID=alpine\nVERSION_ID=3.20.1\n' });
    const read = await readImport(ran.tar);

    expect(ran.exit).toBe(0);
    expect(ran.stderr).toContain('not collected: packages: neither dpkg nor rpm is here');
    expect(read.facts).toMatchObject({ packages: null, os: { id: 'alpine' } });
    expect(read.facts.missing).toEqual([expect.stringContaining('neither dpkg nor rpm')]);
  });

  it('takes no password along', async () => {
    const ran = collectInBusybox({
      'etc/os-release': 'ID=debian\n',
      'etc/apt/sources.list': [
        'deb https://user:s3cret@repo.example.org/apt stable main',
        'deb https://user:s3c/r3t@repo.example.org/apt stable main',
        'deb [signed-by=/k.gpg] https://repo.example.org/apt?token=s3cret stable main',
      ].join('\n'),
      'etc/apt/sources.list.d/x.sources':
        'Types: deb\nURIs: https://a:s3cret@b.example.org/\nSuites: x\nComponents: main\n',
      'etc/yum.repos.d/x.repo':
        '[x]\nbaseurl=https://a:s3cret@c.example.org/\nusername=s3cret\npassword = s3cret\nproxy_password=s3cret\nproxy=http://a:s3cret@d/\n',
    });
    const { repositories } = await filesOf(ran);

    expect(repositories).not.toMatch(/s3c/);
    for (const host of ['repo.example.org/apt', 'b.example.org', 'c.example.org']) expect(repositories).toContain(host);
  });
});

needs(['rpm', 'rpmbuild', 'unshare', 'mount'], 'collect.sh where rpm is the package manager', () => {
  it('has every package that rpm lists, as rpm names it', async () => {
    const folder = temporaryFolder('rpm');
    const database = join(folder, 'database');
    makeRpmDatabase(
      database,
      [
        { name: 'tool', epoch: 2, version: '1.0', release: '3.el9' },
        { name: 'other', version: '0.9~rc1', release: '1' },
      ],
      join(folder, 'scratch'),
    );
    writeFileSync(join(folder, '.rpmmacros'), `%_dbpath ${database}\n`);
    writeFileSync(join(folder, 'os-release'), 'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel"\n');
    const ran = collectHere(['sh'], {
      env: { HOME: folder },
      before: `mount -t tmpfs none /var/lib/dpkg && mount --bind ${folder}/os-release /usr/lib/os-release`,
    });

    expect(ran.exit).toBe(0);
    expect(await packagesOf(ran)).toEqual(expect.arrayContaining(['tool 2:1.0-3.el9', 'other 0.9~rc1-1']));
    const { 'rpm-list': list } = await filesOf(ran);
    expect(list).toMatch(/^tool\t2\t1[.]0\t3[.]el9\tnoarch\ttool-1[.]0-3[.]el9[.]src[.]rpm\t\d+\t/m);
  });

  it.each(['dash', 'bash'])(
    'in %s it has the module of each, and with an rpm that knows none every package',
    async (shell) => {
      const folder = temporaryFolder('rpm-modules');
      const database = join(folder, 'database');
      const label = 'nodejs:18:9030020240301111035:rhel9';
      makeRpmDatabase(
        database,
        [
          { name: 'nodejs', version: '18.19.1', release: '1.module+el9.3.0+1+a', module: label },
          { name: 'other', version: '1', release: '1' },
        ],
        join(folder, 'scratch'),
      );
      writeFileSync(join(folder, '.rpmmacros'), `%_dbpath ${database}\n`);
      const before = 'mount -t tmpfs none /var/lib/dpkg';
      const lines = async (path: string) => {
        const env = { HOME: folder, PATH: `${path}:/usr/sbin:/usr/bin:/sbin:/bin` };
        const { 'rpm-list': list = '' } = await filesOf(collectHere([shell], { env, before }));

        return list
          .split('\n')
          .map((line) => line.split('\t'))
          .map(([name, , , , , , , , module]) => [name, module])
          .sort();
      };

      expect(await lines('/nowhere')).toEqual([[''], ['nodejs', label], ['other', '(none)']].map(padded));
      // As rpm 4.11 of el7 behaves: a complaint for each package, none of them listed, and a good end.
      const old = join(folder, 'old');
      mkdirSync(old);
      writeFileSync(
        join(old, 'rpm'),
        `#!/bin/sh
case "$*" in
  --querytags) /usr/bin/rpm --querytags | grep -v MODULARITYLABEL; exit ;;
  *MODULARITYLABEL*) echo 'error: incorrect format: unknown tag' >&2; exit 0 ;;
esac
exec /usr/bin/rpm "$@"
`,
        { mode: 0o755 },
      );
      expect(await lines(old)).toEqual([[''], ['nodejs'], ['other']].map(padded));
    },
  );
});
