// The CLI's only way to a collector: HTTPS with TLS 1.3, the authority that the pin vouched for, the admin's certificate.
// It decodes every answer and bounds it. It never opens the database.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { exchange } from '@selvage/shared/pki/https.ts';
import type { z } from 'zod';

export interface Client {
  get<S extends z.ZodType>(path: string, reply: S): Promise<z.output<S>>;
  post<S extends z.ZodType>(path: string, body: unknown, reply: S): Promise<z.output<S>>;
  /** A file as it is. */
  upload<S extends z.ZodType>(path: string, content: Content, reply: S): Promise<z.output<S>>;
}

interface Content {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface ClientOptions {
  readonly url: string;
  readonly authority: string;
  readonly key: string;
  readonly cert: string;
}

const DEADLINE_MS = 30_000;
/** Of a file that is sent: the collector wants to have all of it within 30 s, and reads it then. */
const UPLOAD_DEADLINE_MS = 90_000;
/** All hosts, or a whole policy repository as JSON text in JSON. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Calls throw what the collector answered, UNREACHABLE, CERTIFICATE_* or INTERNAL (an answer of unknown shape). */
export function createClient({ url, authority, key, cert }: ClientOptions): Client {
  const call = async <S extends z.ZodType>(
    method: 'GET' | 'POST',
    path: string,
    sent: { readonly body?: unknown; readonly content?: Content },
    reply: S,
  ) => {
    const trust = { authority };
    const deadlineMs = sent.content === undefined ? DEADLINE_MS : UPLOAD_DEADLINE_MS;
    const limits = { deadlineMs, maxAnswerBytes: MAX_ANSWER_BYTES };
    const answer = await exchange({ url, path, method, ...sent, trust, key, cert, ...limits }).catch(
      (error: unknown) => {
        throw explained(error, url);
      },
    );
    const decoded = reply.safeParse(answer);
    if (decoded.success) return decoded.data;

    throw new CodedError('INTERNAL', `the answer of ${url}${path} has an unknown shape`, {
      cause: decoded.error,
      next: 'use the selvage command of the same version as the collector',
    });
  };

  return {
    get: (path, reply) => call('GET', path, {}, reply),
    post: (path, body, reply) => call('POST', path, { body }, reply),
    upload: (path, content, reply) => call('POST', path, { content }, reply),
  };
}

function explained(error: unknown, url: string): unknown {
  if (!hasCode(error, 'UNREACHABLE')) return error;

  return new CodedError('UNREACHABLE', `no collector answers at ${url}`, {
    cause: error,
    next: 'start it with: selvage serve (or check the address and the network)',
  });
}
