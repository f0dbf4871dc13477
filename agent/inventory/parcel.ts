// Packs an inventory for the collector: hashes of all sections, content only of those that were not sent before. It sends
// nothing and keeps nothing.
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { type Inventory, SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import {
  MAX_SECTION_BYTES,
  MAX_SECTION_JSON_BYTES,
  MAX_STRING_BYTES,
  type SectionState,
} from '@selvage/shared/wire/frames.ts';
import type { Parcel, SentSections } from '../connector/parcel.ts';

/** Characters of a reason, so that its bytes stay below the wire's limit whatever they are. */
const MAX_REASON = MAX_STRING_BYTES / 4;
const compress = promisify(zstdCompress);

/** Throws FRAME_INVALID when the inventory was taken at no instant. */
export async function packInventory(inventory: Inventory, sent: SentSections): Promise<Parcel> {
  const sections: SectionState[] = [];
  const changed: Partial<Record<SectionName, string>> = {};

  for (const name of SECTION_NAMES) {
    const outcome = inventory.sections[name];
    if (!outcome.ok) {
      sections.push(failed(name, outcome.code, outcome.reason));
      continue;
    }

    const json = canonicalJson(outcome.data);
    const hash = sha256(json);
    if (sent[name] !== hash) {
      const packed = await compress(json);
      const length = Buffer.byteLength(json);
      if (packed.length > MAX_SECTION_BYTES || length > MAX_SECTION_JSON_BYTES) {
        const bounds = `at most ${MAX_SECTION_JSON_BYTES} and ${MAX_SECTION_BYTES} fit`;
        const reason = `the section has ${length} bytes, ${packed.length} packed; ${bounds}`;
        sections.push(failed(name, 'FRAME_TOO_LARGE', reason));
        continue;
      }
      changed[name] = packed.toString('base64');
    }
    sections.push({ name, sha256: hash, code: '', reason: '' });
  }

  return { takenAt: instant(inventory.takenAt), sections, changed };
}

function failed(name: SectionName, code: string, reason: string): SectionState {
  return { name, sha256: null, code, reason: reason.slice(0, MAX_REASON) };
}

/** The wire takes UTC only. Throws FRAME_INVALID for what is no instant. */
function instant(text: string): Timestamp {
  try {
    return Temporal.Instant.from(text).toString() as Timestamp;
  } catch (error) {
    throw new CodedError('FRAME_INVALID', `"${text}" is no instant`, { cause: error });
  }
}
