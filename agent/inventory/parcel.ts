// Packs an inventory for the collector: hashes of all sections, content only of those that were not sent before. It sends
// nothing and keeps nothing.
import { zstdCompressSync } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import {
  type Inventory,
  SECTION_NAMES,
  type SectionName,
  type SectionOutcome,
} from '@selvage/shared/model/inventory.ts';
import {
  MAX_SECTION_BYTES,
  MAX_SECTION_JSON_BYTES,
  MAX_STRING_BYTES,
  type SectionState,
} from '@selvage/shared/wire/frames.ts';
import type { Parcel, SentSections } from '../connector/parcel.ts';

/** Characters of a reason, so that its bytes stay below the wire's limit whatever they are. */
const MAX_REASON = MAX_STRING_BYTES / 4;

/** Throws FRAME_INVALID when the inventory was taken at no instant. */
export async function packInventory(inventory: Inventory, sent: SentSections): Promise<Parcel> {
  const takenAt = instant(inventory.takenAt);
  const packed = SECTION_NAMES.map((name) => packSection(name, inventory.sections[name], sent[name]));

  return {
    takenAt,
    sections: packed.map(({ state }) => state),
    changed: Object.fromEntries(
      packed.flatMap(({ state, content }) => (content === null ? [] : [[state.name, content]])),
    ),
  };
}

interface Packed {
  readonly state: SectionState;
  /** Null where the collector has it, or is to be told why it cannot have it. */
  readonly content: string | null;
}

function packSection(name: SectionName, outcome: SectionOutcome<SectionName>, sent?: Sha256): Packed {
  if (!outcome.ok) return { state: failed(name, outcome.code, outcome.reason), content: null };

  const json = canonicalJson(outcome.data);
  const hash = sha256(json);
  const state = { name, sha256: hash, code: '', reason: '' };
  if (sent === hash) return { state, content: null };

  // In one go: this child has nothing else to do, and by the thread pool it takes a tenth of the whole inventory more.
  const packed = zstdCompressSync(json);
  const length = Buffer.byteLength(json);
  if (packed.length > MAX_SECTION_BYTES || length > MAX_SECTION_JSON_BYTES) {
    const bounds = `at most ${MAX_SECTION_JSON_BYTES} and ${MAX_SECTION_BYTES} fit`;
    const reason = `the section has ${length} bytes, ${packed.length} packed; ${bounds}`;

    return { state: failed(name, 'FRAME_TOO_LARGE', reason), content: null };
  }

  return { state, content: packed.toString('base64') };
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
