// Makes tars byte by byte, good ones and ones that no program would write. For tests only.

interface Entry {
  readonly name: string;
  readonly type?: string;
  /** What the header says; the length of the content when left out. */
  readonly size?: number | string;
  readonly content?: string | Uint8Array;
  readonly link?: string;
  /** Instead of the right sum of the header's bytes. */
  readonly checksum?: number;
  readonly magic?: string;
}

const BLOCK = 512;

/** ustar blocks of the entries; without `open` the two empty blocks that end a tar. */
export function tarOf(entries: readonly Entry[], open = false): Uint8Array {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);

    return [header(entry, content.length), content, padding];
  });

  return new Uint8Array(Buffer.concat([...blocks, Buffer.alloc(open ? 0 : 2 * BLOCK)]));
}

function header(entry: Entry, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const size = entry.size ?? length;
  block.write(entry.name, 0, 100, 'latin1');
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  if (typeof size === 'number') block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else block.write(size, 124, 12, 'latin1');
  block.write('15110000000\0', 136);
  block.write(entry.type ?? '0', 156, 1, 'latin1');
  block.write(entry.link ?? '', 157, 100, 'latin1');
  block.write(entry.magic ?? 'ustar\0', 257, 6, 'latin1');
  block.write('00', 263);
  block.fill(' ', 148, 156);
  const sum = entry.checksum ?? block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);

  return block;
}

/** A record of a POSIX header: its length, counted with itself, then `key=value`. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;

  return `${length}${rest}`;
}

const FACTS = {
  format: '1',
  now: '2026-11-20T10:00:00Z',
  zone: 'Europe/Berlin',
  uptime: '86400.50',
  hostname: 'hmi-07',
  machine: 'a'.repeat(64),
  kernel: '6.1.0-28-amd64',
  kernelversion: '#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)',
  arch: 'x86_64',
  user: '0',
};

export function factsOf(over: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...FACTS, ...over })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

const OS = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n';
const STATUS = `Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.0.17-1~deb12u2

Package: linux-image-6.1.0-28-amd64
Status: install ok installed
Architecture: amd64
Source: linux-signed-amd64 (6.1.119+1)
Version: 6.1.119-1

`;
const LIST = '/var/lib/dpkg/info';

/** What collect.sh writes on a small Debian. */
const DEBIAN: Readonly<Record<string, string>> = {
  facts: factsOf(),
  'os-release': OS,
  'dpkg-status': STATUS,
  'dpkg-updates': '',
  'dpkg-times': `1732000000 ${LIST}/openssl.list\n1732000001 ${LIST}/linux-image-6.1.0-28-amd64.list\n`,
  kernels: '/boot/vmlinuz-6.1.0-28-amd64\n',
  sockets: `# tcp
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1126 1 00000000d49c29c9 100 0 0 10 0
# udp
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
`,
  processes: '/proc/812/comm:sshd\n/proc/812/cgroup:0::/system.slice/ssh.service\n',
  deleted:
    '/proc/812/maps:7f0a3c028000-7f0a3c1bd000 r-xp 00028000 fe:00 131090   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)\n',
  unreadable: '3\n',
  macs: '/sys/class/net/eth0/address:52:54:00:12:34:56\n/sys/class/net/lo/address:00:00:00:00:00:00\n',
  repositories: '\n# file /etc/apt/sources.list\ndeb http://deb.debian.org/debian bookworm main\n',
};

/** A tar of collect.sh with these files; undefined leaves one out. */
export function collected(over: Readonly<Record<string, string | undefined>> = {}): Uint8Array {
  const files = Object.entries({ ...DEBIAN, ...over }).filter(([, content]) => content !== undefined);

  return tarOf([
    { name: 'selvage-collect/', type: '5' },
    ...files.map(([name, content = '']) => ({ name: `selvage-collect/${name}`, content })),
  ]);
}
