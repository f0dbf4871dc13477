// A report of another scanner from the bytes of a file: its text, its format, its hosts. Pure. Nothing is guessed: what belongs to no
// format is refused, and a report that is cut is refused as a whole.
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { invalidReport, type Report } from './format.ts';
import { FORMATS } from './formats.ts';

/** Bytes of a file: the report of a scan of some thousand hosts. */
export const MAX_REPORT_BYTES = 128 * 1024 * 1024;
/** Characters in which a format is told. */
const HEAD = 256 * 1024;

/** Throws SCAN_REPORT_INVALID. */
export function readReport(bytes: Uint8Array): Report {
  const text = textOf(bytes);
  const head = text.slice(0, HEAD);
  const value = /^\s*[[{]/.test(head) ? jsonOf(text) : undefined;
  const format = FORMATS.find((each) => each.detect(head, value));
  if (format === undefined) {
    throw invalidReport(`it looks like none of ${FORMATS.map(({ about }) => about).join('; ')}`);
  }

  try {
    return { ...format.parse(text, value), format: format.name };
  } catch (error) {
    // What the XML reader says, in the words of this room.
    if (hasCode(error, 'PARSE')) throw invalidReport(error.message, error);
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidReport('it begins as JSON and is none, or it is cut', error);
  }
}

/**
 * UTF-16 where it says so by its mark, or by its zeros; the encoding that XML names; else UTF-8. Hosts, CVEs and packages are ASCII in every
 * scanner: letters of other encodings in descriptions may be lost, and change nothing.
 */
function textOf(bytes: Uint8Array): string {
  const [first, second, third, fourth] = bytes;
  if ((first === 0xff && second === 0xfe) || (second === 0 && fourth === 0 && first !== 0))
    return decode(bytes, 'utf-16le');
  if ((first === 0xfe && second === 0xff) || (first === 0 && third === 0 && second !== 0))
    return decode(bytes, 'utf-16be');
  const named = /^[\s\S]{0,8}<\?xml[^>]{0,200}\bencoding=["']([A-Za-z0-9._-]{1,40})["']/.exec(
    decode(bytes.subarray(0, 400), 'latin1'),
  )?.[1];

  return decode(bytes, named ?? 'utf-8');
}

function decode(bytes: Uint8Array, encoding: string): string {
  try {
    return new TextDecoder(encoding).decode(bytes);
  } catch (error) {
    throw invalidReport(`its encoding ${encoding} is not known, or it is too long for one text`, error);
  }
}
