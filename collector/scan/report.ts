// A scan's answer as it is told: the most urgent first, each with whose word it is. Pure.
import { DECISIONS, type DecisionWord } from '../triage/decision.ts';
import type { ScanAnswer, ScanFinding } from './judging.ts';

export function reportOf({ feeds, findings, watched, unknown, notes }: ScanAnswer) {
  const ordered = findings.toSorted(byUrgency);
  const counts = Object.fromEntries(DECISIONS.map((word) => [word, 0])) as Record<DecisionWord, number>;
  for (const { verdict, state } of findings) if (state !== 'not-running') counts[verdict.decision] += 1;

  return {
    feeds: [...feeds],
    findings: ordered.map(rowOf),
    counts,
    watched: { ...watched, unknown: unknown.length },
    unknown: unknown.map(({ software: { ecosystem, name, version }, reason }) => ({
      ecosystem,
      name,
      version,
      reason,
    })),
    notes: [...notes],
  };
}

function rowOf({ software, binaries, match, state, verdict, facts }: ScanFinding) {
  const [first] = match.evidence;

  return {
    ...{ source: software.source, packages: binaries.map(([name]) => name), ecosystem: software.ecosystem },
    ...{
      cve: match.cve,
      records: [...match.records],
      installed: software.version,
      fixed: match.fixed,
      pocket: match.pocket,
      state,
    },
    ...{ status: match.status, urgency: match.urgency },
    ...{ decision: verdict.decision, path: verdict.path, severity: verdict.severity, score: verdict.score },
    ...{ kev: facts.kev?.dateAdded ?? null, epss: facts.epss?.score ?? null },
    evidence: {
      ...{ feed: first?.feed ?? '', asOf: first?.feedAsOf ?? null },
      ...{ record: first?.record ?? '', rule: first?.rule ?? '' },
    },
    disagreement: match.disagreement,
  };
}

/** By decision (unknown before defer: it may be any), what can be fixed first, then score and names. */
const ORDER: readonly DecisionWord[] = ['immediate', 'out-of-cycle', 'scheduled', 'unknown', 'defer'];
const STATES: readonly ScanFinding['state'][] = ['fixable', 'no-fix', 'not-running'];

function byUrgency(a: ScanFinding, b: ScanFinding): number {
  return (
    ORDER.indexOf(a.verdict.decision) - ORDER.indexOf(b.verdict.decision) ||
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    (b.verdict.score ?? -1) - (a.verdict.score ?? -1) ||
    compareText(a.software.source, b.software.source) ||
    compareText(a.match.cve, b.match.cve)
  );
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
