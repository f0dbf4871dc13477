import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needs } from '../testing/needs.ts';
import { compareRpmParts, compareRpmVersions } from './rpm.ts';

const word = (order: number) => '<=>'[Math.sign(order) + 1];
const vectorsIn = (file: string) =>
  readFileSync(join(import.meta.dirname, 'fixtures', file), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t') as [string, string, string]);

/** Short and made of few characters, so that near misses are frequent. */
const part = (characters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength }).map((letters) => letters.join(''));
const parts = part('019ab.~^_', 7);
const versions = fc
  .tuple(fc.constantFrom('', '0:', '1:', '12:'), fc.nat(30), parts, fc.option(parts))
  .map(([epoch, first, rest, release]) => `${epoch}${first}${rest}${release === null ? '' : `-${release}`}`);

describe('when versions of rpm’s own tests are compared', () => {
  it('agrees with every one of them', () => {
    const vectors = vectorsIn('rpm-vercmp.tsv');

    expect(vectors.length).toBeGreaterThan(150);
    expect(vectors.filter(([a, op, b]) => word(compareRpmVersions(a, b)) !== op)).toEqual([]);
  });

  it('and with real ones of one distribution', () => {
    const vectors = vectorsIn('rpm-evr.tsv');

    expect(vectors.length).toBeGreaterThan(400);
    expect(vectors.filter(([a, op, b]) => word(compareRpmVersions(a, b)) !== op)).toEqual([]);
    expect(vectors.filter(([a, op, b]) => word(-compareRpmVersions(b, a)) !== op)).toEqual([]);
  });
});

describe('whatever the rpm versions', () => {
  it('is an order: antisymmetric, transitive, equal to itself', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(compareRpmVersions(a, a)).toBe(0);
        expect(Math.sign(compareRpmVersions(a, b)) + Math.sign(compareRpmVersions(b, a))).toBe(0);
        if (compareRpmVersions(a, b) <= 0 && compareRpmVersions(b, c) <= 0) {
          expect(compareRpmVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

needs(['rpm'], 'the real rpm', () => {
  it('says the same', () => {
    const pairs = fc.sample(fc.tuple(parts, parts), { numRuns: 400, seed: 20261123 });
    const script = pairs.map(([a, b]) => `print(rpm.vercmp('${a}', '${b}'), '')`).join(' ');
    const { stdout } = spawnSync('rpm', ['--eval', `%{lua: ${script}}`], { encoding: 'utf8' });
    const answers = stdout.trim().split(/\s+/).map(Number);

    expect(answers).toHaveLength(pairs.length);
    expect(pairs.filter(([a, b], index) => Math.sign(compareRpmParts(a, b)) !== answers[index])).toEqual([]);
  });
});
