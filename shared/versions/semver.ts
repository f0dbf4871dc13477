// Order of versions as Semantic Versioning 2.0.0 section 11 defines it, for npm, Go (pseudo-versions are pre-releases, +incompatible
// is build metadata) and crates.io. Pure. Any number of numbers of any size, because registries and advisories have such.
import { compareNumbers } from './digits.ts';

const SHAPE = /^[vV=]?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;
const NUMBER = /^\d+$/;

/** Null when it is no version of this kind: numbers, then `-` and a pre-release, then `+` and build metadata. */
export function semverProblem(version: string): string | null {
  return SHAPE.test(version) ? null : 'it is not numbers, with a pre-release after - and build metadata after +';
}

/** Negative when `a` is older than `b`, 0 when they have the same precedence. Missing numbers are 0. NaN for what is no version. */
export function compareSemver(a: string, b: string): number {
  const left = SHAPE.exec(a);
  const right = SHAPE.exec(b);
  if (left === null || right === null) return Number.NaN;

  return compareCores(left[1] ?? '', right[1] ?? '') || comparePreReleases(left[2], right[2]);
}

function compareCores(a: string, b: string): number {
  const left = a.split('.');
  const right = b.split('.');
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareNumbers(left[index] ?? '0', right[index] ?? '0');
    if (order !== 0) return order;
  }

  return 0;
}

/** A pre-release is older than the release; a longer one is newer than its beginning; numbers are older than words. */
function comparePreReleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const left = a.split('.');
  const right = b.split('.');
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const order = compareIdentifiers(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }

  return left.length - right.length;
}

function compareIdentifiers(a: string, b: string): number {
  const aIsNumber = NUMBER.test(a);
  const bIsNumber = NUMBER.test(b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  if (aIsNumber) return compareNumbers(a, b);

  return a === b ? 0 : a < b ? -1 : 1;
}
