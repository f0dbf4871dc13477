// What one rule says of one version: the only place where a version is held against a range. Each distinct version is compared once
// per software, however many rules name it: a kernel has thousands of records and few dozens of fixed versions.
import { type Compare, compareOf, notAVersion } from './compare.ts';
import { kindOf } from './ecosystem.ts';
import type { Evidence } from './match.ts';
import { streamVerdict } from './modules.ts';
import type { Rule, VersionRange } from './rule.ts';
import type { Software } from './software.ts';

export type Says = Evidence['says'];

/** How one version stands to the rules that concern it. */
export interface Standing {
  says(rule: Rule): Says;
  /** Range that decided (the one that it lies in; else the first), and why nothing could be compared. */
  explain(rule: Rule): { readonly range: VersionRange | null; readonly words: string };
  /** Order of two versions of this ecosystem; null where there is none. */
  newest(versions: readonly string[]): string | null;
}

/** The installed version against others; null stands for "cannot be compared". */
type Order = (version: string) => number | null;

export function standingOf(software: Software): Standing {
  const compare = compareOf(software.ecosystem);
  const order = orderOf(software, compare);
  const own = notAVersion(software.version);
  const label =
    kindOf(software.ecosystem) === 'language' ? software.ecosystem : (kindOf(software.ecosystem) ?? 'version');

  return {
    says: (rule) => says(software, rule, order),
    explain: (rule) => ({
      range: rangeOf(rule, order),
      words: `${label}: ${words(software, rule, order, compare === null ? 'nobody here knows how its versions are ordered' : own)}`,
    }),
    newest: (versions) => newest(versions, compare),
  };
}

function orderOf(software: Software, compare: Compare | null): Order {
  if (compare === null || notAVersion(software.version) !== null) return () => null;
  const known = new Map<string, number | null>();

  return (version) => {
    const before = known.get(version);
    if (before !== undefined) return before;
    const order = orderOnce(compare, software.version, version);
    known.set(version, order);

    return order;
  };
}

/** A version that its own comparison refuses is one that cannot be compared, which is said and no reason to stop. */
function orderOnce(compare: Compare, installed: string, version: string): number | null {
  if (notAVersion(version) !== null) return null;
  try {
    return compare(installed, version);
  } catch {
    return null;
  }
}

function says(software: Software, rule: Rule, order: Order): Says {
  if (rule.status === 'not-affected') return 'not-affected';
  const answer = inRanges(software, rule, order);
  if (answer !== 'affected') return answer;
  if (rule.status === 'undetermined') return 'unknown';

  return streamVerdict(software, rule) ?? 'affected';
}

function inRanges(software: Software, rule: Rule, order: Order): Says {
  if (rule.versions?.includes(software.version)) return 'affected';
  if (rule.ranges.length === 0) return withoutRanges(rule, order);
  const answers = new Set(rule.ranges.map((range) => inRange(range, order)));
  if (answers.has('affected')) return 'affected';
  if (rule.versions?.some((version) => order(version) === 0)) return 'affected';

  return answers.has('unknown') ? 'unknown' : answers.has('fixed') ? 'fixed' : 'not-affected';
}

/** Versions named one by one are all there is; nothing at all means all versions, unless the rule promised a fix and names none. */
function withoutRanges(rule: Rule, order: Order): Says {
  if (rule.versions !== undefined && rule.versions.length > 0) {
    return rule.versions.some((version) => order(version) === 0) ? 'affected' : 'not-affected';
  }

  return rule.status === 'fixed' ? 'unknown' : 'affected';
}

/** `0` is how trackers write "from the first version", and, as a fixed version, "never was in it". */
const FIRST = '0';

function inRange(range: VersionRange, order: Order): Says {
  if (range.fixed === FIRST) return 'not-affected';
  if (range.introduced !== null && range.introduced !== FIRST) {
    const since = order(range.introduced);
    if (since === null) return 'unknown';
    if (since < 0) return 'not-affected';
  }
  if (range.fixed !== null) {
    const until = order(range.fixed);
    if (until === null) return 'unknown';

    return until < 0 ? 'affected' : 'fixed';
  }
  if (range.lastAffected !== null) {
    const last = order(range.lastAffected);
    if (last === null) return 'unknown';

    return last <= 0 ? 'affected' : 'fixed';
  }

  return 'affected';
}

function rangeOf(rule: Rule, order: Order): VersionRange | null {
  const inside = rule.ranges.find((range) => inRange(range, order) === 'affected');

  return inside ?? rule.ranges.find((range) => inRange(range, order) !== 'not-affected') ?? rule.ranges[0] ?? null;
}

/** The comparison so that it can be repeated by hand. */
function words(software: Software, rule: Rule, order: Order, noOrder: string | null): string {
  const { version } = software;
  if (rule.status === 'not-affected') return `${version}: its source says that it is not affected`;
  const range = rangeOf(rule, order);
  if (range === null)
    return rule.versions?.length
      ? `${version} is ${listed(software, rule, order)}`
      : `${version}, no version has a fix`;
  if (range.fixed === FIRST) return `${version}: its source says that it never was affected`;
  const from = range.introduced === null || range.introduced === FIRST ? null : range.introduced;
  const parts = [from, range.fixed, range.lastAffected].filter((one) => one !== null);
  const strange = parts.find((one) => order(one) === null);
  if (strange !== undefined)
    return `${version} and ${strange.slice(0, 80)} cannot be compared: ${noOrder ?? notAVersion(strange) ?? 'its form'}`;
  const stream =
    streamVerdict(software, rule) === null
      ? ''
      : `, ${rule.module ? `only in stream ${rule.module}` : 'of another kind of build'}`;
  if (parts.length === 0) return `${version}, no version has a fix${stream}`;

  return `${version} ${parts.map((one) => `${sign(order(one))} ${one}`).join(' and ')}${stream}`;
}

function listed(software: Software, rule: Rule, order: Order): string {
  const named = rule.versions?.some((one) => one === software.version || order(one) === 0);

  return named ? 'one of the versions that it names' : 'none of the versions that it names';
}

function sign(order: number | null): string {
  return order === null ? '?' : order < 0 ? '<' : order === 0 ? '=' : '>';
}

function newest(versions: readonly string[], compare: Compare | null): string | null {
  let best: string | null = null;

  for (const version of versions) {
    if (best === null || (compare !== null && (compare(version, best) ?? 0) > 0)) best = version;
  }

  return best;
}
