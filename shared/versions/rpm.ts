// Order of rpm versions: [epoch:]version[-release], as rpm-version(7) defines it and rpm 4.18 answers. Pure.

/** A run of digits or letters, or one of the two characters that mean something; all others only divide. */
const PIECES = /[0-9]+|[A-Za-z]+|[~^]/g;

/** Negative when `a` is older than `b`, 0 when they are the same, positive when it is newer. No release is older than any. */
export function compareRpmVersions(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? -1 : 1;

  return compareRpmParts(left.version, right.version) || compareReleases(left.release, right.release);
}

/** Order of one part, a version or a release. */
export function compareRpmParts(a: string, b: string): number {
  const left = a.match(PIECES) ?? [];
  const right = b.match(PIECES) ?? [];

  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = comparePieces(left[index], right[index]);
    if (order !== 0) return order;
  }

  return 0;
}

function split(text: string): { readonly epoch: bigint; readonly version: string; readonly release: string | null } {
  const colon = /^(\d*):/.exec(text);
  const rest = colon ? text.slice(colon[0].length) : text;
  const dash = rest.lastIndexOf('-');

  return {
    epoch: BigInt(colon?.[1] || 0),
    version: dash < 0 ? rest : rest.slice(0, dash),
    release: dash < 0 ? null : rest.slice(dash + 1),
  };
}

function compareReleases(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);

  return compareRpmParts(a, b);
}

/** `~` is before everything, even the end; `^` is after the end and before everything else; a number is after letters. */
function comparePieces(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  const kinds = kind(a) - kind(b);
  if (kinds !== 0 || a === undefined || b === undefined) return kinds;
  if (kind(a) === LETTERS) return a < b ? -1 : 1;

  return compareNumbers(a.replace(/^0+/, ''), b.replace(/^0+/, ''));
}

const LETTERS = 2;
const NUMBER = 3;

function kind(piece: string | undefined): number {
  if (piece === undefined) return 0;
  if (piece === '~') return -1;
  if (piece === '^') return 1;

  return /^[0-9]/.test(piece) ? NUMBER : LETTERS;
}

/** Without leading zeros, so that length and text give the order of any size. */
function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;

  return a === b ? 0 : a < b ? -1 : 1;
}
