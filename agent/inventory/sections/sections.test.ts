import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { kernelReason } from '@selvage/shared/linux/kernel-release.ts';
import { SECTIONS, type Section } from '@selvage/shared/model/inventory.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { observing, testContext, writeTree } from '../testing/context.ts';
import { collectContainers } from './containers.ts';
import { collectKernel } from './kernel.ts';
import { collectLanguagePackages } from './language-packages.ts';
import { collectOs } from './os.ts';
import { collectReboot } from './reboot.ts';
import { collectServices, parseUnits } from './services.ts';
import { collectUpdaters } from './updaters.ts';
import { collectUsers, parsePasswd } from './users.ts';

const PARSE = expect.objectContaining({ code: 'PARSE' });
const OS = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12"\n';

function host(files: Readonly<Record<string, string>>, packages: Parameters<typeof observing>[0]['installed'] = []) {
  const root = temporaryFolder('inventory');
  writeTree(root, { 'etc/os-release': OS, 'proc/stat': 'cpu 1\nbtime 1763892000\n', ...files });

  return {
    root,
    context: testContext({ root, proc: join(root, 'proc'), observers: [observing({ installed: packages })] }),
  };
}

const NOBODY = 65_534;

describe('when the operating system is described', () => {
  it('says what it is, since when it runs and until when it is supported', async () => {
    const { context } = host({ 'etc/machine-id': 'abc123\n' });

    expect(await collectOs(context)).toMatchObject({
      id: 'debian',
      version: '12',
      codename: 'bookworm',
      machineId: 'abc123',
      timezone: 'Europe/Vienna',
      bootedAt: '2025-11-23T10:00:00Z',
      endOfLife: { regular: '2026-07-11', extended: '2028-06-30' },
    });
  });

  it('follows the link that /etc/os-release is', async () => {
    const root = temporaryFolder('linked');
    writeTree(root, { 'usr/lib/os-release': OS, 'etc/os-release': '→ ../usr/lib/os-release' });

    expect(await collectOs(testContext({ root }))).toMatchObject({ id: 'debian' });
  });

  it('fails without os-release', async () => {
    await expect(collectOs(testContext({ root: temporaryFolder('none') }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('when kernels are looked for', () => {
  it('takes packages whose image is there, and the newest of them', async () => {
    const { context } = host(
      { 'boot/vmlinuz-6.1.0-9-amd64': '', 'boot/vmlinuz-6.1.0-28-amd64': '', 'boot/config-6.1.0-30-amd64': '' },
      [
        { name: 'linux-image-6.1.0-9-amd64', version: '6.1.27-1' },
        { name: 'linux-image-6.1.0-28-amd64', version: '6.1.119-1' },
        { name: 'linux-image-6.1.0-30-amd64', version: '6.1.124-1' },
        { name: 'linux-image-amd64', version: '6.1.124-1' },
      ],
    );
    const kernel = await collectKernel(context);

    expect(kernel.installed.map(({ release, version }) => [release, version])).toEqual([
      ['6.1.0-9-amd64', '6.1.27-1'],
      ['6.1.0-28-amd64', '6.1.119-1'],
    ]);
    expect(kernel.newest).toBe('6.1.0-28-amd64');
  });
});

describe('when it is asked whether a reboot is required', () => {
  const kernel = (facts: Partial<Section<'kernel'>>): Section<'kernel'> => ({
    running: '6.1.0-28-amd64',
    runningVersion: '#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)',
    installed: [{ release: '6.1.0-28-amd64', package: 'linux-image-6.1.0-28-amd64', version: '6.1.119-1' }],
    newest: '6.1.0-28-amd64',
    ...facts,
  });

  it.each<[string, Partial<Section<'kernel'>>, boolean]>([
    ['the newest kernel runs', {}, false],
    ['a newer one is installed', { newest: '6.1.0-30-amd64' }, true],
    ['the same release was installed anew', { runningVersion: '#1 SMP Debian 6.1.115-1 (2024-11-01)' }, true],
    ['a container has no kernel', { installed: [], newest: null }, false],
    ['the running kernel says nothing of its package', { runningVersion: '#1 SMP PREEMPT_DYNAMIC @0' }, false],
  ])('knows when %s', (_, facts, expected) => {
    expect(kernelReason(kernel(facts)) !== null).toBe(expected);
  });

  it('believes the note of this boot, with the packages that wrote it', async () => {
    const { context } = host({ 'run/reboot-required': '', 'run/reboot-required.pkgs': 'libc6\nlibc6\ndbus\n' });

    expect(await collectReboot(context)).toEqual({
      required: true,
      reasons: ['asked for in /run/reboot-required by dbus, libc6'],
    });
  });

  it('does not believe a note from before the last boot', async () => {
    const { root, context } = host({ 'run/reboot-required': '' });
    utimesSync(join(root, 'run/reboot-required'), 1_763_800_000, 1_763_800_000);

    expect(await collectReboot(context)).toEqual({ required: false, reasons: [] });
  });
});

describe('when users are listed', () => {
  it('takes those who may log in', async () => {
    const { context } = host({
      'etc/passwd':
        'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nsync:x:4:65534::/bin:/bin/sync\nme:x:1000:1000:Me,,,:/home/me:\n+nis::::::\n',
    });

    expect((await collectUsers(context)).map(({ name, shell }) => [name, shell])).toEqual([
      ['root', '/bin/bash'],
      ['me', '/bin/sh'],
    ]);
  });

  it('refuses a line it does not understand', () => {
    expect(() => parsePasswd('root:x:zero:0:root:/root:/bin/bash\n')).toThrow(PARSE);
    expect(() => parsePasswd('root:x:0:0\n')).toThrow(PARSE);
  });
});

describe('when services are listed', () => {
  it('reads the list of systemd, without units that are only mentioned', () => {
    expect(
      parseUnits(
        'cron.service          loaded    active   running Regular background program\nauditd.service        not-found inactive dead    auditd.service\n● x.service loaded failed failed X\n',
      ),
    ).toEqual([
      { name: 'cron.service', state: 'active' },
      { name: 'x.service', state: 'failed' },
    ]);
    expect(() => parseUnits('Failed to connect to bus now\n')).toThrow(PARSE);
    expect(() => parseUnits('odd\n')).toThrow(PARSE);
  });

  it('says that it does not know where systemd does not run', async () => {
    await expect(collectServices(host({}).context)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});

describe('when other updaters are looked for', () => {
  const program = { 'usr/bin/unattended-upgrade': '' };
  const on = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n';
  const timer = {
    'usr/lib/systemd/system/apt-daily-upgrade.timer': '[Install]\n',
    'usr/lib/systemd/system/apt-daily-upgrade.service': '[Service]\n',
    'etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer': '',
  };

  it.each<[string, Record<string, string>, boolean]>([
    ['on and started by its timer', { 'etc/apt/apt.conf.d/20auto-upgrades': on, ...timer }, true],
    ['on, but nothing starts it', { 'etc/apt/apt.conf.d/20auto-upgrades': on }, false],
    ['switched off', { 'etc/apt/apt.conf.d/20auto-upgrades': on.replaceAll('"1"', '"0"'), ...timer }, false],
  ])('sees unattended-upgrades %s', async (_, files, enabled) => {
    const found = await collectUpdaters(host({ ...program, ...files }).context);

    expect(found).toMatchObject([
      { name: 'unattended-upgrades', kind: 'timer', installs: true, enabled, nextRun: null },
    ]);
    expect(SECTIONS.updaters.safeParse(found).success).toBe(true);
  });

  it('sees none where none is installed', async () => {
    expect(await collectUpdaters(host({ 'etc/apt/apt.conf.d/20auto-upgrades': on }).context)).toEqual([]);
  });
});

describe('when language packages are looked for', () => {
  it('finds npm and pip, also nested and scoped, but not what a package owns or what is none', async () => {
    const { context, root } = host({
      'usr/local/lib/node_modules/a/package.json': '{"name":"a","version":"1.0.0"}',
      'usr/local/lib/node_modules/a/node_modules/@s/b/package.json': '{"name":"@s/b","version":"2.0.0"}',
      'usr/local/lib/node_modules/broken/package.json': '{"name":',
      'usr/lib/node_modules/c/package.json': '{"name":"c","version":"3.0.0"}',
      'usr/local/lib/python3.11/dist-packages/requests-2.31.0.dist-info/METADATA':
        'Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\n\nName: not-this\n',
      'usr/lib/python3/dist-packages/apt-1.0.egg-info/PKG-INFO': 'Name: apt\nVersion: 1.0\n',
      'var/lib/dpkg/info/python3-apt.list': '/usr/lib/python3/dist-packages/apt-1.0.egg-info/PKG-INFO\n',
    });
    const found = await collectLanguagePackages(context);

    expect(found.map(({ ecosystem, name, version }) => [ecosystem, name, version])).toEqual([
      ['npm', 'c', '3.0.0'],
      ['npm', 'a', '1.0.0'],
      ['npm', '@s/b', '2.0.0'],
      ['pypi', 'requests', '2.31.0'],
    ]);
    expect(found.every(({ path }) => path.startsWith(root))).toBe(true);
  });

  it('finds what pip puts into lib64 where a package has a compiled part, and nothing twice where that is a link', async () => {
    const metadata = (name: string) => `Name: ${name}\nVersion: 1.0\n`;
    const { context } = host({
      'usr/local/lib64/python3.9/site-packages/cryptography-1.0.dist-info/METADATA': metadata('cryptography'),
      'usr/lib/python3.9/site-packages/plain-1.0.dist-info/METADATA': metadata('plain'),
      'usr/lib64': '→ lib',
    });

    expect((await collectLanguagePackages(context)).map(({ name }) => name)).toEqual(['plain', 'cryptography']);
  });

  // In /usr/local others than root may write; the inventory is taken by root.
  const planted = 'usr/local/lib/node_modules/planted/package.json';

  it.each([
    ['a FIFO', (path: string) => void execFileSync('mkfifo', [path]), 'FILE_UNSAFE'],
    ['a device', (path: string) => symlinkSync('/dev/zero', path), 'FILE_UNSAFE'],
    ['a folder', (path: string) => mkdirSync(path), 'FILE_UNSAFE'],
    ['a sparse file of 10 GB', (path: string) => truncateSync(path, 10 * 2 ** 30), 'FILE_TOO_LARGE'],
  ])('is held up by no %s that was planted, and says so', async (name, plant, code) => {
    const { context, root } = host({ [planted]: '' });
    if (code === 'FILE_UNSAFE') rmSync(join(root, planted));
    plant(join(root, planted));

    await expect(collectLanguagePackages(context), name).rejects.toMatchObject({ code });
  });

  it('ends where links lead in circles', async () => {
    const files = Array.from({ length: 6 }, (_, at) => [`usr/local/lib/node_modules/p${at}/node_modules`, '→ ..']);
    const { context } = host(Object.fromEntries(files));

    await expect(collectLanguagePackages(context)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });
});

describe('when containers are looked for', () => {
  const docker = (State: object) => JSON.stringify({ ID: 'c1', Config: { Image: 'nginx:1' }, State });

  it('reads the state that Docker and Podman keep', async () => {
    const { context } = host({
      'var/lib/docker/containers/c1/config.v2.json': docker({ Running: true, Paused: false }),
      'var/lib/containers/storage/overlay-containers/containers.json':
        '[{"id":"p1","image":"sha","image-name":"redis:7"}]',
    });

    expect(await collectContainers(context)).toEqual([
      { engine: 'docker', id: 'c1', image: 'nginx:1', state: 'running' },
      { engine: 'podman', id: 'p1', image: 'redis:7', state: 'unknown' },
    ]);
  });

  it('refuses state that it does not understand', async () => {
    const { context } = host({ 'var/lib/docker/containers/c1/config.v2.json': '{"ID":' });

    await expect(collectContainers(context)).rejects.toMatchObject({ code: 'PARSE' });
  });

  it('says that it may not look, instead of "none"', async () => {
    const { context, root } = host({ 'var/lib/docker/containers/c1/config.v2.json': docker({ Running: true }) });
    chmodSync(join(root, 'var/lib/docker'), 0);
    chmodSync(root, 0o755);
    // Root may look anywhere: the test is somebody else for a moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);

    try {
      await expect(collectContainers(context)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(join(root, 'var/lib/docker'), 0o755);
    }
  });
});
