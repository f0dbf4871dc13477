// Opens the WebSocket: TLS 1.3, our certificate, and a server that the stored hosts CA vouches for under the name we
// dialled. The only file of the agent that touches ws. It never retries.
import type { IncomingMessage } from 'node:http';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { isCode } from '@selvage/shared/errors/codes.ts';
import { CONNECT_PATH, MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import { WebSocket } from 'ws';

/** Milliseconds for connecting, TLS and the upgrade together. */
const HANDSHAKE_MS = 20_000;
/** Milliseconds the collector gets to answer our close frame. */
const CLOSE_MS = 2000;
const MAX_FRAGMENTS = 64;
const MAX_CHUNKS = 8192;
const SECOND_MS = 1000;

/** What the connector proves itself with and whom it trusts, all PEM. */
export interface LinkIdentity {
  readonly key: string;
  readonly certificate: string;
  /** The hosts CA, the only one that is trusted. */
  readonly authority: string;
}

/** An open connection. `closed` resolves with the reason when it ends, whoever ended it. */
export interface Wire {
  send(frame: Uint8Array): void;
  /** Hands over every message from now on; until then they wait. */
  listen(onMessage: (frame: Uint8Array) => void): void;
  readonly closed: Promise<CodedError>;
  close(): void;
}

const CERTIFICATE_ERRORS = new Set([
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Throws UNREACHABLE; CERTIFICATE_INVALID or CERTIFICATE_EXPIRED for a collector that cannot prove itself; and the
 * collector's own code (HOST_REVOKED, RATE_LIMITED …) with `details.retryAfterMs` when it refuses the upgrade.
 */
export function dial(url: string, identity: LinkIdentity, signal: AbortSignal): Promise<Wire> {
  const options = {
    key: identity.key,
    cert: identity.certificate,
    ca: identity.authority,
    minVersion: 'TLSv1.3' as const,
    rejectUnauthorized: true,
    perMessageDeflate: false,
    followRedirects: false,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MAX_FRAME_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
    closeTimeout: CLOSE_MS,
  };

  return new Promise((resolve, reject) => {
    const socket = new WebSocket(endpoint(url), options);
    const abort = () => socket.terminate();
    const closed = new Promise<CodedError>((resolveClosed) => {
      let failure: CodedError | null = null;
      socket.on('error', (error) => {
        failure ??= explain(error, url);
        reject(failure);
      });
      socket.once('close', (code) => {
        signal.removeEventListener('abort', abort);
        const error = failure ?? new CodedError('UNREACHABLE', `the connection to ${url} was closed (${code})`);
        reject(error);
        resolveClosed(error);
      });
    });

    socket.once('unexpected-response', (_request, response) => {
      reject(refused(response, url));
      response.destroy();
      socket.terminate();
    });
    socket.once('open', () => resolve(wireOf(socket, closed)));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

function wireOf(socket: WebSocket, closed: Promise<CodedError>): Wire {
  // Messages may arrive together with the end of the handshake: they wait until somebody listens.
  const early: Uint8Array[] = [];
  let deliver = (frame: Uint8Array) => {
    early.push(frame);
  };
  socket.on('message', (data) => {
    if (Buffer.isBuffer(data)) deliver(data);
  });

  return {
    closed,
    send: (frame) => socket.send(frame),
    close: () => socket.close(),
    listen: (onMessage) => {
      deliver = onMessage;
      for (const frame of early.splice(0)) onMessage(frame);
    },
  };
}

function endpoint(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  // Enrollment takes both spellings of the same address.
  if (parsed?.protocol !== 'wss:' && parsed?.protocol !== 'https:') {
    throw new CodedError('SETTINGS_INVALID', `"${url}" is not an address such as wss://collector.example:8440`);
  }
  parsed.protocol = 'wss:';
  parsed.pathname = CONNECT_PATH;

  return parsed;
}

function refused(response: IncomingMessage, url: string): CodedError {
  const { 'selvage-code': code, 'retry-after': retry } = response.headers;
  const seconds = /^\d{1,9}$/.test(retry ?? '') ? Number(retry) : 0;

  return new CodedError(
    isCode(code) ? code : 'UNREACHABLE',
    `${url} refused the connection with status ${response.statusCode}`,
    { details: { retryAfterMs: seconds * SECOND_MS } },
  );
}

function explain(error: Error & { code?: unknown }, url: string): CodedError {
  const code = typeof error.code === 'string' ? error.code : '';
  if (code === 'CERT_HAS_EXPIRED') {
    return new CodedError('CERTIFICATE_EXPIRED', `the certificate of ${url} has expired`, { cause: error });
  }
  if (CERTIFICATE_ERRORS.has(code)) {
    return new CodedError('CERTIFICATE_INVALID', `${url} is not the collector that this host enrolled with`, {
      cause: error,
    });
  }

  return new CodedError('UNREACHABLE', `no connection to ${url}`, { cause: error });
}
