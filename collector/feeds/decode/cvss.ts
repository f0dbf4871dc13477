// A CVSS score as CVE records and CSAF write it. The score and the word are the source's own, not worked out here. Pure.
import * as z from 'zod';
import type { CvssScore } from '../../triage/cve-facts.ts';

const shape = z.object({
  version: z.string().optional(),
  vectorString: z.string().min(5).max(300),
  baseScore: z.number().min(0).max(10),
  baseSeverity: z.string().max(20).optional(),
});

const PREFIX = /^CVSS:(3\.0|3\.1|4\.0)\//;
const V2 = /^\(?AV:[LAN]\/AC:[LMH]\/Au:[MSN]\//;
const METRICS = /^\(?[A-Za-z]+:[A-Za-z0-9.]+(\/[A-Za-z]+:[A-Za-z0-9.]+)*\)?$/;
const WORDS = ['none', 'low', 'medium', 'high', 'critical'] as const;

/** Null for what is no score of a version that is known. */
export function cvssScore(value: unknown, source: string): CvssScore | null {
  const parsed = shape.safeParse(value);
  if (!parsed.success || !METRICS.test(parsed.data.vectorString)) return null;
  const { vectorString: vector, baseScore: score, baseSeverity } = parsed.data;
  const version = V2.test(vector) ? '2.0' : PREFIX.exec(vector)?.[1];
  if (version === undefined) return null;
  const word = WORDS.find((each) => each === baseSeverity?.toLowerCase());

  return {
    version: version as CvssScore['version'],
    vector,
    score,
    // CVSS 2 has no word of its own: NVD's ranges, nvd.nist.gov/vuln-metrics/cvss.
    severity: word ?? wordOf(score, version),
    source,
  };
}

/** CVSS 3.1 section 5 (4.0 section 6), and NVD's three ranges for version 2. */
function wordOf(score: number, version: string): CvssScore['severity'] {
  if (version === '2.0') return score < 4 ? 'low' : score < 7 ? 'medium' : 'high';
  if (score === 0) return 'none';
  if (score < 4) return 'low';
  if (score < 7) return 'medium';

  return score < 9 ? 'high' : 'critical';
}
