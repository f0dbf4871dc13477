// What several feeds say of one CVE as one. The same for any order of the parts. Pure.
import type { CveFacts, CveFactsPart, CvssScore, Epss, Kev, Raised, SsvcPoints } from './cve-facts.ts';
import { orderScores, scoreOf } from './cvss.ts';
import { DECISIONS } from './decision.ts';

/** More is shown nowhere and decides nothing. */
const MAX_REFERENCES = 100;
const EXPLOITATION_WORDS = new Map<string, 'none' | 'poc' | 'active'>([
  ['none', 'none'],
  ['poc', 'poc'],
  ['public poc', 'poc'],
  ['active', 'active'],
]);
const YES_NO = new Map([
  ['yes', true],
  ['no', false],
]);

export function mergeFacts(cve: string, parts: readonly CveFactsPart[]): CveFacts {
  return {
    cve,
    title: first(parts.map(({ title }) => title)),
    published: first(parts.map(({ published }) => published)),
    kev: kevOf(parts.flatMap(({ kev }) => kev ?? [])),
    epss: newest(parts.flatMap(({ epss }) => epss ?? [])),
    cvss: scoresOf(parts.flatMap(({ cvss }) => cvss ?? [])),
    ssvc: pointsOf(parts.flatMap(({ ssvc }) => ssvc ?? [])),
    cwe: union(parts.map(({ cwe }) => cwe)),
    references: union(parts.map(({ references }) => references)).slice(0, MAX_REFERENCES),
    ...raisedOf(parts.flatMap(({ raised }) => raised ?? [])),
  };
}

/** Of several advisories the most pressing one, and of equal ones the first by name. */
function raisedOf(found: readonly Raised[]): { readonly raised?: Raised } {
  const [most] = found.toSorted((a, b) => DECISIONS.indexOf(a.to) - DECISIONS.indexOf(b.to) || compare(a.by, b.by));

  return most === undefined ? {} : { raised: most };
}

/** Scores are worked out from their vectors; a vector that is none keeps the score that was claimed for it. */
function scoresOf(claimed: readonly CvssScore[]): readonly CvssScore[] {
  const found = new Map<string, CvssScore>();
  for (const one of claimed) {
    const score = scoreOf(one.vector, one.source) ?? one;
    found.set(JSON.stringify([score.version, score.vector, score.source]), score);
  }

  return orderScores([...found.values()]);
}

/** Listed is listed: the earliest day and the earliest date to be done by, and ransomware where one source knows of it. */
function kevOf(found: readonly Kev[]): Kev | null {
  if (found.length === 0) return null;
  const ransomware = found.flatMap((one) => one.ransomware ?? []);

  return {
    dateAdded: found.map(({ dateAdded }) => dateAdded).reduce(lesser),
    dueDate: first(found.map(({ dueDate }) => dueDate)),
    ransomware: ransomware.length === 0 ? null : ransomware.includes(true),
  };
}

function newest(found: readonly Epss[]): Epss | null {
  return found.toSorted((a, b) => compare(b.asOf, a.asOf) || b.score - a.score)[0] ?? null;
}

/** Of several records the newest that says it, point by point; the letter case is whatever it was found in. */
function pointsOf(found: readonly SsvcPoints[]): SsvcPoints | null {
  if (found.length === 0) return null;
  const ordered = found.toSorted(
    (a, b) => compare(b.at ?? '', a.at ?? '') || compare(JSON.stringify(a), JSON.stringify(b)),
  );
  const decisive = ordered.find(({ exploitation }) => exploitationOf(exploitation) !== null) ?? ordered[0];

  return {
    exploitation: firstOf(ordered.map((one) => exploitationOf(one.exploitation))),
    automatable: firstOf(ordered.map((one) => booleanOf(one.automatable))),
    technicalImpact: firstOf(ordered.map((one) => impactOf(one.technicalImpact))),
    at: decisive?.at ?? null,
  };
}

function exploitationOf(value: unknown): SsvcPoints['exploitation'] {
  return (typeof value === 'string' ? EXPLOITATION_WORDS.get(value.trim().toLowerCase()) : null) ?? null;
}

function booleanOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;

  return (typeof value === 'string' ? YES_NO.get(value.trim().toLowerCase()) : null) ?? null;
}

function impactOf(value: unknown): SsvcPoints['technicalImpact'] {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : null;

  return word === 'partial' || word === 'total' ? word : null;
}

/** The least of those that are there, so that the order of feeds decides nothing. */
function first<T extends string>(values: readonly (T | null | undefined)[]): T | null {
  const known = values.flatMap((value) => value ?? []);

  return known.toSorted(compare)[0] ?? null;
}

function firstOf<T>(values: readonly (T | null)[]): T | null {
  return values.find((value) => value !== null) ?? null;
}

function union(lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))].toSorted(compare);
}

function lesser(a: string, b: string): string {
  return a <= b ? a : b;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
