// Why a collector cannot be reached, told apart as somebody who has to mend it would. Pure: it reads the names that the system
// and OpenSSL gave to what happened.
import type { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';

export interface Attempt {
  /** `host:port` of the collector. */
  readonly target: string;
  /** `host:port` of the proxy on the way, null for none. */
  readonly proxy: string | null;
  readonly deadlineMs: number;
  /** Who issued the certificate that was shown, where one was. */
  readonly issuer: string | null;
  /** What the system or OpenSSL calls it; empty when neither had a name for it. */
  readonly cause: string;
  /** The server could not prove itself. */
  readonly unproven: boolean;
}

export interface Explained {
  readonly code: Code;
  readonly says: string;
  readonly next: string;
}

const NO_NAME = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME', 'EAI_FAIL']);
const NO_ROUTE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN']);
const CUT_OFF = new Set(['ECONNRESET', 'EPIPE']);
const SECOND_MS = 1000;
/** Characters of a name that whoever stands between chose. */
const MAX_ISSUER = 120;

export function explain(error: CodedError, attempt: Attempt): Explained {
  const { code } = error;
  if (code === 'PIN_MISMATCH' || (code === 'CERTIFICATE_INVALID' && attempt.unproven)) return stranger(error, attempt);
  if (code === 'UNREACHABLE') return { code, ...unreachable(attempt) };
  if (code === 'FRAME_INVALID' || code === 'FRAME_TOO_LARGE') {
    return {
      code: 'UNREACHABLE',
      says: `${attempt.target} answers, but not as a collector does`,
      next: 'check the address and the port: hosts connect to the gateway, not to the API',
    };
  }

  return { code, says: error.message, next: error.next };
}

function stranger({ code }: CodedError, { target, issuer }: Attempt): Explained {
  const whose = issuer === null ? '' : ` (its certificate is from "${issuer.slice(0, MAX_ISSUER)}")`;

  return {
    code: code === 'PIN_MISMATCH' ? code : 'CERTIFICATE_INVALID',
    says: `what answers as ${target} is not the collector under the pin${whose}: TLS is intercepted on the way, or the pin is another’s`,
    next: `except ${target} from TLS inspection, or compare the pin with the one that selvage token create prints`,
  };
}

function unreachable({ cause, target, proxy, deadlineMs }: Attempt): Omit<Explained, 'code'> {
  const what = proxy === null ? target : `the proxy ${proxy}`;
  if (NO_NAME.has(cause)) {
    return {
      says: `the name of ${what} is not found`,
      next: 'check its spelling and the name service (/etc/resolv.conf), or name a proxy in the settings',
    };
  }
  if (cause === 'ECONNREFUSED') {
    return { says: `${what} refuses connections`, next: 'check the port, and that it runs: systemctl status selvage' };
  }
  if (NO_ROUTE.has(cause)) {
    return { says: `there is no route to ${what}`, next: 'check the network of this machine (ip route)' };
  }
  if (CUT_OFF.has(cause)) {
    return {
      says: `${what} ends the connection before it greets`,
      next: 'try again in a minute: it may be busy; if it stays so, a firewall on the way ends TLS',
    };
  }
  if (cause === 'EPROTO' || cause.startsWith('ERR_SSL_')) {
    return {
      says: `what answers as ${target} speaks no TLS 1.3`,
      next: `check the port, and except ${target} from TLS inspection`,
    };
  }
  if (cause === '' || cause === 'ETIMEDOUT' || cause === 'ABORT_ERR') {
    return {
      says: `no answer from ${what} within ${deadlineMs / SECOND_MS} s`,
      next: `let ${target} through the firewalls on the way, or name a proxy in the settings`,
    };
  }

  return { says: `${what} cannot be reached (${cause})`, next: 'check the address and the network' };
}
