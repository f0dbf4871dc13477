import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import {
  comparerFor,
  compareVersions,
  knownEcosystems,
  MAX_VERSION_CHARACTERS,
  SCHEMES,
  schemeFor,
  versionProblem,
} from './list.ts';
import { RANDOM_VERSIONS, sign, vectorsIn } from './testing/vectors.ts';

const names = Object.keys(SCHEMES) as (keyof typeof SCHEMES)[];

describe('when versions are compared that their own tools have compared', () => {
  it.each([
    ['deb', 'Debian:12', 10_839],
    ['rpm-vercmp', 'Fedora:41', 163],
    ['rpm-evr', 'AlmaLinux:9', 2472],
    ['apk', 'Alpine:3.20', 11_294],
    ['pacman', 'Arch', 46],
    ['semver', 'npm', 86],
    ['pypi', 'PyPI', 9292],
  ])('agrees with every one of %s', (file, ecosystem, count) => {
    const vectors = vectorsIn(file);
    const wrong = vectors.filter(([a, op, b]) => sign(compareVersions(ecosystem, a, b)) !== op);
    const wrongTurned = vectors.filter(
      ([a, op, b]) => sign(compareVersions(ecosystem, b, a)) !== '>=<'['<=>'.indexOf(op)],
    );

    expect(vectors).toHaveLength(count);
    expect(wrong).toEqual([]);
    expect(wrongTurned).toEqual([]);
  });
});

describe.each(names)('whatever the versions of %s', (name) => {
  const { order } = SCHEMES[name];
  const versions = RANDOM_VERSIONS[name];

  it('they are in one order: equal to themselves, antisymmetric, transitive', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        expect(order(a, a)).toBe(0);
        expect(sign(order(a, b))).toBe(sign(-order(b, a)));
        if (order(a, b) <= 0 && order(b, c) <= 0) expect(order(a, c)).toBeLessThanOrEqual(0);
        // The same to a third in whatever they are the same.
        if (order(a, b) === 0) expect(sign(order(a, c))).toBe(sign(order(b, c)));
      }),
      { numRuns: 3000 },
    );
  });

  it('every one of them is one', () => {
    fc.assert(
      fc.property(versions, (version) => {
        expect([version, versionProblem(SCHEMES[name], version)]).toEqual([version, null]);
      }),
    );
  });

  it('absurd ones are no versions', () => {
    const absurd = [
      '',
      ' ',
      '\t',
      'a b',
      '1\n2',
      '1\u0000',
      '1'.repeat(100_000),
      '1.'.repeat(50_000),
      '-'.repeat(100_000),
    ];

    for (const version of absurd) expect(comparerFor(name)?.(version, '1')).toBe(null);
  });

  it('the longest allowed are compared as others, whatever they are made of', () => {
    const half = MAX_VERSION_CHARACTERS / 2 - 1;
    for (const one of [
      `1${'9'.repeat(half * 2)}`,
      `1${'.1'.repeat(half)}`,
      `1${'_p'.repeat(half)}`,
      `1${'~a'.repeat(half)}`,
      `1${'-r'.repeat(half)}`,
    ]) {
      const answer = comparerFor(name)?.(one, one);

      expect([0, null]).toContain(answer);
    }
  });

  it('any text at all gets an answer or none, the same turned round, and never throws', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ maxLength: 30 }));
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const one = comparerFor(name)?.(a, b) ?? null;
        const other = comparerFor(name)?.(b, a) ?? null;

        expect(one === null ? null : sign(one)).toBe(other === null ? null : sign(-other));
      }),
    );
  });
});

describe('when an ecosystem is named', () => {
  it.each([
    ['Debian:12', 'deb'],
    ['Ubuntu:22.04', 'deb'],
    ['Ubuntu:Pro:18.04:LTS', 'deb'],
    ['AlmaLinux:9', 'rpm'],
    ['Rocky:8', 'rpm'],
    ['RedHat:9', 'rpm'],
    ['SUSE:15.5', 'rpm'],
    ['Amazon:2', 'rpm'],
    ['Oracle:9', 'rpm'],
    ['Fedora:41', 'rpm'],
    ['Alpine:v3.19', 'apk'],
    ['Arch', 'pacman'],
    ['PyPI', 'pep440'],
    ['pypi', 'pep440'],
    ['npm', 'semver'],
    ['Go', 'semver'],
    ['crates.io', 'semver'],
    ['rpm', 'rpm'],
  ])('%s is compared as %s', (ecosystem, scheme) => {
    expect(schemeFor(ecosystem)?.name).toBe(scheme);
  });

  it.each(['', ':', 'Maven', 'Windows', 'Debianoid', 'toString', '__proto__'])(
    '"%s" is not known, and is not guessed',
    (ecosystem) => {
      expect(schemeFor(ecosystem)).toBe(null);
      expect(comparerFor(ecosystem)).toBe(null);
      expect(compareVersions(ecosystem, '1', '2')).toBe(null);
    },
  );

  it('the names are said, each once', () => {
    expect(knownEcosystems().join()).toMatch(/deb: Debian.*rpm: AlmaLinux.*pep440: PyPI/);
  });
});

describe('when one of two is no version', () => {
  it.each([
    ['deb', 'a:1', 'its epoch is not a number'],
    ['deb', ':1', 'its epoch is empty'],
    ['deb', '99999999999:1', 'its epoch is too large'],
    ['deb', '1:', 'there is nothing after its colon'],
    ['deb', '1-', 'its revision is empty'],
    ['deb', '-1', 'its upstream version is empty'],
    ['npm', 'latest', 'it is not numbers'],
    ['npm', '1.2.x', 'it is not numbers'],
    ['npm', '1.0-', 'it is not numbers'],
  ])('%s %s: %s', (ecosystem, version, reason) => {
    const scheme = schemeFor(ecosystem);

    expect(scheme && versionProblem(scheme, version)).toContain(reason);
    expect(compareVersions(ecosystem, version, '1')).toBe(null);
    expect(compareVersions(ecosystem, '1', version)).toBe(null);
  });

  it('what dpkg only warns about is compared', () => {
    expect(compareVersions('deb', '0:abc3-0', '1')).toBeGreaterThan(0);
    expect(compareVersions('deb', '0:0-0:0', '0-0')).toBeGreaterThan(0);
  });
});
