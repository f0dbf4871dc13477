// Who may open a connection: the certificate says which host it is, the store what that certificate is worth today.
// Until the certificate has been verified nothing is looked up, parsed or allocated.
import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { HostId, Sha256 } from '@selvage/shared/model/ids.ts';
import { fingerprintOf, hostIdOf } from '@selvage/shared/pki/certificate.ts';
import type { Restoration } from '../restorations.ts';
import type { HostReader, HostRecord } from '../store/ports.ts';
import type { Custody } from './custody.ts';
import { type Shown, type Standing, standingOf } from './standing.ts';
import type { UnknownHosts } from './unknown-hosts.ts';

/** What a verified certificate says, and where it came from. */
export interface Claim extends Shown {
  readonly host: HostId;
  readonly certificate: Sha256;
  readonly address: string;
  /** Hash of the public key in it; asked late, because only a renewal needs it. */
  readonly key: () => Sha256;
}

export interface Admission {
  readonly host: HostRecord;
  readonly standing: Exclude<Standing, { verdict: 'refused' }>;
}

const STATUS: Partial<Record<Code, string>> = {
  RATE_LIMITED: '429 Too Many Requests',
  UNREACHABLE: '503 Service Unavailable',
  STORE_FAILED: '503 Service Unavailable',
  NOT_FOUND: '404 Not Found',
};
const UNAUTHORIZED = '401 Unauthorized';
const SECOND_MS = 1000;
/** RFC 5280 section 4.2.1.12: what the certificate of a host is for. */
const CLIENT_PURPOSE = '1.3.6.1.5.5.7.3.2';
/** OpenSSL's short names for what the dates alone can do; the dates are judged with the record, by the collector's clock. */
const DATES = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

const SENTENCES = {
  HOST_REVOKED: 'is revoked',
  HOST_RETIRED: 'is retired: the machine is said to be no more',
  HOST_QUARANTINED: 'is quarantined: its identity was seen in two places',
  HOST_AWAY_TOO_LONG: 'was away for so long that an admin must readmit it',
  CERTIFICATE_SUPERSEDED: 'has another certificate now',
} as const;

/**
 * The host that the socket's certificate, issued by one of `authorities`, stands for; otherwise why it stands for none.
 * `shaken`: the handshake began and ended with exactly these authorities, so that what OpenSSL took need not be asked again.
 */
export function claimOf(socket: Duplex, authorities: readonly X509Certificate[], shaken = false): Claim | Code {
  if (!(socket instanceof TLSSocket)) return 'UNAUTHENTICATED';
  // Verified by OpenSSL during the handshake: chain to a hosts CA, purpose, dates. Where it names the dates, it may have
  // passed over something worse before, so all but the dates is verified again.
  const reason = String(socket.authorizationError);
  if (!socket.authorized && !DATES.has(reason)) {
    return socket.getPeerX509Certificate() ? 'CERTIFICATE_INVALID' : 'UNAUTHENTICATED';
  }
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return 'UNAUTHENTICATED';
  // Also what OpenSSL took: the authority may have been replaced since the handshake of a socket that was kept open.
  if (!(shaken && socket.authorized) && !isIssued(certificate, authorities)) return 'CERTIFICATE_INVALID';

  const host = hostIdOf(certificate);
  if (host === null) return 'CERTIFICATE_INVALID';

  return {
    host,
    certificate: fingerprintOf(certificate),
    from: certificate.validFromDate.getTime(),
    until: certificate.validToDate.getTime(),
    address: socket.remoteAddress ?? 'unknown',
    key: () => keyOf(socket),
  };
}

/** A client certificate of one of the authorities, whatever its dates are. */
export function isIssued(certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  if (certificate.ca || !certificate.keyUsage?.includes(CLIENT_PURPOSE)) return false;

  return authorities.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
}

/**
 * The host's record and what its certificate is worth. Throws CERTIFICATE_INVALID (unknown host), HOST_REVOKED, HOST_RETIRED,
 * HOST_QUARANTINED, HOST_AWAY_TOO_LONG or CERTIFICATE_SUPERSEDED; the last three leave a knock.
 */
export async function admit(
  parts: {
    readonly hosts: HostReader;
    readonly custody: Custody;
    readonly unknown?: UnknownHosts;
    readonly now: Temporal.Instant;
    readonly restorations?: readonly Restoration[];
  },
  claim: Claim,
): Promise<Admission> {
  const host = await parts.hosts.byId(claim.host);
  if (host === null) {
    await parts.unknown?.note({ id: claim.host, address: claim.address });
    throw new CodedError('CERTIFICATE_INVALID', `no host ${claim.host} is enrolled here`);
  }
  const standing = standingOf(host, claim, parts.now, parts.restorations);
  if (standing.verdict !== 'refused') return { host, standing };

  const { code } = standing;
  if (code !== 'HOST_REVOKED' && code !== 'HOST_RETIRED') await parts.custody.knock(host, claim.address, code);
  throw new CodedError(code, `host ${host.name} ${SENTENCES[code]}`);
}

/** True for what is the host's own matter; anything else is a fault of the collector. */
export function isRefusal(code: Code): boolean {
  return code === 'CERTIFICATE_INVALID' || Object.hasOwn(SENTENCES, code);
}

/** Answers an upgrade with an HTTP error, the code in a header, and closes. */
export function refuse(socket: Duplex, code: Code, retryAfterMs = 0): void {
  const retry = retryAfterMs > 0 ? `Retry-After: ${Math.ceil(retryAfterMs / SECOND_MS)}\r\n` : '';
  // Short enough for the kernel's buffer: destroying right after the write loses nothing and waits for nobody.
  socket.write(
    `HTTP/1.1 ${STATUS[code] ?? UNAUTHORIZED}\r\nConnection: close\r\nContent-Length: 0\r\nSelvage-Code: ${code}\r\n${retry}\r\n`,
    () => socket.destroy(),
  );
}

function keyOf(socket: TLSSocket): Sha256 {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) throw new CodedError('UNREACHABLE', 'the connection is closed');

  return sha256(certificate.publicKey.export({ type: 'spki', format: 'der' }));
}
