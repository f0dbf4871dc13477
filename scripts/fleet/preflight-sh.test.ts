// The gate in plain sh, on systems as they are: programs that answer what RHEL 7, Ubuntu 18.04 and Alpine do, a real root without
// any C library but musl's loader, a real noexec mount, a real small disk.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';

const GATE = join(import.meta.dirname, '../../packaging/agent/preflight.sh');
const REAL = '/usr/sbin:/usr/bin:/sbin:/bin';
const folder = temporaryFolder('preflight-sh');
const busybox = ['/usr/bin/busybox', '/bin/busybox'];
const asOrdinary = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
let made = 0;

interface System {
  /** Programs that print this and end with 0, or with 1 when they print to standard error. */
  readonly [program: string]: string | { readonly stderr: string };
}

const LINUX: System = { uname: 'case $1 in -m) echo x86_64;; -r) echo 6.1.0-30-amd64;; *) echo Linux;; esac' };
const uname = (machine: string, release: string, system = 'Linux'): System => ({
  uname: `case $1 in -m) echo ${machine};; -r) echo ${release};; *) echo ${system};; esac`,
});
const DEBIAN: System = { ...LINUX, getconf: 'echo glibc 2.36', ldd: 'echo "ldd (Debian GLIBC 2.36-9+deb12u14) 2.36"' };

function gate(system: System, args: readonly string[] = [], shell: readonly string[] = ['sh']) {
  made += 1;
  const bin = join(folder, `${made}`);
  mkdirSync(bin);
  for (const [program, answer] of Object.entries(system)) {
    const body = typeof answer === 'string' ? answer : `echo '${answer.stderr}' >&2; exit 1`;
    writeFileSync(join(bin, program), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
  const [file = 'sh', ...before] = shell;
  const { status, stdout, stderr } = spawnSync(file, [...before, GATE, ...args], {
    ...{ env: { PATH: `${bin}:${REAL}` }, encoding: 'utf8', cwd: '/' },
  });

  return { status, line: stdout.trimEnd(), stderr };
}

const at = [folder, folder] as const;

describe('when the system can run it', () => {
  it('one line says what was found, and none with --quiet', () => {
    const { status, line, stderr } = gate(DEBIAN, at);

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(line).toMatch(/^ready: x64, kernel 6\.1\.0, glibc 2\.36, \d+ MiB free for .*$/);
    expect(gate(DEBIAN, ['--quiet', ...at])).toEqual({ status: 0, line: '', stderr: '' });
  });

  it.each<[string, System]>([
    ['the oldest that is enough', { ...uname('aarch64', '4.18.0-553.el8_10.aarch64'), getconf: 'echo glibc 2.28' }],
    [
      'without getconf',
      { ...LINUX, getconf: 'exit 127', ldd: 'echo "ldd (Ubuntu GLIBC 2.39-0ubuntu8.6) 2.39"; echo Copyright' },
    ],
  ])('%s is taken', (_, system) => expect(gate(system, at)).toMatchObject({ status: 0 }));
});

describe('when it cannot', () => {
  it.each<[string, System, RegExp]>([
    [
      'RHEL 7',
      { ...uname('x86_64', '3.10.0-1160.el7.x86_64'), getconf: 'echo glibc 2.17' },
      /kernel 3\.10\.0-1160\S*, it needs 4\.18 \(and 1 more/,
    ],
    [
      'Ubuntu 18.04',
      { ...uname('x86_64', '5.4.0-150-generic'), getconf: 'echo glibc 2.27' },
      /glibc 2\.27, it needs 2\.28/,
    ],
    ['CentOS 6 without getconf', { ...LINUX, getconf: 'exit 127', ldd: 'echo "ldd (GNU libc) 2.12"' }, /glibc 2\.12/],
    [
      'Alpine',
      {
        ...LINUX,
        getconf: { stderr: 'getconf: GNU_LIBC_VERSION: unknown variable' },
        ldd: {
          stderr:
            'musl libc (x86_64)\nVersion 1.2.5\nDynamic Program Loader\nUsage: /lib/ld-musl-x86_64.so.1 [options] [--] pathname',
        },
      },
      /musl libc, it needs glibc 2\.28/,
    ],
    ['nothing that names its library', { ...LINUX, getconf: 'exit 1', ldd: 'exit 1' }, /neither getconf nor ldd names/],
    ['a glibc that is no number', { ...LINUX, getconf: 'echo glibc new' }, /glibc new/],
    ['a 32-bit machine', { ...DEBIAN, ...uname('i686', '6.1.0') }, /architecture i686, it runs on x64 and arm64/],
    ['s390x', { ...DEBIAN, ...uname('s390x', '6.1.0') }, /architecture s390x/],
    ['another system', { ...DEBIAN, ...uname('amd64', '14.1-RELEASE', 'FreeBSD') }, /FreeBSD, it runs on Linux/],
  ])('%s: says so and to import its files', (_, system, says) => {
    const { status, line, stderr } = gate(system, at);

    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    expect(line).toMatch(/^not ready: HOST_UNSUPPORTED /);
    expect(line).toMatch(says);
    expect(line).toMatch(/; do: .*collect\.sh.*selvage host import FILE/);
    expect(line.split('\n')).toHaveLength(1);
  });

  it('the package for another architecture is told from a machine that cannot', () => {
    expect(gate(DEBIAN, ['--arch', 'arm64', ...at]).line).toMatch(/architecture x64, this is the package for arm64/);
    expect(gate(DEBIAN, ['--arch', 'x64', ...at]).status).toBe(0);
  });

  it('each thing has a line of its own with --verbose, with or without --quiet', () => {
    const { status, line } = gate({ ...uname('x86_64', '3.10.0'), getconf: 'echo glibc 2.17' }, [
      '--quiet',
      '--verbose',
      ...at,
    ]);

    expect(status).toBe(3);
    expect(line.split('\n').map((each) => each.slice(0, 25))).toEqual([
      'not ready: HOST_UNSUPPORT',
      '  HOST_UNSUPPORTED kernel',
      '  HOST_UNSUPPORTED glibc ',
    ]);
  });

  it('a file system whose size nobody tells counts as none', () => {
    expect(gate({ ...DEBIAN, df: 'exit 1' }, at)).toMatchObject({
      status: 3,
      line: expect.stringMatching(/NO_SPACE .* unknown/),
    });
  });

  it('an option that it does not have is a mistake of whoever typed it', () => {
    expect(gate(DEBIAN, ['--loud'])).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error USAGE: /) });
  });
});

needs(['busybox-static', 'unshare'], 'when the system is no more than busybox', () => {
  it('its shell understands the gate as every other does', () => {
    expect(gate(DEBIAN, at, ['busybox', 'sh'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('a root with the loader of musl and nothing else is told what it is', () => {
    const root = join(folder, 'root');
    for (const path of ['bin', 'lib', 'gate', 'dev']) mkdirSync(join(root, path), { recursive: true });
    const program = busybox.find((path) => spawnSync(path, ['true']).status === 0) ?? 'busybox';
    copyFileSync(program, join(root, 'bin/busybox'));
    execFileSync('unshare', [...asOrdinary, '--root', root, '/bin/busybox', '--install', '-s', '/bin']);
    for (const path of ['lib/ld-musl-x86_64.so.1', 'dev/null']) writeFileSync(join(root, path), '');
    copyFileSync(GATE, join(root, 'gate/preflight.sh'));
    chmodSync(join(root, 'gate/preflight.sh'), 0o755);
    const args = [...asOrdinary, '--root', root, '--wd', '/', '/bin/sh', '/gate/preflight.sh', '--verbose'];
    const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', env: { PATH: '/bin' } });

    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    expect(stdout).toMatch(/^not ready: HOST_UNSUPPORTED musl libc, it needs glibc 2\.28/);
  });
});

/** With a file system of its own at `opt`, in a mount namespace that ends with it. */
function mounted(options: string, state: string) {
  const place = join(folder, 'opt');
  mkdirSync(place, { recursive: true });
  const inside = `mount -t tmpfs -o ${options} none "$1" && mkdir "$1/inside" && exec sh "$2" "$1/inside/new" "${state}"`;
  const args = [...asOrdinary, '--mount', 'sh', '-c', inside, 'sh', place, GATE];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', env: { PATH: REAL } });

  return { status, line: stdout, stderr };
}

needs(['mount', 'unshare'], 'when the place is too small, or forbids programs', () => {
  it('a file system of a megabyte is named with what is free there', () => {
    expect(mounted('size=1m', '$1/not/yet')).toMatchObject({
      ...{ status: 3, stderr: '' },
      line: expect.stringMatching(
        /^not ready: NO_SPACE \S+\/inside\/new has \d MiB free, it needs 220 MiB \(and 1 more: --verbose\); do: free/,
      ),
    });
  });

  it('a folder that is mounted noexec is named with its mount', () => {
    expect(mounted('noexec,size=1g', '/tmp')).toMatchObject({
      ...{ status: 3, stderr: '' },
      line: expect.stringMatching(/^not ready: HOST_UNSUPPORTED \S+\/opt\/inside\/new is on \S+\/opt, mounted noexec/),
    });
  });
});
