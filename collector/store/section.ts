// One stored section: zstd bytes → JSON of the right hash → checked data. Bounded, and strict about all three.
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { SECTIONS, type Section, type SectionName } from '@selvage/shared/model/inventory.ts';
import { decodeRow } from './rows.ts';

/** Bytes of one section's JSON; 100 times the packages of a large host. */
const MAX_SECTION_BYTES = 64 * 1024 * 1024;

const decompress = promisify(zstdDecompress);

/** Throws STORE_FAILED when the bytes do not unpack, do not have the hash or do not fit the section's shape. */
export async function decodeSection<N extends SectionName>(
  name: N,
  hash: Sha256,
  zstdJson: Uint8Array,
): Promise<Section<N>> {
  let data: unknown;

  try {
    const json = await decompress(zstdJson, { maxOutputLength: MAX_SECTION_BYTES });
    if (sha256(json) !== hash)
      throw new CodedError('STORE_FAILED', `the stored section ${name} does not have its hash`);
    data = JSON.parse(json.toString('utf8'));
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('STORE_FAILED', `the stored section ${name} (${hash}) cannot be unpacked`, { cause: error });
  }

  return decodeRow(SECTIONS[name], `sections (${name})`, data) as Section<N>;
}
