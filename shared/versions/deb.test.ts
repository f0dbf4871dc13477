import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needs } from '../testing/needs.ts';
import { compareDebVersions } from './deb.ts';

const sign = (a: string, b: string) => '<=>'[Math.sign(compareDebVersions(a, b)) + 1];
const vectors = readFileSync(join(import.meta.dirname, 'fixtures/deb.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [string, string, string]);

/** Valid versions, short and made of few characters, so that near misses are frequent. */
const part = (characters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...characters), { maxLength }).map((letters) => letters.join(''));
const versions = fc
  .tuple(fc.constantFrom('', '0:', '1:', '12:'), fc.nat(30), part('0129ab.+~', 6), fc.option(part('019a.+~', 4)))
  .map(([epoch, first, rest, revision]) => `${epoch}${first}${rest}${revision ? `-${revision}` : ''}`);

describe('when versions of dpkg’s own tests are compared', () => {
  it('agrees with every one of them', () => {
    expect(vectors.length).toBeGreaterThan(1000);
    expect(vectors.filter(([a, op, b]) => sign(a, b) !== op)).toEqual([]);
  });
});

describe('whatever the versions', () => {
  it('is an order: antisymmetric, transitive, equal to itself', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(compareDebVersions(a, a)).toBe(0);
        expect(Math.sign(compareDebVersions(a, b)) + Math.sign(compareDebVersions(b, a))).toBe(0);
        if (compareDebVersions(a, b) <= 0 && compareDebVersions(b, c) <= 0) {
          expect(compareDebVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

needs(['dpkg-deb'], 'the real dpkg', () => {
  it('says the same', () => {
    fc.assert(
      fc.property(versions, versions, (a, b) => {
        const word = { '<': 'lt', '=': 'eq', '>': 'gt' }[sign(a, b) ?? ''] ?? '';

        expect([a, b, spawnSync('dpkg', ['--compare-versions', a, word, b]).status]).toEqual([a, b, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
