// What a supervisor puts on the input of the connector: an inventory a line. It comes from the privileged half, and only in this
// direction; that it ends says that the supervisor has gone.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { SectionName } from '@selvage/shared/model/section-names.ts';
import { decodeParcel, type Parcel, type SentSections } from '../connector/parcel.ts';

/** All sections at their largest in base64, as the child may print them. */
const MAX_LINE = 32 * 1024 * 1024;

/** Every inventory that comes; ends with the input. A line that is none is told and left out. Throws PROCESS_OUTPUT_LIMIT. */
export async function* parcelsOf(
  input: AsyncIterable<Uint8Array | string>,
  problem: (error: CodedError) => void,
): AsyncGenerator<Parcel> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;

  for await (const chunk of input) {
    const pieces = (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })).split('\n');
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        const parcel = parse(parts.join(''), problem);
        parts = [];
        length = 0;
        if (parcel !== null) yield parcel;
      }
      parts.push(piece);
      length += piece.length;
      if (length > MAX_LINE) {
        throw new CodedError('PROCESS_OUTPUT_LIMIT', `a line on the input has more than ${MAX_LINE} characters`);
      }
    }
  }
}

/** Only what was not sent before, as the child packs it when it is asked with the hashes. */
export function withoutSent(parcel: Parcel, sent: SentSections): Parcel {
  const known = (name: string, sha256: string | null) => sha256 !== null && sent[name as SectionName] === sha256;
  const unsent = parcel.sections.filter(({ name, sha256 }) => !known(name, sha256)).map(({ name }) => name as string);
  const changed = Object.entries(parcel.changed).filter(([name]) => unsent.includes(name));

  return { ...parcel, changed: Object.fromEntries(changed) };
}

function parse(line: string, problem: (error: CodedError) => void): Parcel | null {
  try {
    return decodeParcel(line);
  } catch (error) {
    problem(asCoded(error));

    return null;
  }
}
