// Triage of a whole fleet: the decision about any finding, at once and from memory. Facts are loaded before (./load.ts).
// Machines are taken as values: a machine that changes is another object.
import type { Machine } from '../findings/fleet.ts';
import type { Software } from '../matching/software.ts';
import { type MachineCircumstances, machineCircumstances } from './circumstances.ts';
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
import { type DueCandidate, type DuePolicy, dueCandidates, dueOf } from './due.ts';
import { mergeFacts } from './facts.ts';
import type { FleetSettings } from './settings.ts';

export interface TriageSources {
  readonly knowledge: Knowledge;
  readonly settings: FleetSettings;
  readonly facts: ReadonlyMap<string, CveFacts>;
  /** Policies with `due` that select the machine. */
  readonly policiesOf: (machine: Machine) => readonly DuePolicy[];
}

export interface Triage {
  readonly knowledge: Knowledge;
  readonly settings: FleetSettings;
  /** Its points are worked out when they are read. */
  of(machine: Machine, software: Software, match: { readonly cve: string }): Decision;
  /** The same without reasons, shared by all findings of the CVE in the same circumstances: for counting. */
  verdict(machine: Machine, software: Software, cve: string): Verdict;
  due(machine: Machine, decision: Verdict, cve: string, firstSeen: string): Due | null;
  /** Every date that somebody names. */
  dates(machine: Machine, decision: Verdict, cve: string, firstSeen: string): readonly DueCandidate[];
  circumstances(machine: Machine, software: Pick<Software, 'source' | 'kernel'>): Circumstances;
  facts(cve: string): CveFacts;
}

/** Entries; one per decision, severity, KEV date, set of policies and moment of first sight. */
const MAX_DUE_CACHE = 50_000;

export function createTriage({ knowledge, settings, facts, policiesOf }: TriageSources): Triage {
  const machines = new WeakMap<Machine, MachineCircumstances>();
  const policies = new WeakMap<Machine, { readonly list: readonly DuePolicy[]; readonly key: string }>();
  const verdicts = new Map<string, (Verdict | undefined)[]>();
  const dues = new Map<string, Due | null>();

  const factsOf = (cve: string) => facts.get(cve) ?? mergeFacts(cve, []);
  const circumstances: Triage['circumstances'] = (machine, software) => {
    let known = machines.get(machine);
    if (!known) {
      known = machineCircumstances(machine, settings);
      machines.set(machine, known);
    }

    return known.of(software);
  };
  const verdictIn = (cve: string, { exposure, impact }: Circumstances): Verdict => {
    let rows = verdicts.get(cve);
    if (!rows) {
      rows = [];
      verdicts.set(cve, rows);
    }
    const at = EXPOSURES.indexOf(exposure) * HUMAN_IMPACTS.length + HUMAN_IMPACTS.indexOf(impact);
    const known = rows[at];
    if (known) return known;
    const made = verdictOf(knowledge, factsOf(cve), { exposure, impact });
    rows[at] = made;

    return made;
  };
  const policiesFor = (machine: Machine) => {
    let known = policies.get(machine);
    if (!known) {
      const list = policiesOf(machine);
      known = { list, key: JSON.stringify(list) };
      policies.set(machine, known);
    }

    return known;
  };
  const question = (machine: Machine, decision: Verdict, cve: string, firstSeen: string) => ({
    ...{ decision, firstSeen, facts: factsOf(cve), policies: policiesFor(machine).list },
    severity: settings.severityDays,
  });

  return {
    knowledge,
    settings,
    facts: factsOf,
    circumstances,
    of: (machine, software, { cve }) => {
      const around = circumstances(machine, software);

      return new Decided(verdictIn(cve, around), () => pointsOf(knowledge, factsOf(cve), around));
    },
    verdict: (machine, software, cve) => verdictIn(cve, circumstances(machine, software)),
    due: (machine, decision, cve, firstSeen) => {
      const kev = facts.get(cve)?.kev?.dueDate ?? '';
      const key = `${decision.decision}|${decision.severity}|${kev}|${firstSeen}|${policiesFor(machine).key}`;
      const known = dues.get(key);
      if (known !== undefined) return known;
      const made = dueOf(question(machine, decision, cve, firstSeen));
      if (dues.size >= MAX_DUE_CACHE) dues.clear();
      dues.set(key, made);

      return made;
    },
    dates: (machine, decision, cve, firstSeen) => dueCandidates(question(machine, decision, cve, firstSeen)),
  };
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
