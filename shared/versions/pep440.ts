// Order of Python package versions: PEP 440; and, before all of them, what was published before it, as packaging 21 (the last that
// knew them) orders those. Pure. Numbers have any size: releases are dated to the microsecond.
import { compareNumbers } from './digits.ts';

/** PEP 440, appendix B. */
const SHAPE =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d+)?)?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?(?:[-_.]?(dev)[-_.]?(\d+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/i;

/** Where a release stands by its last word: 1.0.dev1 < 1.0a1 < 1.0b1 < 1.0rc1 < 1.0 < 1.0.post1. */
const PRE: Readonly<Record<string, number>> = { a: 1, alpha: 1, b: 2, beta: 2, c: 3, rc: 3, pre: 3, preview: 3 };
const DEV_ONLY = 0;
const FINAL = 4;

interface Version {
  readonly epoch: string;
  /** Without zeros at the end: 1.0 is 1. */
  readonly release: readonly string[];
  readonly stage: number;
  readonly stageNumber: string;
  readonly post: string | null;
  readonly dev: string | null;
  readonly local: readonly string[] | null;
}

/** Negative when `a` is older than `b`, 0 when they are the same, positive when it is newer. */
export function comparePythonVersions(a: string, b: string): number {
  const left = read(a);
  const right = read(b);
  if (left !== null && right !== null) return compareRead(left, right);
  if (left !== null || right !== null) return left === null ? -1 : 1;

  return compareLists(legacyKey(a), legacyKey(b), compareText);
}

function read(version: string): Version | null {
  const match = SHAPE.exec(version);
  if (match === null) return null;
  const [, epoch = '0', release = '', pre, preNumber = '0', dash, post, postNumber = '0', dev, devNumber = '0', local] =
    match;
  const numbers = release.split('.');
  while (numbers.length > 1 && /^0+$/.test(numbers.at(-1) ?? '')) numbers.pop();
  const after = dash ?? (post === undefined ? null : postNumber);

  return {
    epoch,
    release: numbers,
    stage:
      pre !== undefined ? (PRE[pre.toLowerCase()] ?? FINAL) : after === null && dev !== undefined ? DEV_ONLY : FINAL,
    stageNumber: pre === undefined ? '0' : preNumber,
    post: after,
    dev: dev === undefined ? null : devNumber,
    local: local === undefined ? null : local.toLowerCase().split(/[-_.]/),
  };
}

function compareRead(a: Version, b: Version): number {
  return (
    compareNumbers(a.epoch, b.epoch) ||
    compareLists(a.release, b.release, compareNumbers) ||
    a.stage - b.stage ||
    compareNumbers(a.stageNumber, b.stageNumber) ||
    // No post release is before all of them, no development release after all of them.
    compareOptional(a.post, b.post, compareNumbers, -1) ||
    compareOptional(a.dev, b.dev, compareNumbers, 1) ||
    compareOptional(a.local, b.local, (left, right) => compareLists(left, right, compareLocal), -1)
  );
}

function compareOptional<T>(a: T | null, b: T | null, compare: (a: T, b: T) => number, missing: 1 | -1): number {
  if (a !== null && b !== null) return compare(a, b);
  if (a === null && b === null) return 0;

  return a === null ? missing : -missing;
}

/** Of local labels: a number is after a word. */
function compareLocal(a: string, b: string): number {
  const aIsNumber = /^\d+$/.test(a);
  const bIsNumber = /^\d+$/.test(b);
  if (aIsNumber && bIsNumber) return compareNumbers(a, b);
  if (aIsNumber || bIsNumber) return aIsNumber ? 1 : -1;

  return compareText(a, b);
}

/** The first difference decides; a list that goes on is after its beginning. */
function compareLists<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const order = compare(left, right);
    if (order !== 0) return order;
  }

  return a.length - b.length;
}

/** By code point, as Python compares. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const left = Array.from(a, (character) => character.codePointAt(0) ?? 0);
  const right = Array.from(b, (character) => character.codePointAt(0) ?? 0);

  return compareLists(left, right, (x, y) => x - y);
}

/** Words of the old order that stand for others. */
const OLD_WORDS: ReadonlyMap<string, string> = new Map([
  ['pre', 'c'],
  ['preview', 'c'],
  ['-', 'final-'],
  ['rc', 'c'],
  ['dev', '@'],
]);
const OLD_FINAL = '*final';
/** Old numbers are padded to so many digits and then compared as text. */
const OLD_DIGITS = 8;

/** The key of setuptools: numbers padded, words behind a star, zeros before a word and dashes before a pre-release dropped. */
function legacyKey(version: string): readonly string[] {
  const key: string[] = [];
  const pieces = version.toLowerCase().split(/(\d+|[a-z]+|\.|-)/);
  const words = pieces.flatMap((piece) => {
    const word = OLD_WORDS.get(piece) ?? piece;
    if (word === '' || word === '.') return [];

    return [/^[0-9]/.test(word) ? word.padStart(OLD_DIGITS, '0') : `*${word}`];
  });

  for (const word of [...words, OLD_FINAL]) {
    if (word.startsWith('*')) {
      while (compareText(word, OLD_FINAL) < 0 && key.at(-1) === '*final-') key.pop();
      while (key.at(-1) === '0'.repeat(OLD_DIGITS)) key.pop();
    }
    key.push(word);
  }

  return key;
}
