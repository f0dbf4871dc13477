// The JSON body of a request from a stranger: its type and size are looked at before a byte of it is kept.
import type { IncomingMessage } from 'node:http';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { MAX_BODY_BYTES } from './limits.ts';

/**
 * The document. Throws FRAME_INVALID for another content type, a body that is late, cut off or no JSON, and
 * FRAME_TOO_LARGE for more than MAX_BODY_BYTES, by its announced length or while it arrives.
 */
export async function readJson(request: IncomingMessage, deadlineMs: number): Promise<unknown> {
  if (request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw new CodedError('FRAME_INVALID', 'the body must be application/json');
  }
  if (request.headers['content-encoding'] !== undefined) {
    throw new CodedError('FRAME_INVALID', 'a compressed body is not taken');
  }
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();

  const bytes = await collect(request, deadlineMs);

  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CodedError('FRAME_INVALID', 'the body is not JSON', { cause: error });
  }
}

function collect(request: IncomingMessage, deadlineMs: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  let late: NodeJS.Timeout | undefined;

  return new Promise<Uint8Array>((resolve, reject) => {
    late = setTimeout(() => {
      reject(new CodedError('FRAME_INVALID', `the body did not arrive within ${deadlineMs} ms`));
    }, deadlineMs);
    const cutOff = (cause?: unknown) => reject(new CodedError('FRAME_INVALID', 'the body was cut off', { cause }));
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      // What comes after the limit is dropped, not kept.
      if (length > MAX_BODY_BYTES) {
        chunks.length = 0;
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', cutOff);
    request.on('close', cutOff);
  }).finally(() => clearTimeout(late));
}

function tooLarge(): CodedError {
  return new CodedError('FRAME_TOO_LARGE', `the body has more than ${MAX_BODY_BYTES} bytes`);
}
