// Real facts of CVEs as KEV, vulnrichment, EPSS and scorers gave them (../fixtures/PROVENANCE.md), as the parts that feeds hand over.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CveFactsPart, CvssScore, SsvcPoints } from '../cve-facts.ts';

const FILE = join(import.meta.dirname, '..', 'fixtures', 'kev-and-vulnrichment.tsv');

export interface RealCve {
  readonly cve: string;
  readonly kev: CveFactsPart['kev'];
  /** The word in the letter case it was found in. */
  readonly exploitation: string;
  readonly parts: readonly CveFactsPart[];
}

export function realCves(): readonly RealCve[] {
  const [, ...lines] = readFileSync(FILE, 'utf8').trimEnd().split('\n');

  return lines.map((line) => {
    const [
      cve = '',
      added = '',
      due = '',
      ransomware = '',
      exploitation = '',
      automatable = '',
      impact = '',
      at = '',
      ...rest
    ] = line.split('\t');
    const [score = '', percentile = '', vectors = ''] = rest;
    const kev = added === '' ? null : { dateAdded: added, dueDate: due, ransomware: ransomware === 'Known' };
    // As found: merging is what has to bear other letter cases.
    const ssvc = { exploitation, automatable, technicalImpact: impact, at } as unknown as SsvcPoints;

    return {
      ...{ cve, kev, exploitation },
      parts: [
        ...(kev ? [{ kev }] : []),
        ...(score === ''
          ? []
          : [{ epss: { score: Number(score), percentile: Number(percentile), asOf: '2026-08-16' } }]),
        { ssvc },
        ...vectors.split(' ').flatMap((one) => (one === '' ? [] : [{ cvss: [claimed(one)] }])),
      ],
    };
  });
}

/** A score that is certainly not the vector's, so that a test sees which of the two counts. */
function claimed(text: string): CvssScore {
  const at = text.indexOf('=');

  return { version: '3.1', vector: text.slice(at + 1), score: 0, severity: 'none', source: text.slice(0, at) };
}
