// Text of a file that somebody brings, whatever program saved it: UTF-8, or UTF-16 with or without its mark. Pure. Bytes of another
// encoding are refused with their line: guessed letters would make names that no machine has.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

/** Bytes at the start by which UTF-16 without a mark is told: every other byte of ASCII is zero there. */
const SAMPLE = 4096;
const LINE_END = 0x0a;

/** Line ends are `\n`. Throws ASSETS_INVALID. */
export function textOf(bytes: Uint8Array): string {
  const text = decoded(bytes);
  const nul = text.indexOf('\0');
  if (nul >= 0) throw invalid(`line ${lineAt(text, nul)} holds a NUL: this is no text`);

  return text
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n');
}

function decoded(bytes: Uint8Array): string {
  const wide = wideOf(bytes);
  if (wide !== null) {
    if (bytes.length % 2 !== 0) throw invalid('it is UTF-16 and ends in the middle of a character: it was cut');

    return decode(bytes, wide) ?? fail('it begins like UTF-16 but is none');
  }
  const text = decode(bytes, 'utf-8');
  if (text !== null) return text;

  const at = firstWrong(bytes);
  const line = bytes.subarray(0, at).reduce((count, byte) => count + (byte === LINE_END ? 1 : 0), 1);
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  throw invalid(`line ${line} is not UTF-8 (byte 0x${byte}); it may be Latin-1 or Windows-1252`, {
    next: 'save it as UTF-8, or: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW',
    details: { line },
  });
}

function wideOf(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const sample = bytes.subarray(0, SAMPLE);
  const zeros = (odd: number) => sample.filter((byte, index) => index % 2 === odd && byte === 0).length;
  const half = sample.length / 4;
  if (zeros(1) > half && zeros(0) === 0) return 'utf-16le';

  return zeros(0) > half && zeros(1) === 0 ? 'utf-16be' : null;
}

function decode(bytes: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Where what is no UTF-8 begins: decoding stops there. */
function firstWrong(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isStart(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }

  return good;
}

/** True for the start of a text, which may end in the middle of a character. */
function isStart(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });

    return true;
  } catch {
    return false;
  }
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function fail(why: string): never {
  throw invalid(why);
}

function invalid(
  why: string,
  more: { readonly next?: string; readonly details?: { readonly line: number } } = {},
): CodedError {
  return new CodedError('ASSETS_INVALID', `${why}: nothing was imported`, more);
}
