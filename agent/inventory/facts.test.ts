import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endOfLife } from '@selvage/shared/linux/eol.ts';
import { compareReleases, flavour, newestFor } from '@selvage/shared/linux/kernel-release.ts';
import { parseShellFacts } from '@selvage/shared/linux/shell-facts.ts';
import { parseSockets } from '@selvage/shared/linux/sockets.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { shippedPackages } from './components.ts';
import { readText } from './files.ts';
import { findOwners, readFileLists } from './owners.ts';
import { writeTree } from './testing/context.ts';

describe('when the end of support is looked up', () => {
  it.each([
    ['debian', '12', '2026-07-11', '2028-06-30'],
    ['ubuntu', '22.04', '2027-04-01', '2032-04-09'],
    ['rhel', '9.4', '2032-05-31', '2036-05-31'],
    ['rocky', '8.10', '2029-05-31', null],
    ['sles', '15', '2019-12-31', '2022-12-31'],
    ['sles', '15.6', '2025-12-31', '2028-12-31'],
    ['alpine', '3.20.3', '2026-04-01', null],
    ['fedora', '42', '2026-05-27', null],
  ])('knows %s %s', (id, version, regular, extended) => {
    expect(endOfLife(id, version)).toMatchObject({ regular, extended });
  });

  it.each([
    ['arch', ''],
    ['debian', ''],
    ['debian', '1'],
    ['ubuntu', '22.0'],
    ['nonesuch', '1'],
  ])('says nothing about %s %s', (id, version) => {
    expect(endOfLife(id, version)).toBeNull();
  });
});

describe('when kernel releases are compared', () => {
  it('counts numbers as numbers', () => {
    const sorted = ['6.1.0-9-amd64', '6.1.0-28-amd64', '6.1.0-100-amd64', '6.10.2-amd64'];

    expect([...sorted].reverse().sort(compareReleases)).toEqual(sorted);
  });

  it('sorts releases of Red Hat as their packages are sorted', () => {
    const sorted = [
      '5.14.0-70.el9_0.x86_64',
      '5.14.0-427.el9.x86_64',
      '5.14.0-427.13.1.el9_4.x86_64',
      '5.14.0-503.11.1.el9_5.x86_64',
    ];

    expect([...sorted].reverse().sort(compareReleases)).toEqual(sorted);
    expect(
      newestFor(
        sorted[2] ?? '',
        sorted.map((release) => ({ release, package: 'kernel-core', version: '1' })),
      ),
    ).toBe(sorted[3]);
  });

  it.each([
    ['6.1.0-28-amd64', 'amd64'],
    ['6.1.0-28-cloud-amd64', 'cloud-amd64'],
    ['5.15.0-91-generic', 'generic'],
    ['6.12.9+bpo-amd64', 'amd64'],
    ['6.1.21-v8+', 'v8+'],
    ['5.14.0-427.13.1.el9_4.x86_64', ''],
    ['5.14.0-427.13.1.el9_4.x86_64+rt', '+rt'],
    ['4.18.0-553.rt7.342.el8_10.x86_64', 'rt'],
    ['5.15.0-205.149.5.1.el9uek.aarch64', 'uek'],
    ['5.14.21-150500.55.52-default', 'default'],
  ])('knows the flavour of %s', (release, expected) => {
    expect(flavour(release)).toBe(expected);
  });
});

describe('when sockets are read', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const rest = '00000000:00000000 00:00000000 00000000     0        0 1126 1 0000000000000000 100 0 0 10 0\n';

  it('takes listening TCP and unconnected UDP, with addresses as people write them', () => {
    const tcp = parseSockets(
      `${head}   0: 0100007F:07E8 00000000:0000 0A ${rest}   1: 0100007F:9DA7 0100007F:AB96 06 ${rest}`,
      'tcp',
    );
    const tcp6 = parseSockets(
      `${head}   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A ${rest}`,
      'tcp',
    );
    const udp = parseSockets(
      `${head}  12: 00000000:0035 00000000:0000 07 ${rest}  13: 0100007F:0035 0100007F:AB96 01 ${rest}`,
      'udp',
    );

    expect(tcp).toEqual([{ protocol: 'tcp', address: '127.0.0.1', port: 2024, inode: '1126' }]);
    expect(tcp6.map(({ address, port }) => [address, port])).toEqual([['::1', 8080]]);
    expect(udp.map(({ address, port }) => [address, port])).toEqual([['0.0.0.0', 53]]);
  });

  it('refuses a line it does not understand', () => {
    expect(() => parseSockets(`${head}   0: odd\n`, 'tcp')).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });
});

describe('when the owner of a file is looked up', () => {
  it('finds it in the lists, across the merged /usr', async () => {
    const info = temporaryFolder('info');
    writeTree(info, {
      'libc6:amd64.list': '/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n',
      'cron.list': '/usr/sbin/cron\n/etc/cron.d\n',
      'cron.md5sums': '/usr/bin/other',
    });
    const owners = findOwners(await readFileLists(info), [
      '/usr/lib/x86_64-linux-gnu/libc.so.6',
      '/lib/x86_64-linux-gnu/libc.so.6',
      '/usr/sbin/cron',
      '/usr/bin/other',
    ]);

    expect(Object.fromEntries(owners)).toEqual({
      '/usr/lib/x86_64-linux-gnu/libc.so.6': 'libc6',
      '/lib/x86_64-linux-gnu/libc.so.6': 'libc6',
      '/usr/sbin/cron': 'cron',
    });
  });
});

describe('when the parts of the agent are listed', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));

  it('has what it brings and what that needs, and nothing of the collector or the tools', () => {
    const names = shippedPackages(lock, 'agent').map(({ name }) => name);

    expect(names).toEqual(expect.arrayContaining(['ws', 'zod', 'systeminformation', 'execa', 'pino']));
    for (const other of ['fastify', 'better-sqlite3', 'vitest', 'typescript']) expect(names).not.toContain(other);
  });

  it('refuses a lock file that does not know it', () => {
    expect(() => shippedPackages({ lockfileVersion: 3, packages: {} }, 'agent')).toThrow(
      expect.objectContaining({ code: 'PARSE' }),
    );
  });
});

describe('when small files are read', () => {
  it('stops at the bound, also for a file without a size', async () => {
    await expect(readText('/proc/self/maps', 10)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    expect(await readText(join(temporaryFolder('files'), 'none'))).toBeNull();
  });

  it('takes shell quoting apart', () => {
    expect(Object.fromEntries(parseShellFacts(`ID=debian\nNAME="A \\"B\\""\nV='1 2'\n# x\n`))).toEqual({
      ID: 'debian',
      NAME: 'A "B"',
      V: '1 2',
    });
  });
});
