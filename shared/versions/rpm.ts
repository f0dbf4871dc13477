// Order of rpm versions: [epoch:]version[-release], as rpm-version(7) defines it and rpm 4.18 answers. Pure. Positions and codes
// only, because every package of a host is compared with everything that was ever fixed in it.
import { compareDigits, digitsEnd, isDigit } from './digits.ts';

const COLON = 58;
const DASH = 45;
const TILDE = 126;
const CARET = 94;

/** Negative when `a` is older than `b`, 0 when they are the same, positive when it is newer. No release is older than any. */
export function compareRpmVersions(a: string, b: string): number {
  const aColon = digitsEnd(a, 0, a.length);
  const bColon = digitsEnd(b, 0, b.length);
  const aStart = a.charCodeAt(aColon) === COLON ? aColon + 1 : 0;
  const bStart = b.charCodeAt(bColon) === COLON ? bColon + 1 : 0;
  // Without an epoch, and with an empty one, it is 0.
  if (aStart > 0 || bStart > 0) {
    const epochs = compareDigits(a, 0, aStart > 0 ? aColon : 0, b, 0, bStart > 0 ? bColon : 0);
    if (epochs !== 0) return epochs;
  }

  const aDash = lastDash(a, aStart);
  const bDash = lastDash(b, bStart);
  const versions = compareRange(a, aStart, aDash, b, bStart, bDash);
  if (versions !== 0) return versions;
  if (aDash === a.length || bDash === b.length) return Number(aDash < a.length) - Number(bDash < b.length);

  return compareRange(a, aDash + 1, a.length, b, bDash + 1, b.length);
}

/** Order of one part, a version or a release. */
export function compareRpmParts(a: string, b: string): number {
  return compareRange(a, 0, a.length, b, 0, b.length);
}

/** Position of the dash before the release, the end of the text when there is none. */
function lastDash(text: string, from: number): number {
  for (let index = text.length - 1; index >= from; index -= 1) {
    if (text.charCodeAt(index) === DASH) return index;
  }

  return text.length;
}

/**
 * A part is runs of digits, runs of letters, `~` and `^`; all other characters only divide. `~` is before everything, even the end;
 * `^` is after the end and before everything else; a number is after letters.
 */
const END = 0;
const LETTERS = 2;
const NUMBER = 3;

function compareRange(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): number {
  let i = aFrom;
  let j = bFrom;

  for (;;) {
    while (i < aEnd && kind(a.charCodeAt(i)) === DIVIDES) i += 1;
    while (j < bEnd && kind(b.charCodeAt(j)) === DIVIDES) j += 1;
    const left = i < aEnd ? kind(a.charCodeAt(i)) : END;
    const right = j < bEnd ? kind(b.charCodeAt(j)) : END;
    if (left !== right) return left - right;
    if (left === END) return 0;

    const iEnd = pieceEnd(a, i, aEnd, left);
    const jEnd = pieceEnd(b, j, bEnd, left);
    const order = left === NUMBER ? compareDigits(a, i, iEnd, b, j, jEnd) : compareLetters(a, i, iEnd, b, j, jEnd);
    if (order !== 0) return order;
    i = iEnd;
    j = jEnd;
  }
}

const DIVIDES = -2;

function kind(code: number): number {
  if (isDigit(code)) return NUMBER;
  const lower = code | 32;
  if (lower >= 97 && lower <= 122) return LETTERS;
  if (code === TILDE) return -1;

  return code === CARET ? 1 : DIVIDES;
}

/** Where the piece that begins at `from` ends; `~` and `^` stand alone. */
function pieceEnd(text: string, from: number, end: number, of: number): number {
  if (of === NUMBER) return digitsEnd(text, from, end);
  let index = from + 1;
  while (of === LETTERS && index < end && kind(text.charCodeAt(index)) === LETTERS) index += 1;

  return index;
}

function compareLetters(a: string, aFrom: number, aEnd: number, b: string, bFrom: number, bEnd: number): number {
  const length = Math.min(aEnd - aFrom, bEnd - bFrom);
  for (let offset = 0; offset < length; offset += 1) {
    const order = a.charCodeAt(aFrom + offset) - b.charCodeAt(bFrom + offset);
    if (order !== 0) return order;
  }

  return aEnd - aFrom - (bEnd - bFrom);
}
