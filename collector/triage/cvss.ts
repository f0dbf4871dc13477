// CVSS vectors of every version as scores and words. The score is worked out from the vector: what a record claims beside it is not
// needed. The only place that knows the library.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import calculator from 'ae-cvss-calculator';
import type { CvssScore } from './cve-facts.ts';
import { type CvssVersion, readVector, type Vector } from './cvss-metrics.ts';

export type Severity = CvssScore['severity'];

/** From the mildest to the worst. */
export const SEVERITIES = ['none', 'low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[];

/**
 * Base score of versions 2 and 3, the score of version 4 with the metrics that the vector carries. Null for what is no whole
 * vector: a wrong score is worse than none.
 */
export function scoreOf(text: string, source: string): CvssScore | null {
  const read = readVector(text);
  if (read === null) return null;
  const score = compute(read);
  const { version, vector } = read;

  return { version, vector, score, severity: severityOf(score, version), source };
}

/** Versions 3 and 4: https://www.first.org/cvss/v3.1/specification-document table 14. Version 2 by the words of NVD: no critical, no none. */
export function severityOf(score: number, version: CvssVersion): Severity {
  if (version === '2.0') return score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low';
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';

  return score > 0 ? 'low' : 'none';
}

const NEWEST_FIRST: readonly CvssVersion[] = ['4.0', '3.1', '3.0', '2.0'];

/**
 * The score that stands for a CVE: the highest of versions 3 and 4, since whoever scores lower may not know what another does.
 * Version 2 counts only where nobody scored by a newer one. Of equal ones the newer version, then the first source by name.
 */
export function bestScore(scores: readonly CvssScore[]): CvssScore | null {
  const current = scores.filter(({ version }) => version !== '2.0');
  let best: CvssScore | null = null;
  for (const one of current.length > 0 ? current : scores) if (best === null || before(one, best) < 0) best = one;

  return best;
}

/** The order in which scores are shown, the one that stands first. */
export function orderScores(scores: readonly CvssScore[]): readonly CvssScore[] {
  const old = (one: CvssScore) => (one.version === '2.0' ? 1 : 0);

  return scores.toSorted((a, b) => old(a) - old(b) || before(a, b));
}

function before(a: CvssScore, b: CvssScore): number {
  return (
    b.score - a.score ||
    NEWEST_FIRST.indexOf(a.version) - NEWEST_FIRST.indexOf(b.version) ||
    compare(a.source, b.source) ||
    compare(a.vector, b.vector)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compute({ version, vector }: Vector): number {
  switch (version) {
    case '2.0':
      return base(new calculator.Cvss2(vector).calculateScores());
    case '3.0':
      return base(new calculator.Cvss3P0(vector).calculateScores());
    case '3.1':
      return base(new calculator.Cvss3P1(vector).calculateScores());
    case '4.0':
      return new calculator.Cvss4P0(vector).calculateScores().overall;
  }
}

/** Every metric of the base is there (./cvss-metrics.ts): there is a score. */
function base({ base: score }: { readonly base?: number }): number {
  if (score === undefined) throw new CodedError('INTERNAL', 'a whole CVSS vector has no base score');

  return score;
}
