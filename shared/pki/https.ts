// One HTTPS request with one JSON document each way, TLS 1.3 only. It follows no redirect, keeps no connection, and takes
// no more than the bytes and time it was given. Who is trusted is the caller's argument; the system's CAs never are.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, TLSSocket, connect as tlsConnect } from 'node:tls';
import { CodedError, fromDocument } from '../errors/coded-error.ts';

/** Bytes of an answer: a trust document holds a certificate and a TUF root, which grows with the number of keys. */
export const MAX_ANSWER_BYTES = 256 * 1024;

export interface Exchange {
  /** `https://host:port` or `wss://host:port`; any path in it is replaced. */
  readonly url: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly body?: unknown;
  /** Bytes of another kind in the place of `body`. */
  readonly content?: { readonly type: string; readonly bytes: Uint8Array };
  readonly deadlineMs: number;
  /** PEM of the only authority to trust, or `none`: then nothing secret may be sent and the answer proves nothing. */
  readonly trust: { readonly authority: string } | 'none';
  readonly key?: string;
  readonly cert?: string;
  /** MAX_ANSWER_BYTES when left out. */
  readonly maxAnswerBytes?: number;
  /** Opens the way to the server (a proxy's tunnel); TLS goes through it, end to end. Left out: directly. */
  readonly connect?: Connect;
  /** Hears who answers, whatever the status is; before it is known whether they are to be believed. */
  readonly onAnswer?: (answer: Answerer) => void;
}

export interface Answerer {
  readonly headers: IncomingHttpHeaders;
  /** Distinguished name of who issued the certificate that was shown. */
  readonly issuer: string | null;
}

/** Bytes to and from `host` (an IPv6 address without brackets) and `port`. Throws UNREACHABLE, PROXY_REFUSED. */
export type Connect = (
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
) => Promise<Socket>;

/** The host and port of `url`, as sockets take them. */
export function targetOf(url: URL): { readonly host: string; readonly port: number } {
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || HTTPS_PORT) };
}

const HTTPS_PORT = 443;
const SECOND_MS = 1000;

// What OpenSSL and Node call a server that is not the one expected; everything else on the way is the network's.
const EXPIRED = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
const UNTRUSTED = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * The JSON document of a 2xx answer. An error document becomes its CodedError; a server that cannot be reached in time
 * is UNREACHABLE, one that cannot prove itself CERTIFICATE_INVALID or CERTIFICATE_EXPIRED, and an answer that is no
 * bounded JSON document FRAME_INVALID or FRAME_TOO_LARGE. Throws USAGE for a url that is not https or wss.
 */
export async function exchange(options: Exchange): Promise<unknown> {
  const url = endpoint(options.url, options.path);
  // The deadline is a fact of the socket, not of the program's own time: no clock argument.
  const signal = AbortSignal.timeout(options.deadlineMs);

  try {
    const way = options.connect
      ? through(await options.connect(targetOf(url), signal), url)
      : { agent: false as const };
    const answer = await send(options, url, way, signal);
    options.onAnswer?.({ headers: answer.headers, issuer: issuerOf(answer.socket) });
    const text = await readAnswer(answer, options.maxAnswerBytes ?? MAX_ANSWER_BYTES);

    return understood(answer, text, url);
  } catch (error) {
    throw explained(error, url, signal, options.deadlineMs);
  }
}

function endpoint(base: string, path: string): URL {
  const url = URL.canParse(base) ? new URL(base) : null;
  if (!url || !['https:', 'wss:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    throw new CodedError(
      'USAGE',
      `${JSON.stringify(base)} is not an address such as https://collector.example.org:7443`,
    );
  }

  return new URL(path, `https://${url.host}`);
}

/** TLS inside the socket, with the options of the request. */
function through(socket: Socket, url: URL): RequestOptions {
  const { host } = targetOf(url);
  const servername = isIP(host) ? '' : host;

  return { createConnection: (options) => tlsConnect({ ...(options as ConnectionOptions), host, servername, socket }) };
}

function send(options: Exchange, url: URL, way: RequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const json = options.body === undefined ? null : Buffer.from(JSON.stringify(options.body));
  const body = options.content?.bytes ?? json;
  const type = options.content?.type ?? 'application/json';

  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: options.method,
      signal,
      // A connection of its own: none that was opened under another trust is ever used again.
      ...way,
      minVersion: 'TLSv1.3',
      ...(options.trust === 'none'
        ? { rejectUnauthorized: false }
        : { ca: [options.trust.authority], rejectUnauthorized: true }),
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.cert === undefined ? {} : { cert: options.cert }),
      headers: {
        accept: 'application/json',
        ...(body ? { 'content-type': type, 'content-length': body.length } : {}),
      },
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}

function issuerOf(socket: Socket): string | null {
  return socket instanceof TLSSocket ? (socket.getPeerX509Certificate()?.issuer ?? null) : null;
}

async function readAnswer(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;

  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Leaving the loop destroys the connection: the rest is never read.
    if (length > maxBytes) {
      throw new CodedError('FRAME_TOO_LARGE', `the answer has more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }

  return Buffer.concat(chunks).toString('utf8');
}

function understood(answer: IncomingMessage, text: string, url: URL): unknown {
  const status = answer.statusCode ?? 0;
  const isJson = (answer.headers['content-type'] ?? '').split(';')[0]?.trim() === 'application/json';
  let document: unknown;

  try {
    document = isJson ? JSON.parse(text) : undefined;
  } catch (error) {
    throw new CodedError('FRAME_INVALID', `${url.host} answered ${status} with broken JSON`, { cause: error });
  }
  if (typeof document !== 'object' || document === null) {
    throw new CodedError('FRAME_INVALID', `${url.host}${url.pathname} answered ${status} without a JSON document`, {
      next: 'check that the address is the one of a collector',
    });
  }
  if (status < 200 || status > 299) throw refusal(fromDocument(document), answer.headers['retry-after']);

  return document;
}

/** With when to come again, where the server says it (RFC 9110 section 10.2.3, in seconds). */
function refusal(error: CodedError, retry = ''): CodedError {
  if (!/^\d{1,9}$/.test(retry)) return error;
  const details = { ...error.details, retryAfterMs: Number(retry) * SECOND_MS };

  return new CodedError(error.code, error.message, { next: error.next, details });
}

/** What the system or OpenSSL called the innermost cause: `ECONNREFUSED`; empty when nothing below has a name. */
export function causeOf(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? causeOf(error.cause) : '';
  if (inner !== '' || error instanceof CodedError) return inner;

  // Of an abort the number is no name.
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Tells a server that could not prove itself from a collector that says the same of a client's certificate. */
const UNPROVEN = { unproven: true } as const;

export const isUnproven = (error: unknown): boolean => error instanceof CodedError && error.details.unproven === true;

function explained(error: unknown, url: URL, signal: AbortSignal, deadlineMs: number): CodedError {
  if (error instanceof CodedError) return error;

  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (EXPIRED.has(code)) {
    return new CodedError('CERTIFICATE_EXPIRED', `the certificate of ${url.host} is not valid now`, {
      cause: error,
      details: UNPROVEN,
      next: 'check the clock of this machine and the certificate of the collector',
    });
  }
  if (UNTRUSTED.has(code)) {
    return new CodedError('CERTIFICATE_INVALID', `${url.host} could not prove that it is the collector (${code})`, {
      cause: error,
      details: UNPROVEN,
      next: 'someone may stand between this machine and the collector; compare the address and the pin',
    });
  }
  const why = signal.aborted ? `no answer within ${deadlineMs} ms` : code || String(error);

  return new CodedError('UNREACHABLE', `${url.host} could not be reached: ${why}`, { cause: error });
}
