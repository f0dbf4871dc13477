// The one door to node-forge: its ASN.1 layer, wrapped so that only DER goes out and only DER comes in (X.690 section 10).
// It knows no certificate; see ./authority.ts and ./csr.ts for what is built of it.
import forge from 'node-forge';
import { CodedError } from '../errors/coded-error.ts';

const { asn1 } = forge;
const { Class, Type } = asn1;
/** A certificate request nests 7 deep; deeper is an attempt to exhaust the stack. */
const MAX_DEPTH = 12;
/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
const FIRST_GENERALIZED_YEAR = 2050;

export type Node = forge.asn1.Asn1;
export const TYPES = {
  integer: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  utf8: 12,
  sequence: 16,
  set: 17,
  printable: 19,
} as const;
export type TypeName = keyof typeof TYPES;

// --- building --------------------------------------------------------------------------------------------------------

export const sequence = (...items: readonly Node[]) => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...items]);
export const set = (...items: readonly Node[]) => asn1.create(Class.UNIVERSAL, Type.SET, true, [...items]);
export const oid = (dotted: string) => primitive(Type.OID, asn1.oidToDer(dotted).getBytes());
export const octets = (bytes: Uint8Array) => primitive(Type.OCTETSTRING, binary(bytes));
export const utf8 = (text: string) => primitive(Type.UTF8, binary(Buffer.from(text, 'utf8')));
export const truth = () => primitive(Type.BOOLEAN, '\xff');

/** BIT STRING; `unused` is the number of bits at the end that do not count. */
export const bits = (bytes: Uint8Array, unused = 0) =>
  primitive(Type.BITSTRING, String.fromCharCode(unused) + binary(bytes));

/** INTEGER of an unsigned big-endian number, in the fewest bytes (X.690 section 8.3.2). */
export function integer(unsigned: Uint8Array): Node {
  const first = unsigned.findIndex((byte) => byte !== 0);
  const minimal = first === -1 ? Uint8Array.of(0) : unsigned.subarray(first);

  return primitive(Type.INTEGER, ((minimal[0] ?? 0) & 0x80 ? '\0' : '') + binary(minimal));
}

/** [tag] around items (EXPLICIT, or IMPLICIT of a constructed type). */
export const tagged = (tag: number, ...items: readonly Node[]) =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [...items]);

/** [tag] IMPLICIT of a primitive type with that content. */
export const taggedBytes = (tag: number, bytes: Uint8Array) =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes));

/** Time of RFC 5280 section 4.1.2.5: whole seconds, UTC. */
export function time(instant: Temporal.Instant): Node {
  const text = instant.round({ smallestUnit: 'second', roundingMode: 'floor' }).toString();
  const digits = `${text.replaceAll(/[-:TZ]/g, '')}Z`;

  return Number(text.slice(0, 4)) < FIRST_GENERALIZED_YEAR
    ? primitive(Type.UTCTIME, digits.slice(2))
    : primitive(Type.GENERALIZEDTIME, digits);
}

export function encode(node: Node): Uint8Array {
  return new Uint8Array(Buffer.from(asn1.toDer(node).getBytes(), 'latin1'));
}

// --- reading ---------------------------------------------------------------------------------------------------------

/**
 * The tree of `der`. Throws CSR_INVALID unless the bytes are the one canonical encoding of it: what is encoded again
 * differs for indefinite or padded lengths, padded integers and bytes at the end.
 */
export function decode(der: Uint8Array): Node {
  let node: Node;

  try {
    const parse = asn1.fromDer as unknown as (bytes: string, options: object) => Node;
    // Guessing whether a BIT STRING holds ASN.1 is for callers that know; here it never does.
    node = parse(binary(der), { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: MAX_DEPTH });
  } catch (error) {
    throw new CodedError('CSR_INVALID', 'the request is not DER', { cause: error });
  }
  if (!Buffer.from(encode(node)).equals(der)) {
    throw new CodedError('CSR_INVALID', 'the request is not canonical DER');
  }

  return node;
}

/** The items of a SEQUENCE or SET. Throws CSR_INVALID when it is something else or has another number of items. */
export function itemsOf(node: Node | undefined, type: 'sequence' | 'set', count: number): readonly Node[] {
  const items = isUniversal(node, type, true) ? node?.value : undefined;
  if (!Array.isArray(items) || items.length !== count) {
    throw new CodedError('CSR_INVALID', `the request has something else where a ${type} of ${count} items belongs`);
  }

  return items;
}

/** The content bytes of a primitive of one of those types. Throws CSR_INVALID when it is something else. */
export function bytesOf(node: Node | undefined, ...types: readonly TypeName[]): Uint8Array {
  const fits = types.some((type) => isUniversal(node, type, false));
  if (!node || !fits || typeof node.value !== 'string') {
    throw new CodedError('CSR_INVALID', `the request has something else where ${types.join(' or ')} belongs`);
  }

  return new Uint8Array(Buffer.from(node.value, 'latin1'));
}

/** True for a constructed [tag]. */
export function isTagged(node: Node | undefined, tag: number): boolean {
  return node?.tagClass === Class.CONTEXT_SPECIFIC && node.type === tag && node.constructed;
}

function isUniversal(node: Node | undefined, type: TypeName, constructed: boolean): boolean {
  return node?.tagClass === Class.UNIVERSAL && node.type === TYPES[type] && node.constructed === constructed;
}

function primitive(type: forge.asn1.Type, value: string): Node {
  return asn1.create(Class.UNIVERSAL, type, false, value);
}

/** forge keeps bytes in strings, one character per byte. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
