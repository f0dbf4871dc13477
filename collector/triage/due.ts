// By when a finding is to be closed, and whose date that is: the earliest of the policies', the severity's and KEV's own. Pure.
import type { CveFacts } from './cve-facts.ts';
import type { Severity } from './cvss.ts';
import type { Decision, DecisionWord, Due } from './decision.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const LAST_MS = Temporal.Instant.from('9999-12-31T23:59:59Z').epochMilliseconds;

/** `due` of one policy that selects the machine, in milliseconds after the finding was first seen. */
export interface DuePolicy {
  readonly name: string;
  readonly after: Readonly<Partial<Record<DecisionWord, number>>>;
}

export interface DueQuestion {
  readonly decision: Pick<Decision, 'decision' | 'severity'>;
  readonly facts: Pick<CveFacts, 'kev'>;
  /** Instant. */
  readonly firstSeen: string;
  readonly policies: readonly DuePolicy[];
  /** Days after first seen, by severity. */
  readonly severity: Readonly<Partial<Record<Severity, number>>>;
}

export interface DueCandidate extends Due {
  /** Milliseconds after first seen; null for a date of its own. */
  readonly afterMs: number | null;
}

/** The earliest; null where nobody names a date. */
export function dueOf(question: DueQuestion): Due | null {
  const [earliest] = dueCandidates(question);

  return earliest ? { date: earliest.date, by: earliest.by } : null;
}

/** Every date that somebody names, the earliest first; of equal ones KEV, then policies by name. */
export function dueCandidates({
  decision,
  facts,
  firstSeen,
  policies,
  severity,
}: DueQuestion): readonly DueCandidate[] {
  const found: DueCandidate[] = [];
  // As it is written: older entries have dates that no rule of days explains.
  if (facts.kev?.dueDate) found.push({ date: facts.kev.dueDate, by: 'KEV', afterMs: null });
  for (const { name, after } of policies.toSorted((a, b) => compare(a.name, b.name))) {
    const ms = after[decision.decision];
    if (ms !== undefined) found.push({ date: dateAfter(firstSeen, ms), by: `policy ${name}`, afterMs: ms });
  }
  const days = decision.severity === null ? undefined : severity[decision.severity];
  if (days !== undefined) {
    const ms = days * DAY_MS;
    found.push({ date: dateAfter(firstSeen, ms), by: `severity rule ${decision.severity} ${days}d`, afterMs: ms });
  }

  return found.toSorted((a, b) => compare(a.date, b.date));
}

/** Day in UTC; a policy may name more days than dates of four digits have. */
function dateAfter(instant: string, ms: number): string {
  const at = Math.min(Temporal.Instant.from(instant).epochMilliseconds + ms, LAST_MS);

  return Temporal.Instant.fromEpochMilliseconds(at).toString().slice(0, 10);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
