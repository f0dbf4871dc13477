// Networks from which a token may be redeemed: read, written one way, and asked. IPv4 written as IPv6 (::ffff:10.0.0.1, as a
// socket that listens on both gives it) is IPv4.
import { isIP } from 'node:net';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

const BITS = { 4: 32, 6: 128 } as const;
const MAPPED = 0xffffn;
const MAPPED_BITS = 96;
const IPV4_BITS = 32n;
const GROUPS = 8;
const GROUP_BITS = 16n;

interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/**
 * `10.20.0.0/16` or `2001:db8::/32` in the one way in which it is kept; a single address is a network of itself.
 * Throws USAGE for what is none, and for bits after the prefix: 10.20.3.4/16 is a slip more often than it is meant.
 */
export function networkOf(text: string): string {
  const [address, prefix, ...more] = text.trim().split('/');
  const read = addressOf(address ?? '');
  if (read === null || more.length > 0) throw wrong(text, 'is no network');
  const { family, value } = read;
  const mapped = family === 4 && address?.includes(':') === true;
  const bits = BITS[family];
  const given = prefix === undefined ? bits : bitsOf(prefix) - (mapped ? MAPPED_BITS : 0);
  if (!(given >= 0 && given <= bits)) throw wrong(text, `has a prefix that an IPv${family} network cannot have`);

  const first = (value >> BigInt(bits - given)) << BigInt(bits - given);
  const network = `${written({ family, value: first })}/${given}`;
  if (first !== value) throw wrong(text, `has bits after its prefix; the network is ${network}`);

  return network;
}

/** True when the address of a socket is in one of the networks, each as networkOf writes it. */
export function isWithin(remoteAddress: string, networks: readonly string[]): boolean {
  const address = addressOf(remoteAddress);

  return address !== null && networks.some((network) => contains(network, address));
}

function contains(network: string, { family, value }: Address): boolean {
  const [text = '', prefix = ''] = network.split('/');
  const first = addressOf(text);
  if (first?.family !== family) return false;
  const rest = BigInt(BITS[family] - Number(prefix));

  return value >> rest === first.value >> rest;
}

/** Null for what is no address. A zone (`%eth0`) says where an address is, not what it is. */
function addressOf(text: string): Address | null {
  const [bare = ''] = text.split('%', 1);
  const family = isIP(bare);
  if (family === 4) return { family, value: numberOf(bare.split('.').map(Number), 8n) };
  if (family !== 6) return null;

  const value = numberOf(groupsOf(bare), GROUP_BITS);
  if (value >> IPV4_BITS === MAPPED) return { family: 4, value: value & ((1n << IPV4_BITS) - 1n) };

  return { family, value };
}

/** The eight groups of an IPv6 address; the URL parser brings every spelling into one. */
function groupsOf(address: string): readonly number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array<string>(GROUPS - (before?.length ?? 0) - (after?.length ?? 0)).fill('0');

  return [...(before ?? []), ...zeros, ...(after ?? [])].map((group) => Number.parseInt(group, 16));
}

function numberOf(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n);
}

function written({ family, value }: Address): string {
  const [count, bits] = family === 4 ? [4, 8n] : [GROUPS, GROUP_BITS];
  const parts = Array.from(
    { length: count },
    (_, index) => (value >> (BigInt(count - 1 - index) * bits)) & ((1n << bits) - 1n),
  );
  if (family === 4) return parts.join('.');

  return new URL(`http://[${parts.map((part) => part.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

function bitsOf(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

function wrong(text: string, why: string): CodedError {
  return new CodedError('USAGE', `${JSON.stringify(text.slice(0, 64))} ${why}`, {
    next: 'write it as an address, a slash and a number of bits, such as 10.20.0.0/16 or 2001:db8::/32',
  });
}
