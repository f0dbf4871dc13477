// Order of Alpine package versions: number{.number}…{letter}{_suffix{number}}…{-rN}, as apk-package(5) defines it and apk-tools 2
// answers. Pure. apk itself refuses to build what does not have this form; what it would answer to it is kept where it is known.
import { compareDigits, digitsEnd, isDigit } from './digits.ts';

/**
 * Kinds of what a version is made of, in the order that decides when two versions are equal up to a point and go on differently: the
 * one that goes on with the smaller kind is newer (more parts before a revision before nothing more), unless it is a pre-release.
 */
const PART = 0;
const NUMBER = 1;
const LETTER = 2;
const SUFFIX = 3;
const SUFFIX_NUMBER = 4;
const REVISION = 5;
const END = 6;
const INVALID = 7;

/** Words of pre-releases, oldest first, then of what comes after the release. */
const BEFORE = ['alpha', 'beta', 'pre', 'rc'] as const;
const AFTER = ['cvs', 'svn', 'git', 'hg', 'p'] as const;
/** A suffix that nobody knows counts as the last of the pre-releases, and nothing is read after it. */
const UNKNOWN_SUFFIX = -1;

interface Token {
  readonly kind: number;
  /** Decides first: leading zeros of a part (each makes it smaller, as in a fraction), letter, suffix. */
  readonly weight: number;
  /** Digits in the text; an empty run is 0. */
  readonly from: number;
  readonly to: number;
  /** `.` or `-r` without what should follow it. */
  readonly hollow: boolean;
}

/** Negative when `a` is older than `b`, 0 when they are the same, positive when it is newer. No revision is older than -r0. */
export function compareApkVersions(a: string, b: string): number {
  const left = readTokens(a);
  const right = readTokens(b);

  for (let index = 0; ; index += 1) {
    const x = left[index] ?? LAST;
    const y = right[index] ?? LAST;
    if (x.kind !== y.kind) return compareKinds(x, y);
    const order = x.weight - y.weight || compareDigits(a, x.from, x.to, b, y.from, y.to);
    if (order !== 0) return order;
    if (x.kind >= END) return 0;
  }
}

const LAST: Token = { kind: END, weight: 0, from: 0, to: 0, hollow: false };

function compareKinds(x: Token, y: Token): number {
  if (x.kind === SUFFIX && x.weight < 0) return -1;
  if (y.kind === SUFFIX && y.weight < 0) return 1;

  return (y.hollow ? INVALID : y.kind) - (x.hollow ? INVALID : x.kind);
}

/** The version in pieces; the last is of kind END or INVALID. */
function readTokens(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const first = digitsEnd(text, 0, text.length);
  tokens.push({ kind: NUMBER, weight: 0, from: 0, to: first, hollow: false });

  let at = first;
  let kind = NUMBER;
  while (kind < END) {
    const token = readToken(text, at, kind);
    tokens.push(token);
    at = token.to;
    kind = token.kind === SUFFIX && token.weight === UNKNOWN_SUFFIX && token.hollow ? INVALID : token.kind;
  }
  if (tokens.at(-1)?.kind !== kind) tokens.push({ ...LAST, kind });

  return tokens;
}

/** The piece at `at`, after one of kind `before`. */
function readToken(text: string, at: number, before: number): Token {
  const token = (kind: number, weight: number, from: number, hollow = false): Token => {
    const to = kind === LETTER || kind === SUFFIX ? from : digitsEnd(text, from, text.length);

    return { kind, weight, from, to, hollow };
  };
  const code = text.charCodeAt(at);
  if (at >= text.length) return { ...LAST, from: at, to: at };
  if (code >= 97 && code <= 122 && before <= NUMBER) return token(LETTER, code, at + 1);
  if (isDigit(code) && before === LETTER) return token(NUMBER, 0, at);
  if (isDigit(code) && before === SUFFIX) return token(SUFFIX_NUMBER, 0, at);

  const next = text.charCodeAt(at + 1);
  if (code === DOT && before <= NUMBER) {
    const zeros = zerosEnd(text, at + 1) - (at + 1);

    return token(PART, zeros === 0 ? 0 : -zeros, at + 1, next >= 97 && next <= 122);
  }
  if (code === UNDERSCORE && before <= SUFFIX_NUMBER) return readSuffix(text, at + 1);
  if (code === DASH && next === SMALL_R) {
    const hollow = at + 2 < text.length && !isDigit(text.charCodeAt(at + 2)) && text.charCodeAt(at + 2) !== DASH;

    return token(REVISION, 0, at + 2, hollow);
  }

  return { ...LAST, kind: INVALID, from: at, to: at };
}

const DOT = 46;
const UNDERSCORE = 95;
const DASH = 45;
const SMALL_R = 114;
const ZERO = 48;

function zerosEnd(text: string, from: number): number {
  let index = from;
  while (text.charCodeAt(index) === ZERO) index += 1;

  return index;
}

function readSuffix(text: string, at: number): Token {
  const after = (word: string) => ({ from: at + word.length, to: at + word.length });
  for (const [index, word] of BEFORE.entries()) {
    if (text.startsWith(word, at)) {
      return { kind: SUFFIX, weight: index - BEFORE.length, ...after(word), hollow: false };
    }
  }
  for (const [index, word] of AFTER.entries()) {
    if (text.startsWith(word, at)) return { kind: SUFFIX, weight: index, ...after(word), hollow: false };
  }

  return { kind: SUFFIX, weight: UNKNOWN_SUFFIX, from: at, to: at, hollow: true };
}
