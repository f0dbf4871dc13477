// Who can reach an address that a program listens on. Pure; no look-ups.
import type { Exposure } from './decision.ts';

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
/** As people write it, and as RFC 5952 lets programs write it too: what Java listens on at 127.0.0.1 is `::ffff:7f00:1`. */
const MAPPED = /^(?:0*:)+ffff:(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/i;
const MAPPED_HEX = /^(?:0*:)+ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;
const IPV6 = /^[0-9a-f:]*:[0-9a-f:.]*$/i;
const ANY: readonly string[] = ['', '*', '0.0.0.0', '::', '[::]'];

/**
 * `small`: this machine only (RFC 1122 127/8, ::1). `controlled`: private, shared or link-local (RFC 1918, 6598, 3927, 4193, 4291).
 * `open`: every address of the machine, a public one, and whatever cannot be read: nobody knows that it is closed.
 */
export function reachOf(address: string): Exposure {
  const bare = address
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '')
    .toLowerCase();
  if (ANY.includes(bare)) return 'open';
  const four = IPV4.exec(mappedFour(bare) ?? bare);
  if (four) return reachOfFour(four.slice(1).map(Number));
  if (!IPV6.test(bare)) return 'open';
  if (/^(0*:)*0*1$/.test(bare)) return 'small';
  const head = Number.parseInt(bare.split(':')[0] || '0', 16);
  // fc00::/7 and fe80::/10
  if ((head & 0xfe00) === 0xfc00 || (head & 0xffc0) === 0xfe80) return 'controlled';

  return 'open';
}

/** The IPv4 address inside an IPv6 one (RFC 4291, 2.5.5.2); null where there is none. */
function mappedFour(address: string): string | null {
  const [, high, low] = MAPPED_HEX.exec(address) ?? [];
  if (high === undefined || low === undefined) return MAPPED.exec(address)?.[1] ?? null;

  return [high, low]
    .map((part) => Number.parseInt(part, 16))
    .flatMap((part) => [part >> 8, part & 0xff])
    .join('.');
}

function reachOfFour([a = 0, b = 0, c = 0, d = 0]: readonly number[]): Exposure {
  if ([a, b, c, d].some((part) => part > 255)) return 'open';
  if (a === 0) return 'open';
  if (a === 127) return 'small';
  const isPrivate = a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
  const isShared = a === 100 && b >= 64 && b <= 127;
  const isLinkLocal = a === 169 && b === 254;

  return isPrivate || isShared || isLinkLocal ? 'controlled' : 'open';
}
