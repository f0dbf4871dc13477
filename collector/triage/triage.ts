// Triage of a whole fleet: the decision about any finding, at once and from memory. Facts are loaded before (./load.ts).
// Machines and facts are taken as values: one that changes is another object.
import type { Machine } from '../findings/fleet.ts';
import { type About, type MachineCircumstances, machineCircumstances } from './circumstances.ts';
import type { CveFacts } from './cve-facts.ts';
import { type Knowledge, pointsOf, type Verdict, verdictOf } from './decide.ts';
import {
  type Circumstances,
  type Decision,
  type DecisionPoint,
  type Due,
  EXPOSURES,
  HUMAN_IMPACTS,
} from './decision.ts';
import { type DueCandidate, type DuePolicy, type DueQuestion, dueCandidates, dueOf } from './due.ts';
import { mergeFacts } from './facts.ts';
import type { FleetSettings } from './settings.ts';

export interface TriageSources {
  readonly knowledge: Knowledge;
  readonly settings: FleetSettings;
  /** Of every CVE that some machine has; asked late, so that more may be put in. */
  readonly facts: ReadonlyMap<string, CveFacts>;
  /** Policies with dates that select the machine; the same array for the same policies. */
  readonly policiesOf: (machine: Machine) => readonly DuePolicy[];
}

/** What dates are asked by: see DueQuestion. */
export interface FindingDates {
  readonly facts: CveFacts;
  readonly verdict: DueQuestion['decision'];
  readonly firstSeen: string;
  readonly policies: readonly DuePolicy[];
  /** False: no fix exists, so that no time to install it runs; KEV's own date stands. True when left out. */
  readonly fixable?: boolean;
}

export interface Triage {
  readonly knowledge: Knowledge;
  readonly settings: FleetSettings;
  /** The whole decision; its points are worked out when they are read. */
  of(machine: Machine, software: About, match: { readonly cve: string }): Decision;
  /** Made once for a machine, asked for each of its software. */
  circumstances(machine: Machine): MachineCircumstances;
  facts(cve: string): CveFacts;
  /** The decision without reasons, one object for all findings of the CVE in the same circumstances: for counting. */
  verdict(facts: CveFacts, circumstances: Pick<Circumstances, 'exposure' | 'impact'>): Verdict;
  points(facts: CveFacts, circumstances: Circumstances): readonly DecisionPoint[];
  policies(machine: Machine): readonly DuePolicy[];
  due(question: FindingDates): Due | null;
  /** Every date that somebody names, the earliest first. */
  dates(question: FindingDates): readonly DueCandidate[];
}

/** Moments of first sight that are kept for one CVE, decision and set of policies: a fleet sees most at the same few. */
const MAX_DUES = 1000;

export function createTriage({ knowledge, settings, facts, policiesOf }: TriageSources): Triage {
  const machines = new WeakMap<Machine, MachineCircumstances>();
  const policies = new WeakMap<Machine, readonly DuePolicy[]>();
  const verdicts = new WeakMap<CveFacts, (Verdict | undefined)[]>();
  const nothing = new Map<string, CveFacts>();
  const dues = new WeakMap<readonly DuePolicy[], WeakMap<CveFacts, Map<string, Due | null>>>();

  const triage: Triage = {
    ...{ knowledge, settings },
    facts: (cve) => facts.get(cve) ?? kept(nothing, cve, () => mergeFacts(cve, [])),
    circumstances: (machine) => kept(machines, machine, () => machineCircumstances(machine, settings)),
    verdict: (about, circumstances) => {
      const rows = kept(verdicts, about, () => []);
      const { exposure, impact } = circumstances;
      const at = EXPOSURES.indexOf(exposure) * HUMAN_IMPACTS.length + HUMAN_IMPACTS.indexOf(impact);
      const known = rows[at];
      if (known) return known;
      const made = verdictOf(knowledge, about, circumstances);
      rows[at] = made;

      return made;
    },
    points: (about, circumstances) => pointsOf(knowledge, about, circumstances),
    of: (machine, software, { cve }) => {
      const about = triage.facts(cve);
      const around = triage.circumstances(machine).of(software);

      return new Decided(triage.verdict(about, around), () => pointsOf(knowledge, about, around));
    },
    policies: (machine) => kept(policies, machine, () => policiesOf(machine)),
    due: (question) => {
      const { facts: about, verdict, firstSeen, fixable = true } = question;
      const byCve = kept(dues, question.policies, () => new WeakMap<CveFacts, Map<string, Due | null>>());
      const byMoment = kept(byCve, about, () => new Map<string, Due | null>());
      if (byMoment.size > MAX_DUES) byMoment.clear();

      return kept(byMoment, `${verdict.decision} ${fixable} ${firstSeen}`, () => dueOf(asked(question, settings)));
    },
    dates: (question) => dueCandidates(asked(question, settings)),
  };

  return triage;
}

function asked(question: FindingDates, { severityDays }: FleetSettings): DueQuestion {
  const { verdict, facts, firstSeen, policies, fixable = true } = question;
  const counted = fixable ? { policies, severity: severityDays } : { policies: [], severity: {} };

  return { facts, firstSeen, decision: verdict, ...counted };
}

/** What is there under the key, made where it is not. */
function kept<K, V>(map: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);

  return made;
}

/** A decision whose reasons are made when somebody reads them: a list of a million prints fifty. */
class Decided implements Decision {
  readonly decision: Decision['decision'];
  readonly path: string;
  readonly tree: Decision['tree'];
  readonly severity: Decision['severity'];
  readonly score: number | null;
  readonly #reasons: () => readonly DecisionPoint[];

  constructor({ decision, path, tree, severity, score }: Verdict, reasons: () => readonly DecisionPoint[]) {
    this.decision = decision;
    this.path = path;
    this.tree = tree;
    this.severity = severity;
    this.score = score;
    this.#reasons = reasons;
  }

  get points(): readonly DecisionPoint[] {
    return this.#reasons();
  }

  toJSON(): Decision {
    return { ...this, points: this.points };
  }
}
