// The decision: four points, each with whose word it is, and the row of the tree that they lead to. Pure.
// docs/decisions/2026-11-23-triage.md says why the rules are as they are.
import type { CveFacts, Raised } from './cve-facts.ts';
import { bestScore } from './cvss.ts';
import { type CvssVersion, readVector } from './cvss-metrics.ts';
import {
  type Circumstances,
  DECISIONS,
  type Decide,
  type Decision,
  type DecisionPoint,
  type DecisionWord,
  type Exploitation,
} from './decision.ts';
import { createLookup, pathOf, TREE } from './tree.ts';
import type { Automatable } from './trees/shape.ts';

/** What the collector could have known: without a list of what is exploited nobody can say that a CVE is not on it. */
export interface Knowledge {
  /** Date of the KEV data, `''` where it carries none; null: never imported. */
  readonly kev: string | null;
}

const KNOWS_KEV: Knowledge = { kev: '' };

/** The decision without its reasons: the same for every machine in the same circumstances. */
export type Verdict = Omit<Decision, 'points'>;

interface Point<V extends string> {
  /** Null: unknown. */
  readonly value: V | null;
  readonly why: string;
  readonly overruled: string | null;
}

const lookup = createLookup(TREE);
const TREE_NAME = { name: TREE.name, version: TREE.version };

export const decide: Decide = (facts, circumstances) => decideWith(KNOWS_KEV, facts, circumstances);

export function decideWith(knowledge: Knowledge, facts: CveFacts, circumstances: Circumstances): Decision {
  return { ...verdictOf(knowledge, facts, circumstances), points: pointsOf(knowledge, facts, circumstances) };
}

export function verdictOf(
  knowledge: Knowledge,
  facts: CveFacts,
  { exposure, impact }: Pick<Circumstances, 'exposure' | 'impact'>,
): Verdict {
  const { value: exploitation } = exploitationOf(knowledge, facts);
  const automatable = automatableOf(facts).value ?? ASSUMED;
  const best = bestScore(facts.cvss);

  const decision = exploitation === null ? 'unknown' : rowOf(exploitation, exposure, automatable, impact);
  const path = pathOf(exploitation ?? '?', exposure, automatable, impact);

  return {
    ...raisedTo(facts.raised ?? null, decision, path),
    tree: TREE_NAME,
    severity: best?.severity ?? null,
    score: best?.score ?? null,
  };
}

/**
 * Own intelligence asks for haste, never for less: what the tree says stands where it is more pressing. What is not known could be
 * immediate, so that only that is more.
 */
function raisedTo(raised: Raised | null, decision: DecisionWord, path: string): Pick<Verdict, 'decision' | 'path'> {
  const limit = decision === 'unknown' ? 1 : DECISIONS.indexOf(decision);
  if (raised === null || DECISIONS.indexOf(raised.to) >= limit) return { decision, path };

  return { decision: raised.to, path: `${path}, raised to ${raised.to} by advisory ${raised.by}` };
}

export function pointsOf(
  knowledge: Knowledge,
  facts: CveFacts,
  { exposure, exposureWhy, impact, impactWhy }: Circumstances,
): readonly DecisionPoint[] {
  const exploitation = exploitationOf(knowledge, facts);
  const automatable = automatableOf(facts);

  return [
    { name: 'exploitation', ...exploitation, value: exploitation.value ?? 'unknown' },
    { name: 'exposure', value: exposure, why: exposureWhy, overruled: null },
    { name: 'automatable', ...automatable, value: automatable.value ?? ASSUMED },
    { name: 'human impact', value: impact, why: impactWhy, overruled: null },
  ];
}

/**
 * KEV means active, whatever an older record says. Else CISA's vulnrichment. Else none, which in the tree means that nobody knows
 * of an exploit, not that there is none. EPSS is a forecast: it is shown, and it orders what is otherwise equal.
 */
function exploitationOf(knowledge: Knowledge, { kev, epss, ssvc }: CveFacts): Point<Exploitation> {
  const forecast = epss === null ? 'no EPSS score' : `EPSS ${shownEpss(epss.score)}`;
  const told = ssvc?.exploitation ?? null;
  const when = ssvc?.at ? ` of ${ssvc.at.slice(0, 10)}` : '';
  if (kev !== null)
    return {
      value: 'active',
      why: `KEV since ${kev.dateAdded}${kev.ransomware === true ? ', used by ransomware' : ''}, ${forecast}`,
      overruled: told === null || told === 'active' ? null : overruledBy(kev.dateAdded, told, ssvc?.at ?? null),
    };
  if (told === 'active')
    return { value: 'active', why: `vulnrichment${when}, not in KEV, ${forecast}`, overruled: null };
  if (knowledge.kev === null)
    return {
      value: null,
      why: `unknown: the list of what is exploited (KEV) was never imported, ${forecast}`,
      overruled: told === null ? null : `vulnrichment${when} says "${told}": it cannot speak for KEV`,
    };
  const list = knowledge.kev === '' ? 'not in KEV' : `not in KEV of ${knowledge.kev.slice(0, 10)}`;
  if (told !== null) return { value: told, why: `vulnrichment${when}, ${list}, ${forecast}`, overruled: null };

  return { value: 'none', why: `no source speaks of it: ${list}, no vulnrichment, ${forecast}`, overruled: null };
}

function overruledBy(dateAdded: string, told: string, at: string | null): string {
  if (at === null) return `vulnrichment says "${told}": overruled`;
  const day = at.slice(0, 10);

  return `vulnrichment of ${day} says "${told}": ${day < dateAdded ? 'older, ' : ''}overruled`;
}

/** Where nobody says and there is no vector: the worse, so that what is not known never makes a decision milder. */
const ASSUMED: Automatable = 'yes';
/**
 * What an attacker without help can do by a program: over the network, always, without an account or a user. SSVC 2.1 asks for
 * steps 1-4 of the kill chain; these metrics are the part of it that a vector knows.
 */
const AUTOMATABLE_BY: Readonly<Record<CvssVersion, readonly (readonly [string, string])[]>> = {
  '2.0': [
    ['AV', 'N'],
    ['AC', 'L'],
    ['Au', 'N'],
  ],
  '3.0': [
    ['AV', 'N'],
    ['AC', 'L'],
    ['PR', 'N'],
    ['UI', 'N'],
  ],
  '3.1': [
    ['AV', 'N'],
    ['AC', 'L'],
    ['PR', 'N'],
    ['UI', 'N'],
  ],
  '4.0': [
    ['AV', 'N'],
    ['AC', 'L'],
    ['AT', 'N'],
    ['PR', 'N'],
    ['UI', 'N'],
  ],
};

function automatableOf({ ssvc, cvss }: CveFacts): Point<Automatable> {
  const told = ssvc?.automatable ?? null;
  if (told !== null) return { value: told ? 'yes' : 'no', why: 'vulnrichment', overruled: null };
  const best = bestScore(cvss);
  const read = best && readVector(best.vector);
  if (best === null || read === null) return { value: null, why: 'assumed: nobody says', overruled: null };
  const needed = AUTOMATABLE_BY[read.version];
  const isOpen = needed.every(([metric, value]) => read.metrics.get(metric) === value);
  const words = needed.map(([metric]) => `${metric}:${read.metrics.get(metric)}`).join('/');

  return {
    value: isOpen ? 'yes' : 'no',
    why: `by CVSS ${read.version} of ${best.source} (${words})`,
    overruled: null,
  };
}

function rowOf(...inputs: Parameters<typeof lookup>): DecisionWord {
  // A test holds the table to be complete; a hole would be unknown, not a mild decision.
  return lookup(...inputs) ?? 'unknown';
}

/** Four places, none where they say nothing: 0.9996, 0.97, 0.00004. */
export function shownEpss(score: number): string {
  return score >= 0.0001 ? String(Number(score.toFixed(4))) : String(Number(score.toPrecision(1)));
}
