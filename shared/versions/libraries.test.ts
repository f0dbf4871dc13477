// Two libraries know a part of what ./semver.ts and ./pep440.ts order; on that part all must agree.
import { compare as comparePep440 } from '@renovatebot/pep440';
import semver from 'semver';
import { expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { comparePythonVersions } from './pep440.ts';
import { compareSemver } from './semver.ts';
import { RANDOM_VERSIONS, sign } from './testing/vectors.ts';

it('semver says the same of random versions within its standard', () => {
  const numbers = fc
    .array(fc.constantFrom('0', '1', '2', '10'), { minLength: 3, maxLength: 3 })
    .map((found) => found.join('.'));
  const pre = fc.array(fc.constantFrom('a', '1', '10', '2', 'alpha', 'x-y', '0', 'A', '1a'), { maxLength: 3 });
  const versions = fc
    .tuple(numbers, pre)
    .map(([core, words]) => (words.length === 0 ? core : `${core}-${words.join('.')}`));

  fc.assert(
    fc.property(versions, versions, (a, b) => {
      expect([a, b, sign(compareSemver(a, b))]).toEqual([a, b, sign(semver.compare(a, b))]);
    }),
    { numRuns: 2000 },
  );
});

it('the library for PEP 440 says the same of random versions, as long as no number is larger than a double holds', () => {
  const small = RANDOM_VERSIONS.pep440.filter((version) => !/\d{15}/.test(version));

  fc.assert(
    fc.property(small, small, (a, b) => {
      expect([a, b, sign(comparePythonVersions(a, b))]).toEqual([a, b, sign(comparePep440(a, b))]);
    }),
    { numRuns: 2000 },
  );
});
