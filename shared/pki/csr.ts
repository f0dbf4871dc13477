// Certificate requests (PKCS #10, RFC 2986): made on the host (./request.ts), read by the collector. Of a request only the
// public key and the proof that the sender has its private key are used; every field of the certificate is the collector's word.

import { CodedError, hasCode } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import * as der from './der.ts';
import { publicKeyFromDer, verifyBytes } from './keys.ts';
import { COMMON_NAME, ECDSA_WITH_SHA256 } from './names.ts';
import { fromPem } from './pem.ts';
import { MAX_COMMON_NAME } from './request.ts';

export { createRequest } from './request.ts';

const LABEL = 'CERTIFICATE REQUEST';
/** A P-256 request of ours has about 500 characters; one with many extensions would still fit. */
export const MAX_REQUEST_CHARACTERS = 4096;

export interface CertificateRequest {
  /** What the sender calls itself; shown at most, never believed. */
  readonly commonName: string;
  /** SPKI PEM. */
  readonly publicKey: string;
}

/**
 * What a request from outside says, after it has proven possession of its key. Throws CSR_INVALID for more than
 * MAX_REQUEST_CHARACTERS, other bytes than one canonical PEM and DER encoding, another key than P-256, another algorithm
 * than ecdsa-with-SHA256 and a signature that does not verify. Attributes (wanted extensions) are not looked at.
 */
export function readRequest(pem: string): CertificateRequest {
  const [info, algorithm, signature] = der.itemsOf(der.decode(requestDer(pem)), 'sequence', 3);
  const [version, subject, key, attributes] = der.itemsOf(info, 'sequence', 4);
  if (!Buffer.from(der.bytesOf(version, 'integer')).equals(Buffer.of(0))) throw refused('is not version 1');
  if (!der.isTagged(attributes, 0)) throw refused('has no attributes field (RFC 2986 section 4.1)');

  const [identifier] = der.itemsOf(algorithm, 'sequence', 1);
  if (!sameOid(identifier, ECDSA_WITH_SHA256))
    throw refused('is not signed with ecdsa-with-SHA256 (RFC 5758 section 3.2)');

  const publicKey = readKey(key as der.Node);
  const bits = der.bytesOf(signature, 'bits');
  if (bits[0] !== 0) throw refused('has a signature that is not whole bytes');
  if (!verifyBytes(der.encode(info as der.Node), bits.subarray(1), publicKey)) {
    throw refused('is not signed by its own key');
  }

  return { commonName: readCommonName(subject), publicKey };
}

/**
 * What the runner's key signs to be certified together with a request: it binds the two keys of a host to one
 * enrollment, and a signature over it can be mistaken for no other signature of that key.
 */
export function runnerProofMessage(requestPem: string): Uint8Array {
  return new TextEncoder().encode(`selvage runner key for certificate request ${sha256(requestDer(requestPem))}\n`);
}

function requestDer(pem: string): Uint8Array {
  if (pem.length > MAX_REQUEST_CHARACTERS)
    throw refused(`has ${pem.length} characters, more than ${MAX_REQUEST_CHARACTERS}`);

  const bytes = fromPem(LABEL, pem);
  if (!bytes) throw refused(`is not exactly one PEM block ${LABEL}`);

  return bytes;
}

function readKey(node: der.Node): string {
  try {
    return publicKeyFromDer(der.encode(node));
  } catch (error) {
    if (!hasCode(error, 'KEY_UNUSABLE')) throw error;
    throw new CodedError('CSR_INVALID', `the request was refused: ${error.message}`, { cause: error });
  }
}

/** Name ::= one RDN with one commonName, as createRequest writes it. */
function readCommonName(subject: der.Node | undefined): string {
  const [rdn] = der.itemsOf(subject, 'sequence', 1);
  const [attribute] = der.itemsOf(rdn, 'set', 1);
  const [type, value] = der.itemsOf(attribute, 'sequence', 2);
  if (!sameOid(type, COMMON_NAME)) throw refused('names its sender by something else than a common name');

  const bytes = der.bytesOf(value, 'utf8', 'printable');
  if (bytes.length === 0 || bytes.length > 4 * MAX_COMMON_NAME)
    throw refused('has a common name that is empty or too long');

  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CodedError('CSR_INVALID', 'the common name of the request is not UTF-8', { cause: error });
  }
}

function sameOid(node: der.Node | undefined, dotted: string): boolean {
  return Buffer.from(der.bytesOf(node, 'oid')).equals(der.bytesOf(der.oid(dotted), 'oid'));
}

function refused(why: string): CodedError {
  return new CodedError('CSR_INVALID', `the request ${why}`);
}
