// Order of Arch Linux package versions: [epoch:]version[-release], as vercmp(8) of pacman 6 answers. Pure. It is rpm's older order
// with one difference: how many characters divide two pieces counts. A release counts only where both have one (so 1.5-1, 1.5 and
// 1.5-2 are the same two by two: with and without a release mixed, this is no order; nor is it one of versions that begin with a
// divider. No package of Arch has such).
import { compareDigits, digitsEnd, isDigit } from './digits.ts';

/** Negative when `a` is older than `b`, 0 when they are the same, positive when it is newer. */
export function comparePacmanVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = split(a);
  const right = split(b);
  const order = compareParts(left.epoch, right.epoch) || compareParts(left.version, right.version);
  if (order !== 0 || left.release === null || right.release === null) return order;

  return compareParts(left.release, right.release);
}

interface Parts {
  readonly epoch: string;
  readonly version: string;
  readonly release: string | null;
}

function split(text: string): Parts {
  const digits = digitsEnd(text, 0, text.length);
  const hasEpoch = text[digits] === ':';
  const rest = hasEpoch ? text.slice(digits + 1) : text;
  const dash = rest.lastIndexOf('-');

  return {
    epoch: hasEpoch && digits > 0 ? text.slice(0, digits) : '0',
    version: dash < 0 ? rest : rest.slice(0, dash),
    release: dash < 0 ? null : rest.slice(dash + 1),
  };
}

function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  let j = 0;

  while (i < a.length && j < b.length) {
    const iStart = pieceStart(a, i);
    const jStart = pieceStart(b, j);
    const dividers = iStart - i - (jStart - j);
    i = iStart;
    j = jStart;
    if (i >= a.length || j >= b.length) break;
    if (dividers !== 0) return dividers;

    const isNumber = isDigit(a.charCodeAt(i));
    // A number is newer than a word.
    if (isNumber !== isDigit(b.charCodeAt(j))) return isNumber ? 1 : -1;
    const iEnd = isNumber ? digitsEnd(a, i, a.length) : lettersEnd(a, i);
    const jEnd = isNumber ? digitsEnd(b, j, b.length) : lettersEnd(b, j);
    const order = isNumber ? compareDigits(a, i, iEnd, b, j, jEnd) : compareWords(a.slice(i, iEnd), b.slice(j, jEnd));
    if (order !== 0) return order;
    i = iEnd;
    j = jEnd;
  }

  return compareRests(a, i, b, j);
}

/** What is left of one of them: a word makes it older (1.0rc is before 1.0), anything else newer. */
function compareRests(a: string, i: number, b: string, j: number): number {
  if (i >= a.length && j >= b.length) return 0;
  if (i >= a.length) return isLetter(b.charCodeAt(j)) ? 1 : -1;

  return isLetter(a.charCodeAt(i)) ? -1 : 1;
}

function pieceStart(text: string, from: number): number {
  let index = from;
  while (index < text.length && !isDigit(text.charCodeAt(index)) && !isLetter(text.charCodeAt(index))) index += 1;

  return index;
}

function lettersEnd(text: string, from: number): number {
  let index = from;
  while (isLetter(text.charCodeAt(index))) index += 1;

  return index;
}

function isLetter(code: number): boolean {
  const lower = code | 32;

  return lower >= 97 && lower <= 122;
}

function compareWords(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
