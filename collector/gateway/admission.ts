// Who may open a connection: the certificate says which host it is, the store whether that host may still speak.
// Until the certificate has been verified nothing is looked up, parsed or allocated.
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { HostId, Sha256 } from '@selvage/shared/model/ids.ts';
import { fingerprint, hostIdOf } from '@selvage/shared/pki/certificate.ts';
import type { HostReader, HostRecord } from '../store/ports.ts';

/** What a verified certificate says. */
export interface Claim {
  readonly host: HostId;
  readonly certificate: Sha256;
}

const STATUS: Partial<Record<Code, string>> = {
  RATE_LIMITED: '429 Too Many Requests',
  UNREACHABLE: '503 Service Unavailable',
  STORE_FAILED: '503 Service Unavailable',
  NOT_FOUND: '404 Not Found',
};
const UNAUTHORIZED = '401 Unauthorized';
const SECOND_MS = 1000;

/** The host that the socket's certificate, issued by the hosts CA, stands for; otherwise why it stands for none. */
export function claimOf(socket: Duplex): Claim | Code {
  if (!(socket instanceof TLSSocket)) return 'UNAUTHENTICATED';
  // Verified by OpenSSL during the handshake: chain to the hosts CA, dates, purpose.
  if (!socket.authorized) return unauthorized(socket);

  const certificate = socket.getPeerX509Certificate();
  const host = certificate ? hostIdOf(certificate) : null;
  if (!certificate || host === null) return 'CERTIFICATE_INVALID';

  return { host, certificate: fingerprint(certificate.raw) };
}

/** The host's record. Throws CERTIFICATE_INVALID (unknown host, replaced certificate) or HOST_REVOKED. */
export async function admit(hosts: HostReader, claim: Claim): Promise<HostRecord> {
  const host = await hosts.byId(claim.host);
  if (host === null) throw new CodedError('CERTIFICATE_INVALID', `no host ${claim.host} is enrolled here`);
  if (host.state !== 'active') throw new CodedError('HOST_REVOKED', `host ${host.name} is revoked`);
  if (host.certificate !== claim.certificate) {
    throw new CodedError('CERTIFICATE_INVALID', `host ${host.name} has another certificate now`);
  }

  return host;
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

function unauthorized(socket: TLSSocket): Code {
  // The reason of OpenSSL, by its documented short name; without a certificate there is none to speak of.
  const reason: unknown = socket.authorizationError;
  if (String(reason).includes('CERT_HAS_EXPIRED')) return 'CERTIFICATE_EXPIRED';

  return socket.getPeerX509Certificate() ? 'CERTIFICATE_INVALID' : 'UNAUTHENTICATED';
}
