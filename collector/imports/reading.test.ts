// What is kept of a tar of collect.sh: the sections that an agent would send, each whole or with its reason.
import { zstdDecompressSync } from 'node:zlib';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { SECTION_NAMES, SECTIONS, type Section, type SectionName } from '@selvage/shared/model/inventory.ts';
import { describe, expect, it } from 'vitest';
import { type ReadImport, readImport } from './reading.ts';
import { collected, factsOf } from './testing/tar.ts';

const read = (over: Readonly<Record<string, string | undefined>> = {}) => readImport(collected(over));
const problemOf = ({ sections }: ReadImport, wanted: SectionName) =>
  sections.find(({ name }) => name === wanted)?.problem ?? null;

function dataOf<N extends SectionName>({ sections }: ReadImport, wanted: N): Section<N> {
  const found = sections.find(({ name }) => name === wanted);
  const json = zstdDecompressSync(found?.zstdJson ?? new Uint8Array());
  expect(sha256(json)).toBe(found?.sha256);

  return SECTIONS[wanted].parse(JSON.parse(json.toString())) as Section<N>;
}

const rpm = (...lines: readonly string[]) => lines.map((line) => `${line.replaceAll(' ', '\t')}\n`).join('');
const RED_HAT = {
  'os-release': 'ID="rocky"\nVERSION_ID="9.4"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9.4"\n',
  ...{ 'dpkg-status': undefined, 'dpkg-updates': undefined, 'dpkg-times': undefined },
  facts: factsOf({ kernel: '5.14.0-427.13.1.el9_4.x86_64' }),
  kernels: '/boot/vmlinuz-5.14.0-427.13.1.el9_4.x86_64\n/boot/vmlinuz-5.14.0-427.40.1.el9_4.x86_64\n',
  'rpm-list': rpm(
    'kernel-core (none) 5.14.0 427.13.1.el9_4 x86_64 kernel-5.14.0-427.13.1.el9_4.src.rpm 1720000000 Rocky',
    'kernel-core (none) 5.14.0 427.40.1.el9_4 x86_64 kernel-5.14.0-427.40.1.el9_4.src.rpm 1725000000 Rocky',
    'openssl-libs 1 3.0.7 27.el9 x86_64 openssl-3.0.7-27.el9.src.rpm 1720000001 Rocky',
    'gpg-pubkey (none) 350d275d 6279464b (none) (none) 1720000002 (none)',
    'own-tool 0 1.0 1 noarch (none) 0 (none)',
  ),
  repositories: '\n# file /etc/yum.repos.d/rocky.repo\n[baseos]\nbaseurl=https://dl.example.org/9/BaseOS\ngpgcheck=1\n',
};

describe('when a Debian was collected', () => {
  it('has the sections that an agent would send, in their shapes', async () => {
    const found = await read();

    expect(found.sections.map(({ name }) => name)).toEqual(SECTION_NAMES);
    expect(dataOf(found, 'os')).toMatchObject({ id: 'debian', hostname: 'hmi-07', timezone: 'Europe/Berlin' });
    expect(dataOf(found, 'os').bootedAt).toBe('2026-11-19T09:59:59.5Z');
    expect(dataOf(found, 'packages')).toEqual([
      expect.objectContaining({ name: 'openssl', provider: 'apt', installedAt: '2024-11-19T07:06:40Z' }),
      expect.objectContaining({ source: 'linux-signed-amd64', sourceVersion: '6.1.119+1' }),
    ]);
    expect(dataOf(found, 'kernel')).toMatchObject({ running: '6.1.0-28-amd64', newest: '6.1.0-28-amd64' });
    expect(dataOf(found, 'listeners')).toEqual([expect.objectContaining({ address: '0.0.0.0', port: 22, pid: null })]);
    expect(dataOf(found, 'repositories')).toEqual([
      expect.objectContaining({ id: 'http://deb.debian.org/debian bookworm main', signed: true }),
    ]);
    expect(found.facts).toMatchObject({ packages: 2, rebootRequired: false, staleProcesses: 1, unprivileged: false });
  });

  it('never says 0 of what it cannot know', async () => {
    const found = await read();

    expect(dataOf(found, 'updates')).toMatchObject({ known: false, asOf: null });
    expect(dataOf(found, 'staleProcesses')).toMatchObject({ complete: false, unreadable: 3 });
    expect(dataOf(found, 'repositories')[0]?.problem).toMatchObject({ code: 'NOT_BUILT' });
    for (const name of ['services', 'users', 'containers', 'languagePackages', 'agent', 'changes'] as const) {
      expect(problemOf(found, name)).toMatchObject({ code: 'NOT_BUILT' });
    }
  });

  it('knows the machine by what lists may know it by', async () => {
    const { facts, machineId } = await read({
      facts: factsOf({ product_serial: 'ABC123', board_asset_tag: 'i-0123456789abcdef0' }),
    });

    expect(facts.marks).toEqual({
      serials: ['ABC123'],
      macs: ['52:54:00:12:34:56'],
      instances: ['i-0123456789abcdef0'],
    });
    expect(machineId).toBe('a'.repeat(64));
  });
});

describe('when a Red Hat or a SUSE was collected', () => {
  it('has packages with their sources, without keys, and the kernel that should run', async () => {
    const found = await read(RED_HAT);

    expect(
      dataOf(found, 'packages').map(({ name, version, source, sourceVersion }) => [
        name,
        version,
        source,
        sourceVersion,
      ]),
    ).toEqual([
      ['kernel-core', '5.14.0-427.13.1.el9_4', 'kernel', '5.14.0-427.13.1.el9_4'],
      ['kernel-core', '5.14.0-427.40.1.el9_4', 'kernel', '5.14.0-427.40.1.el9_4'],
      ['openssl-libs', '1:3.0.7-27.el9', 'openssl', '1:3.0.7-27.el9'],
      ['own-tool', '1.0-1', 'own-tool', '1.0-1'],
    ]);
    expect(dataOf(found, 'packages').map(({ provider }) => provider)).toEqual(['dnf', 'dnf', 'dnf', 'dnf']);
    expect(dataOf(found, 'kernel').newest).toBe('5.14.0-427.40.1.el9_4.x86_64');
    expect(dataOf(found, 'reboot')).toMatchObject({ required: true });
    expect(dataOf(found, 'repositories')).toEqual([expect.objectContaining({ id: 'baseos', provider: 'dnf' })]);
  });

  it('has the modules of packages, where collect.sh could ask for them', async () => {
    const label = 'nodejs:18:9030020240301111035:rhel9';
    const found = await read({
      ...RED_HAT,
      'rpm-list': rpm(
        `nodejs 1 18.19.1 1.module+el9.3.0+1+a x86_64 nodejs-18.19.1-1.module+el9.3.0+1+a.src.rpm 1 Rocky ${label}`,
        'bash 0 5.1.8 9.el9 x86_64 bash-5.1.8-9.el9.src.rpm 1 Rocky (none)',
        'gpg-pubkey (none) 350d275d 6279464b (none) (none) 1 (none) (none)',
      ),
    });

    expect(dataOf(found, 'packages').map(({ name, module }) => [name, module])).toEqual([
      ['nodejs', label],
      ['bash', undefined],
    ]);
  });

  it('tells SUSE from the others', async () => {
    const found = await read({ ...RED_HAT, 'os-release': 'ID="sles"\nVERSION_ID="15.6"\nID_LIKE="suse"\n' });

    expect(dataOf(found, 'packages')[0]?.provider).toBe('zypper');
  });
});

describe('when a part was not collected or is not whole', () => {
  it.each([
    ['no list of packages', { 'dpkg-status': undefined }, 'packages', 'NOT_FOUND'],
    ['a list that is cut', { 'dpkg-status': 'Package: x\nStatus: inst' }, 'packages', 'PACKAGE_DATABASE_INVALID'],
    [
      'a list that lacks a package',
      { 'dpkg-times': '1 /var/lib/dpkg/info/gone.list\n' },
      'packages',
      'PACKAGE_DATABASE_INVALID',
    ],
    ['rpm that listed nothing', { 'dpkg-status': undefined, 'rpm-list': '' }, 'packages', 'PACKAGE_DATABASE_INVALID'],
    ['dpkg at work', { 'dpkg-updates': '/var/lib/dpkg/updates/0001\n' }, 'packages', 'PACKAGE_DATABASE_INTERRUPTED'],
    ['no os-release', { 'os-release': undefined }, 'os', 'NOT_FOUND'],
    ['odd sockets', { sockets: '# tcp\n  sl\nodd\n' }, 'listeners', 'PARSE'],
    ['odd maps', { deleted: 'odd\n' }, 'staleProcesses', 'PARSE'],
    ['odd sources', { repositories: '# file /etc/apt/sources.list\nodd line\n' }, 'repositories', 'SETTINGS_INVALID'],
    ['a name that is too long', { 'os-release': `ID=${'x'.repeat(5000)}\n` }, 'os', 'PARSE'],
  ] as const)('%s is a reason, and never a shorter list', async (_, over, section, code) => {
    const found = await read(over);

    expect(problemOf(found, section)).toMatchObject({ code });
    expect(found.facts.packages).toBe(section === 'packages' ? null : 2);
  });

  it.each([
    ['a rpm line with fewer parts', 'openssl 1 3.0.7 27.el9 x86_64 openssl-3.0.7-27.el9.src.rpm 1'],
    ['a rpm line twice', 'a 0 1 1 noarch (none) 1 x\na 0 1 1 noarch (none) 1 x'],
    ['a rpm with an odd name', '../a 0 1 1 noarch (none) 1 x'],
    ['a rpm with an odd source', 'a 0 1 1 noarch a.tar.gz 1 x'],
    ['a rpm with an odd time', 'a 0 1 1 noarch (none) soon x'],
  ])('%s is a reason', async (_, line) => {
    const found = await read({ ...RED_HAT, 'rpm-list': rpm(...line.split('\n')) });

    expect(problemOf(found, 'packages')).toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
  });

  it('a rpm list that is cut is a reason', async () => {
    const found = await read({ ...RED_HAT, 'rpm-list': RED_HAT['rpm-list'].slice(0, -1) });

    expect(problemOf(found, 'packages')).toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
  });

  it.each([
    ['another format', { format: '2' }],
    ['no clock', { now: '' }],
    ['a clock that is none', { now: 'yesterday' }],
    ['no name', { hostname: '' }],
    ['a name that is too long', { hostname: 'x'.repeat(300) }],
    ['a machine id that is no hash', { machine: '3d1219c7' }],
    ['no kernel', { kernel: '' }],
  ])('facts with %s refuse all of it', async (_, over) => {
    await expect(read({ facts: factsOf(over) })).rejects.toMatchObject({ code: 'IMPORT_INVALID' });
  });
});

describe('when processes of containers and odd names are in it', () => {
  it('a process with very many mappings takes no longer for each of them', async () => {
    const deleted = '/proc/1/maps:7f0a-7f0b r-xp 0 fe:00 13 /usr/lib/x.so (deleted)\n'.repeat(200_000);

    expect(dataOf(await read({ deleted }), 'staleProcesses').processes).toMatchObject([{ files: ['/usr/lib/x.so'] }]);
  });

  it('counts what runs deleted code of the machine itself', async () => {
    const map = (pid: number, path: string) => `/proc/${pid}/maps:7f0a-7f0b r-xp 0 fe:00 13 ${path} (deleted)\n`;
    const found = await read({
      processes: [
        '/proc/1/comm:init\n/proc/1/comm:second line of a name\n/proc/1/cgroup:0::/init.scope\n',
        '/proc/2/comm:inside\n/proc/2/cgroup:0::/system.slice/docker-0123.scope\n',
        '/proc/3/comm:jit\n',
      ].join(''),
      deleted:
        map(1, '/usr/lib/libc.so.6') + map(2, '/usr/lib/libc.so.6') + map(3, '/memfd:jit') + map(4, '/usr/sbin/gone'),
    });

    expect(dataOf(found, 'staleProcesses').processes).toEqual([
      { pid: 1, program: 'init', files: ['/usr/lib/libc.so.6'], service: null, package: null },
      { pid: 4, program: '?', files: ['/usr/sbin/gone'], service: null, package: null },
    ]);
  });
});
