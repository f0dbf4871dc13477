// Internet addresses and networks as text: 10.20.0.0/16, 10.1.2.3, 2001:db8::/32. Pure. An IPv4 address inside IPv6
// (::ffff:10.1.2.3, as sockets of both families show it) is that IPv4 address.

const V4_BITS = 32;
const V6_BITS = 128;
const GROUPS = 8;
const MAPPED = 0xffffn;

export interface Address {
  readonly bits: typeof V4_BITS | typeof V6_BITS;
  readonly value: bigint;
}

export interface Network extends Address {
  /** Leading bits that count; all of them for a single address. */
  readonly prefix: number;
}

/** Null for what is no address. A zone (`fe80::1%eth0`) is left out. */
export function parseAddress(text: string): Address | null {
  const plain = text.includes('%') ? text.slice(0, text.indexOf('%')) : text;
  if (!plain.includes(':')) return v4(plain);
  const value = v6(plain);
  if (value === null) return null;

  return value >> BigInt(V4_BITS) === MAPPED
    ? { bits: V4_BITS, value: value & 0xffff_ffffn }
    : { bits: V6_BITS, value };
}

/** A network in CIDR notation or one address. Null for anything else, also where bits behind the prefix are set: 10.0.0.1/8. */
export function parseNetwork(text: string): Network | null {
  const [base = '', length, ...more] = text.split('/');
  if (more.length > 0 || base.includes('%')) return null;
  const address = parseAddress(base);
  if (address === null) return null;
  if (length === undefined) return { ...address, prefix: address.bits };
  if (!/^(0|[1-9]\d{0,2})$/.test(length)) return null;
  const asked = Number(length);
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const prefix = base.includes(':') && address.bits === V4_BITS ? asked - (V6_BITS - V4_BITS) : asked;
  if (prefix < 0 || prefix > address.bits) return null;
  const network = { ...address, prefix };

  return head(network, prefix) << rest(network) === address.value ? network : null;
}

export function isInside(address: Address, network: Network): boolean {
  return address.bits === network.bits && head(address, network.prefix) === head(network, network.prefix);
}

function head({ bits, value }: Address, prefix: number): bigint {
  return value >> BigInt(bits - prefix);
}

function rest({ bits, prefix }: Network): bigint {
  return BigInt(bits - prefix);
}

function v4(text: string): Address | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;

  return { bits: V4_BITS, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
}

/** RFC 4291 section 2.2: eight groups of hexadecimal digits, one run of zeros as `::`, the last two also as IPv4. */
function v6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [front, back] = halves.map(groupsOf);
  // The dotted form stands at the very end only.
  if (!front || back === null || (back !== undefined && halves[0]?.includes('.'))) return null;
  const missing = GROUPS - front.length - (back?.length ?? 0);
  if (back === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...front, ...Array.from({ length: missing }, () => 0n), ...(back ?? [])];

  return all.reduce((value, group) => (value << 16n) | group, 0n);
}

function groupsOf(text: string): readonly bigint[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    const dotted = index === parts.length - 1 && part.includes('.') ? v4(part) : null;
    if (dotted) groups.push(dotted.value >> 16n, dotted.value & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }

  return groups.length <= GROUPS ? groups : null;
}
