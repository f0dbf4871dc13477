// One section as a host sends it: zstd bytes → JSON of the promised hash → data of the section's shape. Everything a
// hostile host could blow up is bounded before it is allocated; what does not fit is FRAME_INVALID.
import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES, SECTIONS, type SectionName } from '@selvage/shared/model/inventory.ts';
import type { z } from 'zod';

/** JSON bytes of one section; a host with 5,000 packages needs 1.5 MB. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;
/** log2 of the largest window a frame may ask the decompressor to allocate: 8 MiB, what zstd itself uses up to level 19. */
const MAX_WINDOW_LOG = 23;
/** Wrong places named in a refusal. */
const SHOWN_ISSUES = 5;

/** Is told how many bytes a message became: decoding them costs time that a few bytes on the wire do not show. */
export type Unpacked = (bytes: number) => void;

const decompress = promisify(zstdDecompress);

export function isSectionName(name: string): name is SectionName {
  return SECTION_NAMES.some((known) => known === name);
}

/** Resolves when the bytes are a whole section of that name and hash. Throws FRAME_INVALID with the reason. */
export async function checkSection(
  name: string,
  hash: Sha256,
  zstdJson: Uint8Array,
  unpacked: Unpacked = () => undefined,
): Promise<SectionName> {
  if (!isSectionName(name)) throw new CodedError('FRAME_INVALID', `no section is called ${JSON.stringify(name)}`);

  const json = await unpack(name, zstdJson);
  unpacked(json.length);
  const found = sha256(json);
  if (found !== hash) throw new CodedError('FRAME_INVALID', `section ${name} has hash ${found}, not ${hash}`);

  const parsed = SECTIONS[name].safeParse(parseJson(`section ${name}`, json));
  if (!parsed.success) throw new CodedError('FRAME_INVALID', `section ${name}: ${issues(parsed.error)}`);

  return name;
}

/** JSON of bounded bytes from a host. Throws FRAME_INVALID. */
export function parseJson(what: string, json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    throw new CodedError('FRAME_INVALID', `${what} is not JSON`, { cause: error });
  }
}

/** The first wrong places of data from a host, short. */
export function issues(error: z.ZodError): string {
  const shown = error.issues.slice(0, SHOWN_ISSUES).map((issue) => `${issue.path.join('.')}: ${issue.message}`);

  return [...shown, ...(error.issues.length > SHOWN_ISSUES ? ['…'] : [])].join('; ');
}

async function unpack(name: string, zstdJson: Uint8Array): Promise<Uint8Array> {
  try {
    return await decompress(zstdJson, {
      maxOutputLength: MAX_JSON_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
    });
  } catch (error) {
    throw new CodedError('FRAME_INVALID', `section ${name} does not unpack to at most ${MAX_JSON_BYTES} bytes`, {
      cause: error,
    });
  }
}
