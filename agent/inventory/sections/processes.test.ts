import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { copyFileSync, readFileSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isInContainer } from '@selvage/shared/linux/container.ts';
import { deletedCode } from '@selvage/shared/linux/deleted-code.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { testContext, writeTree } from '../testing/context.ts';
import { collectListeners } from './listeners.ts';
import { collectStaleProcesses } from './stale-processes.ts';

const LIBC = '7f0a3c028000-7f0a3c1bd000 r-xp 00028000 fe:00 131090   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)\n';
const STACK = '7ffd5e1f2000-7ffd5e213000 rw-p 00000000 00:00 0        [stack]\n';

describe('when the maps of a process are read', () => {
  it('finds replaced code', () => {
    expect(deletedCode(LIBC + STACK)).toEqual(['/usr/lib/x86_64-linux-gnu/libc.so.6']);
  });

  it.each([
    ['code that is still there', LIBC.replace(' (deleted)', '')],
    ['replaced data that is no code', LIBC.replace('r-xp', 'r--p')],
    ['just-in-time code in memory', LIBC.replace(/\/usr.*6/, '/memfd:doublemapper')],
    ['shared anonymous memory', LIBC.replace(/\/usr.*6/, '/dev/zero')],
    ['System V shared memory', LIBC.replace(/\/usr.*6/, '/SYSV00000000')],
    ['asynchronous I/O', LIBC.replace(/\/usr.*6/, '/[aio]')],
    ['a library unpacked for a moment', LIBC.replace(/\/usr.*6/, '/tmp/jna123.so')],
    ['no file at all', STACK],
  ])('does not count %s', (_, maps) => {
    expect(deletedCode(maps)).toEqual([]);
  });

  it.each(['.dpkg-new', '.dpkg-tmp', ';5f3a09bc', '.#prelink#.n9xQfg'])('takes %s off, which no package has', (odd) => {
    expect(deletedCode(LIBC.replace('.so.6', `.so.6${odd}`))).toEqual(['/usr/lib/x86_64-linux-gnu/libc.so.6']);
  });

  it.each(['\r', '\u2028', '\v'])('is not stopped by %j in the name of a file that somebody maps', (odd) => {
    expect(deletedCode(LIBC + LIBC.replace('libc', `x${odd}y`))).toHaveLength(2);
  });

  it('refuses a line it does not understand', () => {
    expect(() => deletedCode('odd\n')).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });

  it('finds the program of a real process whose file was replaced', async () => {
    const folder = temporaryFolder('stale');
    const program = join(folder, 'sleep');
    copyFileSync('/bin/sleep', program);
    const child = spawn(program, ['60']);
    await once(child, 'spawn');
    // The kernel shows the new program once exec is done; until then the maps are those of this process.
    while (!readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').startsWith(program)) await new Promise(setImmediate);
    unlinkSync(program);
    const maps = readFileSync(`/proc/${child.pid}/maps`, 'utf8').replaceAll(folder, '/usr/local/bin');
    child.kill();

    expect(deletedCode(maps)).toEqual(['/usr/local/bin/sleep']);
  });
});

describe('when control groups are read', () => {
  const id = '0123456789ab';

  it.each([
    `/system.slice/docker-${id}.scope`,
    `/docker/${id}`,
    `/system.slice/system.slice:docker:${id}`,
    `/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`,
    `/system.slice/web.service/libpod-payload-${id}`,
    '/lxc.payload.web/init.scope',
    '/lxc/web',
    '/machine.slice/systemd-nspawn@web.service/payload/init.scope',
    String.raw`/machine.slice/machine-web\x2d1.scope`,
  ])('%s is of a container', (path) => {
    expect(isInContainer(`0::${path}\n`)).toBe(true);
    expect(isInContainer(`12:pids:${path}\n1:name=systemd:${path}\n`)).toBe(true);
  });

  it.each([
    '/system.slice/docker.service',
    '/system.slice/containerd.service',
    '/system.slice/lxcfs.service',
    '/system.slice/docker-volume-local-persist.service',
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-${id}.scope`,
    String.raw`/machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/emulator`,
  ])('%s runs code of the host', (path) => {
    expect(isInContainer(`0::${path}\n`)).toBe(false);
  });
});

describe('when stale processes are looked for', () => {
  const process = (pid: number, name: string, maps: string, cgroup = '0::/system.slice/ssh.service\n') => ({
    [`proc/${pid}/comm`]: `${name}\n`,
    [`proc/${pid}/cgroup`]: cgroup,
    [`proc/${pid}/stat`]: `${pid} (${name}) S 1 1 1 0 -1 4194560 1 2\n`,
    [`proc/${pid}/exe`]: `→ /usr/sbin/${name}`,
    [`proc/${pid}/maps`]: maps,
  });

  it('names program, files, service and package', async () => {
    const root = temporaryFolder('proc');
    writeTree(root, {
      ...process(10, 'sshd', LIBC),
      ...process(11, 'fresh', STACK),
      ...process(12, 'odd', LIBC.replace('/usr/lib/x86_64-linux-gnu/libc.so.6', '/home/me/.cache/x.so')),
      ...process(13, 'inside', LIBC, '0::/system.slice/docker-0123.scope\n'),
      ...process(14, 'data', LIBC.replace('/usr/lib/x86_64-linux-gnu/libc.so.6', '/srv/app/plugin.so')),
      'proc/uptime': 'x',
      'var/lib/dpkg/info/libc6:amd64.list': '/lib/x86_64-linux-gnu/libc.so.6\n',
      'var/lib/dpkg/info/app.list': '/srv/app/plugin.so\n',
    });

    expect(await collectStaleProcesses(testContext({ root, proc: join(root, 'proc') }))).toEqual({
      complete: true,
      unreadable: 0,
      processes: [
        {
          pid: 10,
          program: 'sshd',
          files: ['/usr/lib/x86_64-linux-gnu/libc.so.6'],
          service: 'ssh.service',
          package: 'libc6',
          packages: ['libc6'],
        },
        {
          pid: 14,
          program: 'data',
          files: ['/srv/app/plugin.so'],
          service: 'ssh.service',
          package: 'app',
          packages: ['app'],
        },
      ],
    });
  });

  it('sees what goes on where the first thread of a program has ended, and nothing in a dead child', async () => {
    const root = temporaryFolder('proc');
    const { 'proc/16/exe': exe = '', 'proc/16/maps': maps = '', ...rest } = process(16, 'odd', LIBC);
    const { 'proc/17/exe': _exe, ...dead } = process(17, 'dead', '');
    const stat = (pid: number) => ({ [`proc/${pid}/stat`]: `${pid} (x) Z 1 1 1 0 -1 4194560 1 2\n` });
    writeTree(root, {
      ...{
        ...rest,
        ...stat(16),
        'proc/16/maps': '',
        'proc/16/task/16/maps': '',
        'proc/16/task/20/fd/3': '→ socket:[7]',
      },
      ...{ 'proc/16/task/20/exe': exe, 'proc/16/task/20/maps': maps },
      ...{ ...dead, ...stat(17), 'proc/17/task/17/maps': '' },
      'proc/self/net/tcp':
        'head\n   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1\n',
      'proc/uptime': 'x',
    });
    const context = testContext({ root, proc: join(root, 'proc') });

    const { processes } = await collectStaleProcesses(context);
    expect(processes.map(({ pid, program }) => `${pid} ${program}`)).toEqual(['16 odd']);
    expect(await collectListeners(context)).toMatchObject([{ port: 80, pid: 16, program: 'odd' }]);
  });

  it('takes no process for one of the kernel because it calls itself so', async () => {
    const root = temporaryFolder('proc');
    const files: Record<string, string> = process(15, 'x) S 1 1 1 0 -1 2097152 ', LIBC);
    delete files['proc/15/exe'];
    writeTree(root, { ...files, 'proc/uptime': 'x' });

    const { complete, processes } = await collectStaleProcesses(testContext({ root, proc: join(root, 'proc') }));
    expect([complete, processes.length]).toEqual([true, 1]);
  });

  it('takes this host without an error and says how much it could not see', async () => {
    const { complete, unreadable } = await collectStaleProcesses(testContext());

    expect(complete).toBe(unreadable === 0);
  });
});

describe('when listeners are looked for', () => {
  it('finds real sockets of this process, and not one that only connects', async () => {
    const tcp = createServer().listen(0, '127.0.0.1');
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
    const address = tcp.address();
    const tcpPort = typeof address === 'object' ? address?.port : 0;
    const udpPort = udp.address().port;
    const found = await collectListeners(testContext());
    tcp.close();
    udp.close();

    expect(found.filter(({ pid }) => pid === process.pid)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ protocol: 'tcp', address: '127.0.0.1', port: tcpPort, program: 'node' }),
        expect.objectContaining({ protocol: 'udp', address: '127.0.0.1', port: udpPort, program: 'node' }),
      ]),
    );
  });

  it('names the service of a socket that init opened for it, and init only where nobody else has it', async () => {
    const root = temporaryFolder('activated');
    const one = (pid: number, name: string, sockets: readonly number[]) => ({
      [`proc/${pid}/comm`]: `${name}\n`,
      [`proc/${pid}/cgroup`]: '0::/system.slice/docker.service\n',
      [`proc/${pid}/stat`]: `${pid} (${name}) S 1 1 1 0 -1 4194560 1 2\n`,
      [`proc/${pid}/exe`]: `→ /usr/sbin/${name}`,
      ...Object.fromEntries(sockets.map((inode) => [`proc/${pid}/fd/${inode}`, `→ socket:[${inode}]`])),
    });
    const line = (port: string, inode: number) =>
      `   0: 00000000:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`;
    writeTree(root, {
      ...one(1, 'systemd', [7, 8]),
      ...one(812, 'sshd', [7]),
      ...one(900, 'docker-proxy', [9]),
      'proc/self/net/tcp': `head\n${line('0016', 7)}${line('0050', 8)}${line('0051', 9)}`,
      'proc/uptime': 'x',
    });
    const found = await collectListeners(testContext({ root, proc: join(root, 'proc') }));
    expect(found.map(({ port, pid, program }) => `${port} ${pid} ${program}`)).toEqual([
      '22 812 sshd',
      '80 1 systemd',
      '81 900 docker-proxy',
    ]);
  });

  it('knows the package of a service that init will start when somebody calls', async () => {
    const root = temporaryFolder('waiting');
    const line = (port: string, inode: number) =>
      `   0: 00000000:${port} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1\n`;
    writeTree(root, {
      'proc/1/comm': 'systemd\n',
      'proc/1/stat': '1 (systemd) S 0 1 1 0 -1 4194560 1 2\n',
      'proc/1/exe': '→ /usr/lib/systemd/systemd',
      ...Object.fromEntries([7, 8, 9].map((inode) => [`proc/1/fd/${inode}`, `→ socket:[${inode}]`])),
      'proc/self/net/tcp': `head\n${line('0016', 7)}${line('0050', 8)}${line('0277', 9)}`,
      'proc/uptime': 'x',
      // As Ubuntu 24.04 has it: what the generator makes of sshd_config is beside the unit.
      'usr/lib/systemd/system/ssh.socket': '[Socket]\nListenStream=0.0.0.0:2222\nAccept=no\n',
      'run/systemd/generator/ssh.socket.d/addresses.conf': '[Socket]\nListenStream=\nListenStream=0.0.0.0:22\n',
      'usr/lib/systemd/system/ssh.service': '[Service]\nExecStartPre=/usr/bin/x\nExecStart=-/usr/sbin/sshd -D\n',
      'usr/lib/systemd/system/cups.socket': '[Socket]\nListenStream=/run/cups.sock\nListenStream=631\nAccept=yes\n',
      'usr/lib/systemd/system/cups@.service': '[Service]\nExecStart=/usr/sbin/cupsd -l\n',
      'etc/systemd/system/odd.socket': '[Socket]\nListenStream=80\nService=../../../etc/passwd\n',
      'etc/systemd/system/masked.socket': '→ /dev/null',
      'usr/lib/systemd/system/masked.socket': '[Socket]\nListenStream=80\nService=ssh.service\n',
      'var/lib/dpkg/info/openssh-server.list': '/usr/sbin/sshd\n',
      'var/lib/dpkg/info/cups-daemon.list': '/usr/sbin/cupsd\n',
      'var/lib/dpkg/info/systemd.list': '/usr/lib/systemd/systemd\n',
    });
    const found = await collectListeners(testContext({ root, proc: join(root, 'proc') }));
    expect(found.map((one) => `${one.port} ${one.pid} ${one.package}`)).toEqual([
      '22 1 openssh-server',
      '80 1 systemd',
      '631 1 cups-daemon',
    ]);
  });
});
