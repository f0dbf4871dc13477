// How one authority vouches for the next: a signature over the whole certificate under a name of its own, so that it can
// be taken for no other signature of that key. Whether an authority is to be trusted is decided elsewhere.

import { X509Certificate } from 'node:crypto';
import { hasCode } from '../errors/coded-error.ts';
import type { Sha256 } from '../model/ids.ts';
import type { Authority } from './authority.ts';
import { fingerprint, onlyCertificate } from './certificate.ts';
import { publicKeyFromDer, signBytes, verifyBytes } from './keys.ts';

/** What the signature is over, before the DER of the certificate; see `Authority` in proto/wire.proto. */
const CONTEXT = Buffer.from('selvage-authority-v1\n');

/** `endorser` signs for `certificate` (PEM). Throws CERTIFICATE_INVALID for a text that is not one certificate, KEY_UNUSABLE. */
export function endorse(options: { readonly endorser: Authority; readonly certificate: string }): {
  readonly endorsedBy: Sha256;
  /** ECDSA P-256 with SHA-256, DER. */
  readonly endorsement: Uint8Array;
} {
  const { endorser, certificate } = options;

  return {
    endorsedBy: fingerprint(onlyCertificate(endorser.certificate)),
    endorsement: signBytes(message(certificate), endorser.privateKey),
  };
}

/**
 * True when `endorsement` was made by the key of the certificate `endorser` (PEM, already trusted) over `certificate`
 * (PEM). A mangled signature is false. Throws CERTIFICATE_INVALID for a text that is not one certificate.
 */
export function verifyEndorsement(options: {
  readonly endorser: string;
  readonly certificate: string;
  readonly endorsement: Uint8Array;
}): boolean {
  const { publicKey } = new X509Certificate(onlyCertificate(options.endorser));
  const bytes = message(options.certificate);

  try {
    const key = publicKeyFromDer(publicKey.export({ type: 'spki', format: 'der' }));

    return verifyBytes(bytes, options.endorsement, key);
  } catch (error) {
    // Only P-256 keys endorse; another key has endorsed nothing.
    if (hasCode(error, 'KEY_UNUSABLE')) return false;
    throw error;
  }
}

function message(certificate: string): Uint8Array {
  return Buffer.concat([CONTEXT, onlyCertificate(certificate)]);
}
