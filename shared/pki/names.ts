// Names inside certificates: the distinguished name, the signature algorithm, and the two kinds of identity that Selvage
// believes. An identity is one URI in the subject alternative name; the common name is for people to read only.
import * as der from './der.ts';
import { MAX_COMMON_NAME } from './request.ts';

/** X.520 common name. */
export const COMMON_NAME = '2.5.4.3';
/** RFC 5758 section 3.2. */
export const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

/** Name ::= one RDN with one common name, cut to what RFC 5280 allows. */
export function nameOf(commonName: string): der.Node {
  const text = [...commonName].slice(0, MAX_COMMON_NAME).join('');

  return der.sequence(der.set(der.sequence(der.oid(COMMON_NAME), der.utf8(text))));
}

/** AlgorithmIdentifier without parameters (RFC 5758 section 3.2: they MUST be absent). */
export function ecdsaWithSha256(): der.Node {
  return der.sequence(der.oid(ECDSA_WITH_SHA256));
}
