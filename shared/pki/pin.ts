// The pin: one fingerprint over the certificate authority and the root of signed policy, compared at first contact.
// Whoever got it over a trusted way (paper, another shell) needs to trust nothing else on the network.

import { timingSafeEqual } from 'node:crypto';
import { CodedError } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import { fingerprint, onlyCertificate } from './certificate.ts';

export type Pin = `sha256:${string}`;

const PIN = /^sha256:[0-9a-f]{64}$/;

/**
 * The pin of an authority (one PEM block; its DER counts) and the exact bytes of the TUF root. Throws CERTIFICATE_INVALID
 * for more or less than one certificate: TLS trusts every block of a text, so a second one would be trusted unpinned.
 */
export function pinOf(authorityPem: string, tufRootBytes: Uint8Array): Pin {
  const authority = fingerprint(onlyCertificate(authorityPem));

  // Two hashes of fixed length under a name of their own: no bytes can move from one part to the other.
  return `sha256:${sha256(`selvage pin 1\nauthority ${authority}\nroot ${sha256(tufRootBytes)}\n`)}`;
}

/** `text` as a pin. Throws USAGE. */
export function parsePin(text: string): Pin {
  if (!PIN.test(text)) throw new CodedError('USAGE', 'a pin is "sha256:" and 64 hexadecimal digits in lower case');

  return text as Pin;
}

export function samePin(a: Pin, b: Pin): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
