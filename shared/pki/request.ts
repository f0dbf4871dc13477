// A certificate request (PKCS #10, RFC 2986) as this product writes it: one shape, byte by byte, so that a resident agent,
// which needs one in weeks, holds no ASN.1 library for it. Reading requests of others is ./csr.ts.
import { publicKeyOf, publicKeyToDer, signBytes } from './keys.ts';
import { toPem } from './pem.ts';

/** RFC 5280 appendix A.1, ub-common-name: characters. */
export const MAX_COMMON_NAME = 64;

/** Identifier octets of DER (X.690 section 8.1.2). */
const TAG = { integer: 0x02, bits: 0x03, oid: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, attributes: 0xa0 } as const;
/** Contents of the object identifiers: X.520 common name, and ecdsa-with-SHA256 (RFC 5758 section 3.2). */
const COMMON_NAME = Buffer.from('550403', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');
/** A length from here on takes octets of its own (X.690 section 8.1.3.5). */
const LONG = 0x80;

/** A request for the key, signed by it (RFC 2986 section 4.2). PEM. Throws KEY_UNUSABLE. */
export function createRequest(options: { readonly commonName: string; readonly privateKey: string }): string {
  const name = [...options.commonName].slice(0, MAX_COMMON_NAME).join('');
  const attribute = sequence(encoded(TAG.oid, COMMON_NAME), encoded(TAG.utf8, Buffer.from(name, 'utf8')));
  const info = sequence(
    encoded(TAG.integer, Uint8Array.of(0)),
    sequence(encoded(TAG.set, attribute)),
    publicKeyToDer(publicKeyOf(options.privateKey)),
    encoded(TAG.attributes),
  );
  const algorithm = sequence(encoded(TAG.oid, ECDSA_WITH_SHA256));
  // The first octet of a BIT STRING counts the bits that are left over: none.
  const signature = encoded(TAG.bits, Uint8Array.of(0), signBytes(info, options.privateKey));

  return toPem('CERTIFICATE REQUEST', sequence(info, algorithm, signature));
}

const sequence = (...items: readonly Uint8Array[]) => encoded(TAG.sequence, ...items);

function encoded(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);

  return Buffer.concat([Uint8Array.of(tag, ...lengthOf(content.length)), content]);
}

/** In the fewest octets (X.690 section 10.1). */
function lengthOf(length: number): readonly number[] {
  if (length < LONG) return [length];
  const octets = length < 0x100 ? [length] : [length >> 8, length & 0xff];

  return [LONG + octets.length, ...octets];
}
