import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { needs } from '../testing/needs.ts';
import { fc } from '../testing/properties.ts';
import { compareRpmParts, compareRpmVersions } from './rpm.ts';
import { pieces, RANDOM_VERSIONS, sign } from './testing/vectors.ts';

/** What the real rpm prints, word by word, for one expression per pair. */
function asked(
  pairs: readonly (readonly [string, string])[],
  expression: (a: string, b: string) => string,
): readonly string[] {
  const script = pairs.map(([a, b]) => `print(${expression(a, b)}, '')`).join(' ');
  const { stdout, stderr } = spawnSync('rpm', ['--eval', `%{lua: ${script}}`], { encoding: 'utf8' });
  expect(stderr).toBe('');

  return stdout.trim().split(/\s+/);
}

needs(['rpm'], 'the real rpm', () => {
  const parts = pieces([...'019ab.~^_'], 8, 1);

  it('says the same of random versions and releases alone', () => {
    const pairs = fc.sample(fc.tuple(parts, parts), { numRuns: 600, seed: 20261123 });
    const answers = asked(pairs, (a, b) => `rpm.vercmp('${a}', '${b}')`).map(Number);

    expect(answers).toHaveLength(pairs.length);
    expect(pairs.filter(([a, b], index) => Math.sign(compareRpmParts(a, b)) !== answers[index])).toEqual([]);
  });

  it('and of whole ones, with epoch and release or without', () => {
    const pairs = fc.sample(fc.tuple(RANDOM_VERSIONS.rpm, RANDOM_VERSIONS.rpm), { numRuns: 600, seed: 20261123 });
    const answers = asked(
      pairs,
      (a, b) => `rpm.ver('${a}') < rpm.ver('${b}') and '<' or rpm.ver('${a}') == rpm.ver('${b}') and '=' or '>'`,
    );

    expect(answers).toHaveLength(pairs.length);
    expect(
      pairs.flatMap(([a, b], index) =>
        sign(compareRpmVersions(a, b)) === answers[index] ? [] : [[a, b, answers[index]]],
      ),
    ).toEqual([]);
  });
});
