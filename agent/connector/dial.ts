// Opens the WebSocket: the way there, TLS 1.3 with our certificate, proof of who answers, and only then the upgrade. The
// only file of the agent that touches ws. It never retries.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { isCode } from '@selvage/shared/errors/codes.ts';
import { type Connect, targetOf } from '@selvage/shared/pki/https.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { CONNECT_PATH, MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import { WebSocket } from 'ws';
import { deadline } from './deadline.ts';
import { proveServer, type ServerProof } from './server-proof.ts';

/** Milliseconds for the way there, TLS and the upgrade together. */
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
  /** The hosts CAs, the only ones that are trusted. */
  readonly authorities: readonly string[];
}

/** An open connection. `closed` resolves with the reason when it ends, whoever ended it. */
export interface Wire {
  send(frame: Uint8Array): void;
  /** Hands over every message from now on; until then they wait. */
  listen(onMessage: (frame: Uint8Array) => void): void;
  readonly closed: Promise<CodedError>;
  close(): void;
}

export interface DialOptions {
  readonly url: string;
  readonly identity: LinkIdentity;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Throws UNREACHABLE; PROXY_REFUSED; CERTIFICATE_INVALID for a server that is not the collector; and the collector's own
 * code (HOST_REVOKED, RATE_LIMITED …) with `details.retryAfterMs` and `details.byCollector` when it refuses the upgrade.
 */
export async function dial(options: DialOptions): Promise<{ readonly wire: Wire; readonly server: ServerProof }> {
  const { clock, signal } = options;
  const url = endpoint(options.url);
  const late = new AbortController();
  const opened = open(url, options, AbortSignal.any([signal, late.signal]));

  try {
    return await deadline(clock, HANDSHAKE_MS, opened, signal, `no connection to ${url.host} in ${HANDSHAKE_MS} ms`);
  } catch (error) {
    late.abort();
    // It ends soon, one way or the other; what it was is known already.
    opened.then(
      ({ wire }) => wire.close(),
      () => undefined,
    );
    throw error;
  }
}

async function open(url: URL, { identity, connect, clock, signal: stop }: DialOptions, signal: AbortSignal) {
  const { host, port } = targetOf(url);
  const socket = tlsConnect({
    socket: await connect({ host, port }, signal),
    servername: isIP(host) ? '' : host,
    key: identity.key,
    cert: identity.certificate,
    ca: [...identity.authorities],
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['http/1.1'],
    // Dates must not strand a host, and OpenSSL tells one error of several: ./server-proof.ts decides, and it alone.
    rejectUnauthorized: false,
  });
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });

  try {
    if (signal.aborted) abort();
    const server = await proven(socket, host, identity, clock);

    return { wire: await upgrade(url, socket, stop), server };
  } catch (error) {
    socket.destroy();
    throw error instanceof CodedError ? error : unreachable(url, error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function proven(socket: TLSSocket, host: string, { authorities }: LinkIdentity, clock: Clock) {
  await once(socket, 'secureConnect');

  return proveServer({ certificate: socket.getPeerX509Certificate(), host, authorities, now: clock.now() });
}

function upgrade(url: URL, over: TLSSocket, signal: AbortSignal): Promise<Wire> {
  const options = {
    createConnection: () => over,
    perMessageDeflate: false,
    followRedirects: false,
    autoPong: false,
    maxPayload: MAX_FRAME_BYTES,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
    closeTimeout: CLOSE_MS,
  };

  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, options);
    const abort = () => socket.terminate();
    const closed = new Promise<CodedError>((resolveClosed) => {
      let failure: CodedError | null = null;
      socket.on('error', (error) => {
        failure ??= unreachable(url, error);
        reject(failure);
      });
      socket.once('close', (code) => {
        signal.removeEventListener('abort', abort);
        const error = failure ?? new CodedError('UNREACHABLE', `the connection to ${url.host} was closed (${code})`);
        reject(error);
        resolveClosed(error);
      });
    });

    socket.once('unexpected-response', (_request, response) => {
      reject(refused(response, url));
      response.destroy();
      socket.terminate();
    });
    // Control frames are not part of the protocol; answering them would fill memory for one who does not read.
    socket.on('ping', abort);
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

function refused(response: IncomingMessage, url: URL): CodedError {
  const { 'selvage-code': code, 'retry-after': retry } = response.headers;
  const seconds = /^\d{1,9}$/.test(retry ?? '') ? Number(retry) : 0;

  return new CodedError(
    isCode(code) ? code : 'UNREACHABLE',
    `${url.host} refused the connection with status ${response.statusCode}`,
    { details: { retryAfterMs: seconds * SECOND_MS, byCollector: true } },
  );
}

function unreachable(url: URL, cause: unknown): CodedError {
  return new CodedError('UNREACHABLE', `no connection to ${url.host}`, { cause });
}
