// Proof, by hand, that a server is the collector this host enrolled with. As strict as TLS would be about who vouches, for
// which name and for which purpose; only about dates it tells instead of refusing: a wrong clock or a certificate that
// nobody renewed must not strand a host, and what it carries is signed by others anyway.
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { voucherOf } from './authorities.ts';

/** id-kp-serverAuth (RFC 5280 section 4.2.1.12). */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export interface ServerProof {
  readonly certificate: X509Certificate;
  /** Fingerprint of the trusted authority that vouches for it. */
  readonly authority: Sha256;
  /** What is wrong with its dates by this host's clock: CERTIFICATE_EXPIRED or CLOCK_WRONG. */
  readonly problem: CodedError | null;
}

/**
 * That TLS was spoken with the holder of the certificate's key is TLS's own business; the rest is decided here. Throws
 * CERTIFICATE_INVALID for a certificate that no trusted authority issued directly, that is an authority itself, is not for
 * servers, or is for another name than `host` (a DNS name or an address without brackets).
 */
export function proveServer(given: {
  readonly certificate: X509Certificate | undefined;
  readonly host: string;
  /** PEM each. */
  readonly authorities: readonly string[];
  readonly now: Temporal.Instant;
}): ServerProof {
  const { certificate, host, authorities, now } = given;
  if (!certificate) throw refused(host, 'shows no certificate');
  const authority = voucherOf(certificate, authorities);
  if (authority === null) throw refused(host, 'is vouched for by nobody that this host trusts');
  if (certificate.ca) throw refused(host, 'shows the certificate of an authority');
  if (!(certificate.keyUsage ?? []).includes(SERVER_AUTH))
    throw refused(host, 'shows a certificate that is not for servers');
  if (!isFor(certificate, host)) throw refused(host, 'shows a certificate for another name');

  return { certificate, authority: fingerprint(authority), problem: dated(certificate, host, now) };
}

function isFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host)) return certificate.checkIP(host) !== undefined;
  // RFC 9525 section 6.3: only the alternative names count, never the subject. A dot at the end means the same name: enrollment
  // takes it too. OpenSSL takes one at the beginning for "any name below".
  const name = host.replace(/\.$/, '');

  return !name.startsWith('.') && certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined;
}

function dated(
  { validFromDate, validToDate }: X509Certificate,
  host: string,
  now: Temporal.Instant,
): CodedError | null {
  const at = now.epochMilliseconds;
  if (at >= validToDate.getTime()) {
    return new CodedError('CERTIFICATE_EXPIRED', `the certificate of ${host} ended at ${validToDate.toISOString()}`, {
      next: 'restart the collector, which makes itself a new one, or set the clock of this host',
    });
  }
  if (at < validFromDate.getTime()) {
    return new CodedError('CLOCK_WRONG', `by the clock of this host the certificate of ${host} is not valid yet`);
  }

  return null;
}

function refused(host: string, why: string): CodedError {
  return new CodedError('CERTIFICATE_INVALID', `${host} is not the collector that this host enrolled with: it ${why}`, {
    next: 'find out who answers at that address; nothing was sent',
  });
}
