// The CLI's only way to a collector: HTTPS with TLS 1.3, the authority that the pin vouched for, the admin's certificate.
// It decodes every answer, bounds it, and turns "nothing answers" into UNREACHABLE. It never opens the database.

import type { OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { CodedError, fromDocument } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { z } from 'zod';

export interface Client {
  get<S extends z.ZodType>(path: string, reply: S): Promise<z.output<S>>;
  post<S extends z.ZodType>(path: string, body: unknown, reply: S): Promise<z.output<S>>;
}

export interface ClientOptions {
  readonly url: string;
  readonly authority: string;
  readonly key: string;
  readonly cert: string;
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** What says that no collector answers there, as against one that refuses. */
const NOBODY = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'];
const UNTRUSTED = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
];

interface Answer {
  readonly status: number;
  readonly text: string;
}

export function createClient(options: ClientOptions): Client {
  const call = async <S extends z.ZodType>(method: string, path: string, body: unknown, reply: S) => {
    const { status, text } = await send(options, method, path, body);
    const json = parse(text, options.url);
    if (status !== 200) throw fromDocument(typeof json === 'object' && json !== null ? json : {});

    const decoded = reply.safeParse(json);
    if (!decoded.success) {
      throw new CodedError('INTERNAL', `the answer of ${options.url}${path} has an unknown shape`, {
        cause: decoded.error,
        next: 'use the selvage command of the same version as the collector',
      });
    }

    return decoded.data;
  };

  return {
    get: (path, reply) => call('GET', path, undefined, reply),
    post: (path, body, reply) => call('POST', path, body, reply),
  };
}

function send(options: ClientOptions, method: string, path: string, body: unknown): Promise<Answer> {
  const { url, authority, key, cert, deadlineMs = DEADLINE_MS } = options;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers: OutgoingHttpHeaders =
    payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };

  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(failureOf(error, url));
    const outgoing = request(
      new URL(path, url),
      {
        method,
        headers,
        ca: authority,
        key,
        cert,
        minVersion: 'TLSv1.3',
        agent: false,
        signal: AbortSignal.timeout(deadlineMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) outgoing.destroy(new Error(`more than ${MAX_ANSWER_BYTES} bytes`));
          else chunks.push(chunk);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', fail);
      },
    );
    outgoing.on('error', fail);
    outgoing.end(payload);
  });
}

function failureOf(error: Error, url: string): CodedError {
  if (hasErrno(error, ...NOBODY)) {
    return new CodedError('UNREACHABLE', `no collector answers at ${url}`, {
      cause: error,
      next: 'start it with: selvage serve (or check the address and the network)',
    });
  }
  if (hasErrno(error, ...UNTRUSTED)) {
    return new CodedError('CERTIFICATE_INVALID', `${url} is not the collector this admin logged in to`, {
      cause: error,
      next: 'check the address; log in again with the pin if the collector was set up anew',
    });
  }
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return new CodedError('UNREACHABLE', `the collector at ${url} does not answer in time`, { cause: error });
  }

  return new CodedError('UNREACHABLE', `the connection to ${url} failed: ${error.message}`, { cause: error });
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError('UNREACHABLE', `what answers at ${url} is not a collector`, { cause: error });
  }
}
