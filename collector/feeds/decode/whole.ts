// Bytes of a source as text, JSON or lines, each bounded before it is kept. A record that is too large stops the source: FEED_INVALID.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { FeedSource } from '../feed.ts';

/** Bytes of one document that is read at once: the largest advisory of a vendor has some 30 MB. */
export const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;
/** Bytes of one line of a file of lines. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/** Name of a source in a sentence: bounded, it comes from an archive. */
function called(source: FeedSource): string {
  return JSON.stringify(source.name.slice(-200));
}

export function invalid(source: FeedSource, why: string, cause?: unknown): CodedError {
  return new CodedError('FEED_INVALID', `${called(source)} ${why}`, { cause });
}

/** Throws FEED_INVALID above `maxBytes`. */
export async function readBytes(source: FeedSource, maxBytes = MAX_DOCUMENT_BYTES): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of source.bytes) {
    size += part.length;
    if (size > maxBytes) throw invalid(source, `has more than ${maxBytes} bytes`);
    parts.push(part);
  }

  return Buffer.concat(parts);
}

/** UTF-8; a byte order mark is left out. Throws FEED_INVALID above `maxBytes` or where it is no UTF-8. */
export async function readText(source: FeedSource, maxBytes = MAX_DOCUMENT_BYTES): Promise<string> {
  const bytes = await readBytes(source, maxBytes);

  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid(source, 'is no UTF-8 text', error);
  }
}

export function parseJson(source: FeedSource, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(source, `is no JSON: ${(error as Error).message.slice(0, 200)}`, error);
  }
}

/** Text in pieces, whatever the bytes were cut into. Throws FEED_INVALID where it is no UTF-8. */
export async function* pieces(source: FeedSource): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch (error) {
      throw invalid(source, 'is no UTF-8 text', error);
    }
  };

  for await (const bytes of source.bytes) yield decode(bytes);
  yield decode();
}

/**
 * Lines without their ends, those of one piece at once; empty ones too. Throws FEED_INVALID where one is longer than MAX_LINE_BYTES.
 */
export async function* lineGroups(source: FeedSource): AsyncGenerator<readonly string[]> {
  // Pieces of the unfinished line are joined once: adding to a growing text again and again would be quadratic.
  let rest: string[] = [];
  let size = 0;
  for await (const piece of pieces(source)) {
    const parts = piece.split('\n');
    const group: string[] = [];
    for (const [index, part] of parts.entries()) {
      size += part.length;
      if (size > MAX_LINE_BYTES) throw invalid(source, `has a line of more than ${MAX_LINE_BYTES} bytes`);
      rest.push(part);
      if (index === parts.length - 1) break;
      const line = rest.length === 1 ? part : rest.join('');
      group.push(line.endsWith('\r') ? line.slice(0, -1) : line);
      rest = [];
      size = 0;
    }
    if (group.length > 0) yield group;
  }
  const last = rest.join('');
  if (last !== '') yield [last];
}
