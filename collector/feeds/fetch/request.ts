// One GET over HTTPS, redirects followed: never to plain http, never many, through the proxy that leads there, under TLS that is
// verified. It hands over the answer's body as it comes; whoever reads it bounds it.
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type Connect, causeOf, targetOf } from '@selvage/shared/pki/https.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Milliseconds from asking until the first byte of the answer. */
const ANSWER_DEADLINE_MS = 30_000;
/** What a server gives as a name of its copy; more is no such thing. */
const MAX_MARK = 500;
const OUT_OF_REACH = 'check the network, HTTPS_PROXY and the address; without internet: selvage feed import FILE';

export interface Asked {
  readonly url: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface Way {
  readonly connect: Connect;
  /** PEM certificates, all that are trusted. */
  readonly authorities: readonly string[];
  readonly agentName: string;
  readonly answerDeadlineMs?: number;
}

export interface Answer {
  /** Null: what was asked for has not changed. */
  readonly body: IncomingMessage | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Bytes that the server announces. */
  readonly length: number | null;
}

/** Throws UNREACHABLE, PROXY_REFUSED, CERTIFICATE_*, FEED_UNAVAILABLE. */
export async function get(asked: Asked, way: Way, signal: AbortSignal): Promise<Answer> {
  let url = addressOf(asked.url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const answer = await ask(url, asked, way, signal);
    const { statusCode: status = 0, headers } = answer;
    if (REDIRECTS.includes(status)) {
      answer.destroy();
      url = followed(url, headers.location);
      continue;
    }
    const marks = { etag: mark(headers.etag), lastModified: mark(headers['last-modified']) };
    if (status === 304) {
      answer.resume();
      // "Not changed" to whoever has not said what it has: believed, nothing would ever be fetched.
      if (asked.etag === null && asked.lastModified === null)
        throw unavailable(`${url.host} answered 304 unasked`, { status });

      return { body: null, ...marks, length: 0 };
    }
    if (status === 200) {
      const length = Number(headers['content-length'] ?? Number.NaN);

      return { body: answer, ...marks, length: Number.isSafeInteger(length) ? length : null };
    }
    answer.destroy();
    // What a server writes beside the number is its own affair.
    throw unavailable(`${url.host} answered ${status}`, {
      status,
      retryable: status >= 500 || status === 429 || status === 408,
    });
  }
  throw unavailable(`${asked.url} was redirected more than ${MAX_REDIRECTS} times`);
}

function ask(url: URL, { etag, lastModified }: Asked, way: Way, outer: AbortSignal): Promise<IncomingMessage> {
  const late = new AbortController();
  const deadlineMs = way.answerDeadlineMs ?? ANSWER_DEADLINE_MS;
  // A real timer: it guards a socket against a server that is silent.
  const timer = setTimeout(() => late.abort(), deadlineMs);
  const signal = AbortSignal.any([outer, late.signal]);

  return open(url, way, signal)
    .then(
      (tunnel) =>
        new Promise<IncomingMessage>((done, failed) => {
          const sent = request(url, {
            method: 'GET',
            signal,
            ...tunnel,
            minVersion: 'TLSv1.2',
            ca: [...way.authorities],
            rejectUnauthorized: true,
            headers: {
              accept: '*/*',
              // Kept as it comes: what unpacks a file unpacks this too.
              'accept-encoding': 'gzip',
              'user-agent': way.agentName,
              ...(etag === null ? {} : { 'if-none-match': etag }),
              ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
            },
          });
          sent.on('response', done);
          sent.on('error', failed);
          sent.end();
        }),
    )
    .catch((error: unknown) => {
      throw explained(error, url, late.signal.aborted ? deadlineMs : null);
    })
    .finally(() => clearTimeout(timer));
}

async function open(url: URL, { connect }: Way, signal: AbortSignal): Promise<RequestOptions> {
  const target = targetOf(url);
  const socket = await connect(target, signal);
  const servername = isIP(target.host) ? '' : target.host;

  return {
    agent: false,
    createConnection: (options) =>
      tlsConnect({ ...(options as ConnectionOptions), host: target.host, servername, socket }),
  };
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'https:') return url;
  throw new CodedError('FEED_UNAVAILABLE', `${JSON.stringify(text.slice(0, MAX_MARK))} is no https address`);
}

function followed(from: URL, location: string | undefined): URL {
  const url = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from.href) : null;
  if (url === null) throw unavailable(`${from.host} redirects to nowhere`);
  if (url.protocol !== 'https:')
    throw unavailable(`${from.host} redirects to ${url.protocol}//${url.host}, which nobody protects`);
  if (url.username !== '' || url.password !== '')
    throw unavailable(`${from.host} redirects to an address with a password`);

  return url;
}

function mark(value: string | undefined): string | null {
  return value === undefined || value.length > MAX_MARK || !/^[\x20-\x7e]+$/.test(value) ? null : value;
}

function unavailable(
  why: string,
  details: { readonly status?: number; readonly retryable?: boolean } = {},
): CodedError {
  return new CodedError('FEED_UNAVAILABLE', why, { details });
}

function explained(error: unknown, url: URL, lateMs: number | null): CodedError {
  // What could not be reached is no collector: the advice is another.
  if (error instanceof CodedError && error.code === 'UNREACHABLE') {
    return new CodedError('UNREACHABLE', error.message, { cause: error, next: OUT_OF_REACH });
  }
  if (error instanceof CodedError) return error;
  if (lateMs !== null) {
    return new CodedError('FEED_UNAVAILABLE', `${url.host} did not answer within ${lateMs} ms`, {
      cause: error,
      details: { retryable: true },
    });
  }
  const code = causeOf(error);
  if (/CERT|SIGNATURE|SELF_SIGNED|ISSUER|ALTNAME|VERIFY/.test(code)) {
    return new CodedError('CERTIFICATE_INVALID', `${url.host} could not prove who it is (${code})`, {
      cause: error,
      next: 'for a mirror or proxy of your own: name its authority in the settings (feeds.ca); else somebody stands between',
    });
  }

  return new CodedError('UNREACHABLE', `${url.host} could not be reached${code === '' ? '' : `: ${code}`}`, {
    cause: error,
    next: OUT_OF_REACH,
  });
}
