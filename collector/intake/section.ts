// One section as a host sends it: zstd bytes → JSON of the promised hash → data of the section's shape. Everything a
// hostile host could blow up is bounded before it is allocated; what does not fit is FRAME_INVALID.
import { promisify } from 'node:util';
import { constants, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import { MAX_SECTION_JSON_BYTES } from '@selvage/shared/wire/wire.ts';
import { parsed } from './fault.ts';
import type { SectionParser } from './parser.ts';

/** log2 of the largest window a frame may ask the decompressor to allocate: 8 MiB, what zstd itself uses up to level 19. */
const MAX_WINDOW_LOG = 23;

/** Is told how many bytes a message became: decoding them costs time that a few bytes on the wire do not show. */
export type Unpacked = (bytes: number) => void;

/**
 * Bytes of a frame that are unpacked at once when they become little: what honest hosts send, but for long lists. A thread of
 * the pool costs three times what the work does. Worst: a frame that becomes too much is unpacked twice, 64 KiB of it (0.1 ms).
 */
const SMALL_ZSTD_BYTES = 4096;
const SMALL_JSON_BYTES = 64 * 1024;

const decompress = promisify(zstdDecompress);

export function isSectionName(name: string): name is SectionName {
  return SECTION_NAMES.some((known) => known === name);
}

/** Resolves when the bytes are a whole section of that name and hash. Throws FRAME_INVALID with the reason. */
export async function checkSection(
  name: string,
  hash: Sha256,
  zstdJson: Uint8Array,
  parser: SectionParser,
  unpacked: Unpacked = () => undefined,
): Promise<SectionName> {
  if (!isSectionName(name)) throw new CodedError('FRAME_INVALID', `no section is called ${JSON.stringify(name)}`);

  // The JSON is not a variable here: while it waits for its turn it is the parser's to keep or to let go.
  const { faulty } = await begin(name, hash, zstdJson, parser, unpacked);
  const fault = await faulty;
  if (fault !== null) throw new CodedError('FRAME_INVALID', fault);

  return name;
}

async function begin(
  name: SectionName,
  hash: Sha256,
  zstdJson: Uint8Array,
  parser: SectionParser,
  unpacked: Unpacked,
): Promise<{ readonly faulty: Promise<string | null> }> {
  const json = await unpack(name, zstdJson);
  unpacked(json.length);
  const found = sha256(json);
  if (found !== hash) throw new CodedError('FRAME_INVALID', `section ${name} has hash ${found}, not ${hash}`);

  return { faulty: parser.check(name, json, () => unpack(name, zstdJson)) };
}

/** JSON of bounded bytes from a host. Throws FRAME_INVALID. */
export function parseJson(what: string, json: Uint8Array): unknown {
  const value = parsed(json);
  if (value === undefined) throw new CodedError('FRAME_INVALID', `${what} is not JSON`);

  return value;
}

async function unpack(name: string, zstdJson: Uint8Array): Promise<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };

  try {
    return (
      unpackSmall(zstdJson, params) ?? (await decompress(zstdJson, { maxOutputLength: MAX_SECTION_JSON_BYTES, params }))
    );
  } catch (error) {
    throw new CodedError(
      'FRAME_INVALID',
      `section ${name} does not unpack to at most ${MAX_SECTION_JSON_BYTES} bytes`,
      {
        cause: error,
      },
    );
  }
}

/** Null for what is not small. */
function unpackSmall(zstdJson: Uint8Array, params: Readonly<Record<number, number>>): Uint8Array | null {
  if (zstdJson.length > SMALL_ZSTD_BYTES) return null;

  try {
    return zstdDecompressSync(zstdJson, { maxOutputLength: SMALL_JSON_BYTES, params });
  } catch (error) {
    if (hasErrno(error, 'ERR_BUFFER_TOO_LARGE')) return null;
    throw error;
  }
}
