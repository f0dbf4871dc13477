// A JSON document of any length, value by value of one depth, in memory that does not grow with it.
import { JSONParser } from '@streamparser/json';
import type { FeedSource } from '../feed.ts';
import { invalid } from './whole.ts';

/** Bytes of one value: the longest record of a tracker has some hundred KB. */
const MAX_VALUE_BYTES = 8 * 1024 * 1024;
/** Bytes that are parsed at once: the parser answers synchronously, and values of one piece are all kept. */
const PIECE_BYTES = 64 * 1024;

export interface StreamedValue {
  /** Keys that lead to it, from the outside. */
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Values `depth` below the top (1: members of the top). Throws FEED_INVALID when it is no JSON, ends half-way, or one value is too
 * large.
 */
export async function* streamJson(source: FeedSource, depth: number): AsyncGenerator<StreamedValue> {
  const found: StreamedValue[] = [];
  const parser = new JSONParser({ paths: [`$${'.*'.repeat(depth)}`], keepStack: false });
  let failed: Error | null = null;
  let since = 0;
  parser.onValue = ({ value, key, stack }) => {
    since = 0;
    found.push({ path: [...stack.slice(1).map((each) => String(each.key)), String(key)], value });
  };
  parser.onError = (error) => {
    failed ??= error;
  };

  let empty = true;
  for await (const bytes of source.bytes) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      empty = false;
      since += piece.length;
      write(piece);
      yield* found.splice(0);
      if (since > MAX_VALUE_BYTES) throw invalid(source, `has a value of more than ${MAX_VALUE_BYTES} bytes`);
    }
  }
  if (empty) throw invalid(source, 'is empty');
  if (!parser.isEnded) {
    try {
      parser.end();
    } catch (error) {
      throw invalid(source, 'ends half-way', error);
    }
  }
  if (failed !== null) throw broken(failed);
  yield* found.splice(0);
  if (!parser.isEnded) throw invalid(source, 'ends half-way');

  function write(piece: Uint8Array): void {
    try {
      parser.write(piece);
    } catch (error) {
      throw broken(error);
    }
    if (failed !== null) throw broken(failed);
  }

  function broken(error: unknown): Error {
    return invalid(source, `is no JSON: ${(error as Error).message.slice(0, 200)}`, error);
  }
}
