// The metrics of each CVSS version with their values, as data, and reading a vector by them: strictly, because a score of half a
// vector is a wrong score. https://www.first.org/cvss/ (v2 guide 2.4, v3.0 and v3.1 section 6, v4.0 section 7). Pure.

interface MetricTable {
  /** What a vector begins with; version 2 has nothing. */
  readonly prefix: string;
  readonly ordered: boolean;
  /** Metrics that have to be there. */
  readonly base: readonly string[];
  /** Metrics that are there together or not at all. */
  readonly groups: readonly (readonly string[])[];
  /** Values separated by spaces, in the order of the standard. */
  readonly values: Readonly<Record<string, string>>;
}

const V3_VALUES = {
  ...{ AV: 'N A L P', AC: 'L H', PR: 'N L H', UI: 'N R', S: 'U C', C: 'H L N', I: 'H L N', A: 'H L N' },
  ...{ E: 'X U P F H', RL: 'X O T W U', RC: 'X U R C', CR: 'X L M H', IR: 'X L M H', AR: 'X L M H' },
  ...{ MAV: 'X N A L P', MAC: 'X L H', MPR: 'X N L H', MUI: 'X N R', MS: 'X U C' },
  ...{ MC: 'X H L N', MI: 'X H L N', MA: 'X H L N' },
};
const V3_BASE = ['AV', 'AC', 'PR', 'UI', 'S', 'C', 'I', 'A'];

export const METRICS = {
  '2.0': {
    prefix: '',
    ordered: true,
    base: ['AV', 'AC', 'Au', 'C', 'I', 'A'],
    groups: [
      ['E', 'RL', 'RC'],
      ['CDP', 'TD', 'CR', 'IR', 'AR'],
    ],
    values: {
      ...{ AV: 'L A N', AC: 'H M L', Au: 'M S N', C: 'N P C', I: 'N P C', A: 'N P C' },
      ...{ E: 'U POC F H ND', RL: 'OF TF W U ND', RC: 'UC UR C ND' },
      ...{ CDP: 'N L LM MH H ND', TD: 'N L M H ND', CR: 'L M H ND', IR: 'L M H ND', AR: 'L M H ND' },
    },
  },
  '3.0': { prefix: 'CVSS:3.0/', ordered: false, base: V3_BASE, groups: [], values: V3_VALUES },
  '3.1': { prefix: 'CVSS:3.1/', ordered: false, base: V3_BASE, groups: [], values: V3_VALUES },
  '4.0': {
    prefix: 'CVSS:4.0/',
    ordered: true,
    base: ['AV', 'AC', 'AT', 'PR', 'UI', 'VC', 'VI', 'VA', 'SC', 'SI', 'SA'],
    groups: [],
    values: {
      ...{ AV: 'N A L P', AC: 'L H', AT: 'N P', PR: 'N L H', UI: 'N P A' },
      ...{ VC: 'H L N', VI: 'H L N', VA: 'H L N', SC: 'H L N', SI: 'H L N', SA: 'H L N' },
      ...{ E: 'X A P U', CR: 'X H M L', IR: 'X H M L', AR: 'X H M L' },
      ...{ MAV: 'X N A L P', MAC: 'X L H', MAT: 'X N P', MPR: 'X N L H', MUI: 'X N P A' },
      ...{ MVC: 'X H L N', MVI: 'X H L N', MVA: 'X H L N', MSC: 'X H L N', MSI: 'X S H L N', MSA: 'X S H L N' },
      ...{ S: 'X N P', AU: 'X N Y', R: 'X A U I', V: 'X D C', RE: 'X L M H', U: 'X Clear Green Amber Red' },
    },
  },
} as const satisfies Record<string, MetricTable>;
export type CvssVersion = keyof typeof METRICS;

export interface Vector {
  readonly version: CvssVersion;
  readonly vector: string;
  readonly metrics: ReadonlyMap<string, string>;
}

/** Characters; the longest vector of version 4 with every metric has 208. */
const MAX_VECTOR = 300;
/** Older records of NVD put vectors of version 2 in parentheses. */
const WRAPPED = /^\((.*)\)$/;

/** Null for everything that is no whole vector of a version we know. */
export function readVector(text: string): Vector | null {
  if (text.length > MAX_VECTOR) return null;
  const vector = text.trim().replace(WRAPPED, '$1');
  const version = versionOf(vector);
  if (version === null) return null;
  const table: MetricTable = METRICS[version];
  const order = Object.keys(table.values);
  const metrics = new Map<string, string>();
  let last = -1;

  for (const part of vector.slice(table.prefix.length).split('/')) {
    const colon = part.indexOf(':');
    const [name, value] = [part.slice(0, colon), part.slice(colon + 1)];
    const at = order.indexOf(name);
    const allowed = at < 0 ? [] : (table.values[name] ?? '').split(' ');
    if (colon < 0 || metrics.has(name) || !allowed.includes(value) || (table.ordered && at < last)) return null;
    metrics.set(name, value);
    last = at;
  }

  const isWhole = table.base.every((name) => metrics.has(name));
  const together = table.groups.every((group) =>
    group.every((name) => metrics.has(name) === metrics.has(group[0] ?? '')),
  );

  return isWhole && together ? { version, vector, metrics } : null;
}

function versionOf(vector: string): CvssVersion | null {
  if (!vector.startsWith('CVSS:')) return '2.0';
  for (const version of ['3.0', '3.1', '4.0'] as const) if (vector.startsWith(METRICS[version].prefix)) return version;

  return null;
}
