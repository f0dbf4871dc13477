// One stream of bytes → the members in it, whatever it is packed in: gzip, zstd, tar, one in the other, or nothing. What it is, its
// first bytes say; its name is only shown. Nothing is ever written, so a name in an archive leads nowhere.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import type { FeedSource } from '../feed.ts';
import type { Budget } from './bounds.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** The magic of a tar lies behind the name of its first member. */
const HEAD_BYTES = 512;
const TAR_MAGIC = 257;
/** Of zstd (RFC 8878): 128 MiB of memory at most. */
const MAX_WINDOW_LOG = 27;
const CHUNK_BYTES = 64 * 1024;
const NAME_LENGTH = 300;

export interface Member extends FeedSource {
  /** One of those in an archive or folder: a fault in it is a fault of one record. */
  readonly packed: boolean;
}

/** Members in their order. Each has to be read before the next is asked for; what is left of it is skipped. */
export async function* unpack(
  name: string,
  bytes: Bytes,
  budget: Budget,
  { depth = 0, packed = false } = {},
): AsyncGenerator<Member> {
  const { head, rest, leave } = await peek(bytes);
  const kind = kindOf(head);
  if (kind === null) {
    budget.member();
    yield { name: name.slice(-NAME_LENGTH), bytes: bounded(rest, budget), packed };
    // Nobody may have begun to read it: an archive waits until somebody has, or will not.
    await leave();

    return;
  }
  if (depth >= budget.bounds.depth)
    throw budget.refuse(`holds more than ${budget.bounds.depth} archives in each other`);
  if (kind === 'zip') throw budget.refuse('is an archive that holds a zip: bring the zip itself');
  if (kind === 'tar') yield* untar(rest, budget, depth);
  else
    yield* unpack(name.replace(/[.](gz|zst|tgz)$/, ''), decompressed(kind, rest, budget), budget, {
      depth: depth + 1,
      packed,
    });
}

export function kindOf(head: Uint8Array): 'gzip' | 'zstd' | 'zip' | 'tar' | null {
  const starts = (...magic: readonly number[]) => magic.every((byte, index) => head[index] === byte);
  if (starts(0x1f, 0x8b)) return 'gzip';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  // A local file header, or the end of an empty archive.
  if (starts(0x50, 0x4b, 0x03, 0x04) || starts(0x50, 0x4b, 0x05, 0x06)) return 'zip';
  if (Buffer.from(head.subarray(TAR_MAGIC, TAR_MAGIC + 5)).toString('latin1') === 'ustar') return 'tar';

  return null;
}

interface Peeked {
  readonly head: Uint8Array;
  /** All of it. */
  readonly rest: Bytes;
  /** No more of it is wanted. */
  readonly leave: () => Promise<unknown>;
}

async function peek(bytes: Bytes): Promise<Peeked> {
  const iterator = bytes[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < HEAD_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    parts.push(next.value);
    size += next.value.length;
  }
  const head = Buffer.concat(parts);

  return {
    head: head.subarray(0, HEAD_BYTES),
    rest: resumed(head, iterator),
    leave: async () => iterator.return?.(),
  };
}

async function* resumed(head: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

async function* bounded(bytes: Bytes, budget: Budget): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const part of bytes) {
    size += part.length;
    if (size > budget.bounds.memberBytes)
      throw budget.refuse(`has a member of more than ${budget.bounds.memberBytes} bytes`);
    yield part;
  }
}

async function* decompressed(kind: 'gzip' | 'zstd', bytes: Bytes, budget: Budget): AsyncGenerator<Uint8Array> {
  const transform =
    kind === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : createZstdDecompress({
          chunkSize: CHUNK_BYTES,
          params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
        });
  let fault: unknown = null;
  const source = Readable.from(bytes, { objectMode: true, highWaterMark: 1 });
  const done = pipeline(source, transform).catch((error: unknown) => {
    fault = error;
  });

  try {
    for await (const part of transform) {
      budget.unpacked(part.length);
      yield part;
    }
  } catch (error) {
    throw budget.broken ?? budget.refuse(`is damaged or cut: its ${kind} does not unpack`, error);
  } finally {
    transform.destroy();
    source.destroy();
    await done;
  }
  if (fault !== null) throw budget.broken ?? budget.refuse(`is damaged or cut: its ${kind} does not unpack`, fault);
}

async function* untar(bytes: Bytes, budget: Budget, depth: number): AsyncGenerator<Member> {
  const source = ReadableStream.from(bytes as AsyncIterable<Uint8Array<ArrayBuffer>>);
  const entries = source.pipeThrough(createTarDecoder({ strict: true }));

  try {
    for await (const { header, body } of entries) {
      if (header.type !== 'file') {
        // Links and devices stand for nothing that could be read; folders hold nothing.
        await body.cancel();
        budget.member();
        continue;
      }
      yield* unpack(header.name, body, budget, { depth: depth + 1, packed: true });
      if (!body.locked) await body.cancel();
    }
  } catch (error) {
    throw budget.broken ?? budget.refuse('is damaged or cut: its tar does not unpack', error);
  }
}
