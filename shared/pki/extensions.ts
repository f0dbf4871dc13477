// The certificate extensions of RFC 5280 section 4.2.1 that Selvage writes, one function each.
// Values are checked against their type here, so that no name can carry a second name inside it.

import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { CodedError } from '../errors/coded-error.ts';
import * as der from './der.ts';
import { publicKeyToDer } from './keys.ts';

const OIDS = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
} as const;
/** RFC 5280 section 4.2.1.12. */
const PURPOSES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
/** Bit numbers of RFC 5280 section 4.2.1.3. */
const KEY_USAGE_BITS = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;
/** Tags of GeneralName (RFC 5280 section 4.2.1.6). */
const NAME_TAGS = { dns: 2, uri: 6, ip: 7 } as const;
/** An uncompressed P-256 point. */
const POINT_BYTES = 65;
const KEY_ID_BYTES = 20;

const URN = /^urn:[a-z0-9][a-z0-9-]{1,31}(:[A-Za-z0-9._-]{1,255})+$/;
/** RFC 1123 section 2.1 host names; a wildcard is none. */
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

export interface AlternativeName {
  readonly type: 'uri' | 'dns' | 'ip';
  readonly value: string;
}

/** Section 4.2.1.9: critical; an authority may have no authority below it. */
export function basicConstraints(options: { readonly authority: boolean }): der.Node {
  const value = options.authority ? der.sequence(der.truth(), der.integer(Uint8Array.of(0))) : der.sequence();

  return extension('basicConstraints', value, { critical: true });
}

/** Section 4.2.1.3: critical. */
export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE_BITS)[]): der.Node {
  const numbers: readonly number[] = usages.map((usage) => KEY_USAGE_BITS[usage]);
  const byte = numbers.reduce((sum, number) => sum | (0x80 >> number), 0);

  // Named bits end at the last one that is set (X.690 section 11.2.2).
  return extension('keyUsage', der.bits(Uint8Array.of(byte), 7 - Math.max(...numbers)), { critical: true });
}

/** Section 4.2.1.12: exactly one purpose, so that no certificate of a host can serve and none of a server can log in. */
export function extendedKeyUsage(usage: keyof typeof PURPOSES): der.Node {
  return extension('extKeyUsage', der.sequence(der.oid(PURPOSES[usage])));
}

/** Section 4.2.1.6. Throws CERTIFICATE_INVALID for a value that does not fit its type. */
export function alternativeNames(names: readonly AlternativeName[]): der.Node {
  if (names.length === 0) throw new CodedError('CERTIFICATE_INVALID', 'a certificate needs an alternative name');

  const value = der.sequence(...names.map((name) => der.taggedBytes(NAME_TAGS[name.type], nameBytes(name))));

  return extension('subjectAltName', value);
}

/** Section 4.2.1.2. */
export function subjectKeyIdentifier(publicKey: string): der.Node {
  return extension('subjectKeyIdentifier', der.octets(keyId(publicKey)));
}

/** Section 4.2.1.1. */
export function authorityKeyIdentifier(publicKey: string): der.Node {
  return extension('authorityKeyIdentifier', der.sequence(der.taggedBytes(0, keyId(publicKey))));
}

function extension(name: keyof typeof OIDS, value: der.Node, options: { readonly critical?: boolean } = {}): der.Node {
  const critical = options.critical === true ? [der.truth()] : [];

  return der.sequence(der.oid(OIDS[name]), ...critical, der.octets(der.encode(value)));
}

/** RFC 7093 section 2 method 1: the leftmost 160 bits of SHA-256 over the key's bits. */
function keyId(publicKey: string): Uint8Array {
  const point = publicKeyToDer(publicKey).slice(-POINT_BYTES);

  return new Uint8Array(createHash('sha256').update(point).digest().subarray(0, KEY_ID_BYTES));
}

function nameBytes({ type, value }: AlternativeName): Uint8Array {
  if (type === 'ip') {
    if (isIP(value) !== 0 && !value.includes('%')) return addressBytes(value);
  } else if ((type === 'uri' ? URN : DNS_NAME).test(value)) {
    return new TextEncoder().encode(value);
  }

  throw new CodedError('CERTIFICATE_INVALID', `${JSON.stringify(value)} is not a name of type ${type}`);
}

/** 4 or 16 bytes in network order (RFC 5280 section 4.2.1.6). */
function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number);

  // The URL parser writes every IPv6 address as hexadecimal groups with at most one "::".
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const left = groups(head);
  const right = groups(tail ?? '');
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];

  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
