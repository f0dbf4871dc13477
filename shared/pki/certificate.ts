// What a certificate says about who holds it. Identities are matched whole and exactly: a certificate with any other or
// any further name is nobody's. Whether the certificate is trusted is decided by TLS, before anything here is asked.

import { X509Certificate } from 'node:crypto';
import { CodedError } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import type { HostId, Sha256 } from '../model/ids.ts';
import { fromPem } from './pem.ts';

/** RFC 9562 section 4, lower case, as the collector makes host ids. */
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** Names of admins: what `selvage admin add` takes. */
export const ADMIN_NAME = '[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?';

// Node writes the extension as "TYPE:value, TYPE:value" and quotes a value that contains such punctuation, so a whole
// match means: exactly one name, of type URI, with exactly this text.
const HOST = new RegExp(`^URI:urn:selvage:host:(${UUID})$`);
const ADMIN = new RegExp(`^URI:urn:selvage:admin:(${ADMIN_NAME})$`);

/** Hex SHA-256 of the DER of a certificate, given as PEM or DER. */
export function fingerprint(certificate: string | Uint8Array): Sha256 {
  return sha256(typeof certificate === 'string' ? new Uint8Array(new X509Certificate(certificate).raw) : certificate);
}

/** The same of a certificate that was read already, by OpenSSL: a quarter of the time. */
export function fingerprintOf(certificate: X509Certificate): Sha256 {
  // As pairs of capital digits with colons between them.
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase() as Sha256;
}

/** The DER of a text that is exactly one PEM certificate. Throws CERTIFICATE_INVALID for anything around or after it. */
export function onlyCertificate(pem: string): Uint8Array {
  const der = fromPem('CERTIFICATE', pem);
  if (!der) throw new CodedError('CERTIFICATE_INVALID', 'the text is not exactly one PEM certificate');

  try {
    if (new X509Certificate(der).raw.equals(der)) return der;
  } catch (error) {
    throw new CodedError('CERTIFICATE_INVALID', 'the certificate cannot be read', { cause: error });
  }

  throw new CodedError('CERTIFICATE_INVALID', 'there are bytes after the certificate');
}

/**
 * The certificates of a text that is one or more PEM certificates and nothing else, each as its own text. Throws
 * CERTIFICATE_INVALID otherwise.
 */
export function eachCertificate(pem: string): readonly string[] {
  const blocks = pem.split(/(?<=-----END CERTIFICATE-----\r?\n)(?=-----BEGIN)/);
  for (const block of blocks) onlyCertificate(block);

  return blocks;
}

/** The host a certificate names, null when it names no host or anything besides. */
export function hostIdOf(certificate: X509Certificate): HostId | null {
  return (HOST.exec(certificate.subjectAltName ?? '')?.[1] ?? null) as HostId | null;
}

/** The admin a certificate names, null when it names no admin or anything besides. */
export function adminNameOf(certificate: X509Certificate): string | null {
  return ADMIN.exec(certificate.subjectAltName ?? '')?.[1] ?? null;
}

/** The URI of a host in its certificate. */
export const hostUri = (id: HostId): string => `urn:selvage:host:${id}`;
/** The URI of an admin in their certificate. */
export const adminUri = (name: string): string => `urn:selvage:admin:${name}`;
