// Listening sockets from the tables in /proc/net. Pure; a line it does not understand is an error.
import { CodedError } from '../errors/coded-error.ts';

export interface Socket {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** Number of the state in include/net/tcp_states.h. An unconnected UDP socket is "closed" with no peer. */
const LISTEN = '0A';
const CLOSED = '07';
const LINE =
  /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/;

/*
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *    0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1126 1 00000000d49c29c9 100 0 0 10 0
 */
export function parseSockets(text: string, protocol: 'tcp' | 'udp'): readonly Socket[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [, address, port, peer, peerPort, state, inode] = LINE.exec(line) ?? [];
      if (!address || !port || !peer || !inode) {
        throw new CodedError('PARSE', `the table of ${protocol} sockets has a line that is not understood: ${line}`);
      }
      const waits =
        protocol === 'tcp' ? state === LISTEN : state === CLOSED && peerPort === '0000' && /^0+$/.test(peer);

      return waits ? [{ protocol, address: readAddress(address), port: Number.parseInt(port, 16), inode }] : [];
    });
}

/** The kernel prints each 32-bit word in the byte order of the host, which is little-endian wherever Selvage runs. */
function readAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  const groups = bytes.join('').match(/.{4}/g) ?? [];

  // The URL parser writes IPv6 in its canonical short form (RFC 5952).
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
