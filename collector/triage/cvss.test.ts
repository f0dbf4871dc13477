// Scores of every version against published lists, and what is refused rather than scored wrongly.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { CvssScore } from './cve-facts.ts';
import { bestScore, orderScores, SEVERITIES, scoreOf, severityOf } from './cvss.ts';
import { METRICS, readVector } from './cvss-metrics.ts';
import { realCves } from './testing/real-facts.ts';

function lines(name: string): readonly string[] {
  return readFileSync(join(import.meta.dirname, 'fixtures', 'cvss', name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

/** Vector and score of each line; the lists hold temporal and environmental scores too. */
function scored(name: string): readonly (readonly [string, number])[] {
  return lines(name).map((line) => {
    const [vector = '', score = ''] = line.replace(/#.*$/, '').trim().split(/\s+/);

    return [vector, Number(score)];
  });
}

const isBase = ([vector]: readonly [string, number]) => !/\/(E|RL|CDP|CR|MAV|MPR|MAC|MUI|MC):/.test(vector);

describe('when a vector is scored', () => {
  it.each([
    ['v2_score.list', 3],
    ['v30_score.list', 32],
    ['v31_score.list', 30],
  ])('gives the base scores of %s', (name, atLeast) => {
    const wanted = scored(name).filter(isBase);

    expect(wanted.length).toBeGreaterThanOrEqual(Math.min(atLeast, wanted.length));
    expect(wanted.map(([vector]) => [vector, scoreOf(vector, 'x')?.score])).toEqual(wanted);
  });

  it('gives the scores of version 4 with all its metrics', () => {
    const wanted = scored('v4_score.list');

    expect(wanted).toHaveLength(40);
    expect(wanted.map(([vector]) => [vector, scoreOf(vector, 'x')?.score])).toEqual(wanted);
  });

  it.each(['v2_error.list', 'v3_error.list', 'v4_error.list'])('refuses what %s holds, and only that', (name) => {
    const isOfList = (version: string | undefined) => version?.startsWith(name.charAt(1)) ?? false;
    const answers = lines(name).map((line) => [line, isOfList(scoreOf(line.replace(/\s*#.*$/, ''), 'x')?.version)]);

    expect(answers).toEqual(lines(name).map((line) => [line, /#\s*OK/.test(line)]));
  });

  it.each([
    ['an empty text', ''],
    ['a version to come', 'CVSS:5.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N'],
    ['small letters', 'cvss:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h'],
    ['a name of every object', 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/constructor:x'],
    ['a megabyte', `CVSS:3.1/${'AV:N/'.repeat(200_000)}`],
    ['control characters', 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:\x1b[31mH'],
  ])('refuses %s', (_what, vector) => {
    expect(scoreOf(vector, 'x')).toBeNull();
  });

  it('never throws and never scores outside 0 to 10', () => {
    const pieces = Object.values(METRICS).flatMap(({ prefix, values }) => [
      prefix,
      ...Object.entries(values).flatMap(([name, words]) => words.split(' ').map((word) => `${name}:${word}/`)),
    ]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 20 }), fc.string(), (parts, junk) => {
        const found = scoreOf(`${parts.join('')}${junk}`, 'x');
        if (found !== null) expect(found.score >= 0 && found.score <= 10).toBe(true);
      }),
    );
  });

  it('scores every whole vector of every version', () => {
    for (const [version, { prefix, base, values }] of Object.entries(METRICS)) {
      const words = (name: string) => ((values as Record<string, string>)[name] ?? '').split(' ');
      const vectors = fc.tuple(...base.map((name) => fc.constantFrom(...words(name).map((word) => `${name}:${word}`))));
      fc.assert(
        fc.property(vectors, (parts) => {
          const found = scoreOf(`${prefix}${parts.join('/')}`, 'x');

          expect(found).toMatchObject({ version });
          expect(SEVERITIES).toContain(found?.severity);
        }),
        { numRuns: 100 },
      );
    }
  });

  it('takes vectors of version 2 in the parentheses of older records', () => {
    expect(scoreOf('(AV:N/AC:L/Au:N/C:C/I:C/A:C)', 'NVD')).toMatchObject({
      version: '2.0',
      score: 10,
      severity: 'high',
    });
  });

  it('reads every real vector', () => {
    const vectors = realCves().flatMap(({ parts }) => parts.flatMap(({ cvss }) => cvss ?? []));

    expect(vectors.length).toBeGreaterThan(250);
    expect(vectors.filter(({ vector }) => readVector(vector) === null)).toEqual([]);
  });
});

describe('when a score gets a word', () => {
  it.each([
    [0, 'none', 'low'],
    [0.1, 'low', 'low'],
    [3.9, 'low', 'low'],
    [4, 'medium', 'medium'],
    [6.9, 'medium', 'medium'],
    [7, 'high', 'high'],
    [8.9, 'high', 'high'],
    [9, 'critical', 'high'],
    [10, 'critical', 'high'],
  ] as const)('calls %d %s, and %s by version 2', (score, word, older) => {
    expect([severityOf(score, '3.0'), severityOf(score, '3.1'), severityOf(score, '4.0')]).toEqual([word, word, word]);
    expect(severityOf(score, '2.0')).toBe(older);
  });
});

describe('when several score', () => {
  const score = (version: CvssScore['version'], value: number, source: string): CvssScore => ({
    ...{ version, score: value, source, vector: '', severity: severityOf(value, version) },
  });

  it('takes the highest of the current versions, and version 2 only where nobody scored by another', () => {
    expect(bestScore([score('2.0', 10, 'NVD'), score('3.1', 5.3, 'cna')])).toMatchObject({ version: '3.1' });
    expect(bestScore([score('4.0', 6.9, 'cna'), score('3.1', 9.8, 'NVD')])).toMatchObject({ score: 9.8 });
    expect(bestScore([score('2.0', 5, 'a'), score('2.0', 7, 'b')])).toMatchObject({ source: 'b' });
    expect(bestScore([])).toBeNull();
  });

  it('takes of equal ones the newer version, then the first name, in any order', () => {
    const all = [score('3.1', 9.8, 'b'), score('4.0', 9.8, 'z'), score('3.1', 9.8, 'a'), score('2.0', 10, 'a')];
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(orderScores(shuffled).map(({ version, source }) => `${version} ${source}`)).toEqual([
          ...['4.0 z', '3.1 a', '3.1 b', '2.0 a'],
        ]);
        expect(bestScore(shuffled)).toBe(orderScores(shuffled)[0]);
      }),
    );
  });
});
