// Pairs of versions in ../fixtures, and random ones. For tests only.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fc } from '../../testing/properties.ts';

export type Vector = readonly [a: string, op: string, b: string];

/** All of `<name>.tsv.gz`. */
export function vectorsIn(name: string): readonly Vector[] {
  const bytes = readFileSync(join(import.meta.dirname, '../fixtures', `${name}.tsv.gz`));

  return gunzipSync(bytes)
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t') as unknown as Vector);
}

/** `<`, `=` or `>`; `?` for no answer. */
export function sign(order: number | null): string {
  return order === null ? '?' : ('<=>'[Math.sign(order) + 1] ?? '?');
}

/** Text of few characters, so that near misses are frequent. */
export function pieces(parts: readonly string[], maxLength: number, minLength = 0): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...parts), { minLength, maxLength }).map((found) => found.join(''));
}

const numbers = fc
  .array(fc.constantFrom('0', '1', '2', '00', '01', '10', '9', '12345678901234567890'), { minLength: 1, maxLength: 4 })
  .map((found) => found.join('.'));
const rpmParts = pieces([...'019ab.~^_+'], 7, 1);

/** Versions that each scheme takes. */
export const RANDOM_VERSIONS = {
  deb: fc
    .tuple(
      fc.constantFrom('', '0:', '1:', '12:'),
      fc.nat(30),
      pieces([...'0129ab.+~-'], 6),
      fc.option(pieces([...'019a.+~'], 4)),
    )
    .map(
      ([epoch, first, rest, revision]) =>
        `${epoch}${first}${rest}${revision ? `-${revision}` : rest.endsWith('-') ? '0' : ''}`,
    ),
  rpm: fc
    .tuple(fc.constantFrom('', '0:', '1:', '12:'), fc.nat(30), rpmParts, fc.option(rpmParts))
    .map(([epoch, first, rest, release]) => `${epoch}${first}${rest}${release === null ? '' : `-${release}`}`),
  apk: fc
    .tuple(
      numbers,
      fc.constantFrom('', '', 'a', 'b', 'p1', 'z02'),
      fc.array(fc.constantFrom('_alpha', '_rc1', '_pre02', '_p', '_p1', '_git20240101', '_beta'), { maxLength: 2 }),
      fc.constantFrom('', '-r0', '-r1', '-r10'),
    )
    .map(([core, letter, suffixes, revision]) => `${core}${letter}${suffixes.join('')}${revision}`),
  // Beginning with a number, and with a release each: of other shapes it is no order, see pacman.ts.
  pacman: fc
    .tuple(
      fc.constantFrom('', '0:', '1:'),
      fc.constantFrom('0', '1', '12', '1a', '1rc', '1rc2', '0beta'),
      pieces(['.0', '.1', '.12', '.a', '_rc', '+1a', '..1rc2', '.r5'], 3),
      fc.nat(3),
    )
    .map(([epoch, first, rest, release]) => `${epoch}${first}${rest}-${release}`),
  semver: fc
    .tuple(
      fc.constantFrom('', 'v'),
      numbers,
      pieces(['0', '1', '10', 'a', 'rc', '-'], 3, 0),
      fc.constantFrom('', '+b1'),
    )
    .map(([prefix, core, pre, build]) => `${prefix}${core}${pre === '' ? '' : `-${pre}`}${build}`),
  pep440: fc
    .tuple(
      fc.constantFrom('', 'v', '1!'),
      numbers,
      fc.constantFrom('', 'a1', '.beta', '-RC2', '_c', 'pre3'),
      fc.constantFrom('', '-1', '.post0', 'rev2'),
      fc.constantFrom('', '.dev0', 'dev3'),
      fc.constantFrom('', '', '+1', '+a', '+ubuntu.1', '+1.a'),
    )
    .map((parts) => parts.join('')),
} as const;
