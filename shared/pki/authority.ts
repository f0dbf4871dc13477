// Certificate authorities and what they issue: X.509 v3 by RFC 5280, built by hand on ./der.ts, signed by node:crypto.
// It decides nothing: names, times and serials come in as arguments, and no clock or chance is asked here.

import { X509Certificate } from 'node:crypto';
import { CodedError } from '../errors/coded-error.ts';
import * as der from './der.ts';
import * as extension from './extensions.ts';
import { generateKey, keyHash, publicKeyFromDer, publicKeyOf, publicKeyToDer, signBytes } from './keys.ts';
import { ecdsaWithSha256, nameOf } from './names.ts';
import { toPem } from './pem.ts';

/** Bytes of a serial number: 128 random bits (RFC 5280 section 4.1.2.2 allows at most 20 bytes). */
export const SERIAL_BYTES = 16;

/** RFC 5280 section 4.1.2.1: v3 is written as 2. */
const VERSION_3 = 2;
/** Tag of the extensions, and the number of fields of a TBSCertificate that has them and no unique identifiers. */
const EXTENSIONS = 3;
const TBS_FIELDS = 8;

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 PEM. */
  readonly privateKey: string;
}

export interface Validity {
  readonly notBefore: Temporal.Instant;
  readonly notAfter: Temporal.Instant;
  /** SERIAL_BYTES random bytes. */
  readonly serial: Uint8Array;
}

/** A self-signed authority with a new key. It may sign end-entity certificates only (path length 0). */
export function createAuthority(options: Validity & { readonly name: string }): Authority {
  const { privateKey, publicKey } = generateKey();
  const name = nameOf(options.name);
  const tbs = toBeSigned(options, name, name, publicKey, [
    extension.basicConstraints({ authority: true }),
    extension.keyUsage('keyCertSign', 'cRLSign'),
    extension.subjectKeyIdentifier(publicKey),
  ]);

  return { certificate: signed(tbs, privateKey), privateKey };
}

/**
 * A certificate of `authority` for one key and one use, PEM. It never outlives its authority. Throws KEY_UNUSABLE for a
 * key that is not P-256 and CERTIFICATE_INVALID for a name that does not fit its type or no time left to be valid.
 */
export function issue(
  options: Validity & {
    readonly authority: Authority;
    /** SPKI PEM. */
    readonly publicKey: string;
    readonly commonName: string;
    readonly alternativeNames: readonly extension.AlternativeName[];
    readonly usage: 'client' | 'server';
  },
): string {
  const { authority, publicKey, alternativeNames, usage } = options;
  const issuer = new X509Certificate(authority.certificate);
  const authorityKey = publicKeyFromDer(issuer.publicKey.export({ type: 'spki', format: 'der' }));
  const end = Temporal.Instant.fromEpochMilliseconds(issuer.validToDate.getTime());
  const notAfter = Temporal.Instant.compare(options.notAfter, end) < 0 ? options.notAfter : end;
  const tbs = toBeSigned(
    { ...options, notAfter },
    // Chains are followed by comparing names (RFC 5280 section 6.1.3 a.4), so the authority's own bytes are used.
    subjectOf(issuer),
    nameOf(options.commonName),
    publicKey,
    [
      extension.basicConstraints({ authority: false }),
      extension.keyUsage('digitalSignature'),
      extension.extendedKeyUsage(usage),
      extension.alternativeNames(alternativeNames),
      extension.subjectKeyIdentifier(publicKey),
      extension.authorityKeyIdentifier(authorityKey),
    ],
  );

  return signed(tbs, authority.privateKey);
}

/** Throws CERTIFICATE_INVALID unless the key belongs to the certificate and the certificate is one of an authority. */
export function checkAuthority(authority: Authority): void {
  let certificate: X509Certificate;

  try {
    certificate = new X509Certificate(authority.certificate);
  } catch (error) {
    throw new CodedError('CERTIFICATE_INVALID', 'the certificate of the authority cannot be read', { cause: error });
  }
  const der = certificate.publicKey.export({ type: 'spki', format: 'der' });
  if (keyHash(publicKeyFromDer(der)) !== keyHash(publicKeyOf(authority.privateKey))) {
    throw new CodedError('CERTIFICATE_INVALID', 'the key of the authority does not belong to its certificate');
  }
  if (!certificate.ca) throw new CodedError('CERTIFICATE_INVALID', 'the certificate is not one of an authority');
}

/** TBSCertificate of RFC 5280 section 4.1. */
function toBeSigned(
  validity: Validity,
  issuer: der.Node,
  subject: der.Node,
  publicKey: string,
  extensions: readonly der.Node[],
): der.Node {
  const { notBefore, notAfter, serial } = validity;
  // RFC 5280 section 4.1.2.2: positive, and unique per authority; all zeros can only be a broken source of chance.
  if (serial.length !== SERIAL_BYTES || serial.every((byte) => byte === 0)) {
    throw new CodedError('CERTIFICATE_INVALID', `a serial number is ${SERIAL_BYTES} random bytes`);
  }
  if (Temporal.Instant.compare(notBefore, notAfter) >= 0) {
    throw new CodedError('CERTIFICATE_INVALID', `a certificate from ${notBefore} to ${notAfter} would never be valid`);
  }

  return der.sequence(
    der.tagged(0, der.integer(Uint8Array.of(VERSION_3))),
    der.integer(serial),
    ecdsaWithSha256(),
    issuer,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject,
    der.decode(publicKeyToDer(publicKey)),
    der.tagged(EXTENSIONS, der.sequence(...extensions)),
  );
}

/** Certificate of RFC 5280 section 4.1: what is signed, the algorithm again, the signature. */
function signed(tbs: der.Node, privateKey: string): string {
  const signature = signBytes(der.encode(tbs), privateKey);

  return toPem('CERTIFICATE', der.encode(der.sequence(tbs, ecdsaWithSha256(), der.bits(signature))));
}

function subjectOf(certificate: X509Certificate): der.Node {
  const [tbs] = der.itemsOf(der.decode(new Uint8Array(certificate.raw)), 'sequence', 3);
  const [, , , , , subject] = der.itemsOf(tbs, 'sequence', TBS_FIELDS);

  return subject as der.Node;
}
