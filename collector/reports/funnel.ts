// From what is disclosed to what is to be fixed now: how few of the many matter here. Pure, in steps. Each stage counts distinct CVEs,
// findings (a CVE on a machine) and machines.
import type { Fleet, Machine } from '../findings/fleet.ts';
import { openOf } from '../findings/join.ts';
import { isOnlyKernelSources } from '../matching/kernel.ts';
import { binOf, verdictsBy } from '../todo/closing.ts';
import { groupSteps } from '../todo/groups.ts';
import type { Compare, Judgements, Triage } from '../todo/ports.ts';
import type { CveFacts } from '../triage/cve-facts.ts';
import type { Verdict } from '../triage/decide.ts';

export const STAGES = ['relevant', 'exploitable', 'exploited', 'now', 'installable'] as const;
export type StageName = (typeof STAGES)[number];

export interface Stage {
  readonly cves: number;
  readonly findings: number;
  readonly machines: number;
}

export interface Funnel {
  readonly stages: Readonly<Record<StageName, Stage>>;
  /** Of these CVEs no facts are known; they are relevant, and disclosed beside those of which there are. */
  readonly withoutFacts: number;
  /** Findings of which nobody can say whether they are exploited. */
  readonly undecided: number;
  readonly machines: { readonly counted: number; readonly unknown: number };
}

export interface FunnelDeps {
  readonly triage: Triage;
  readonly compare: Compare;
  readonly judgements: Judgements;
  readonly now: Temporal.Instant;
  readonly among?: (machine: Machine) => boolean;
}

interface Gathering {
  readonly cves: Set<string>;
  findings: number;
  readonly machines: Set<Machine>;
}

export function* funnelSteps(fleet: Fleet, deps: FunnelDeps): Generator<void, Funnel> {
  const { triage, judgements, now, among = () => true } = deps;
  const { groups, unknown, counted } = yield* groupSteps(fleet, triage, deps.compare, among);
  const verdicts = verdictsBy(triage);
  const gathered = Object.fromEntries(
    STAGES.map((name): [StageName, Gathering] => [name, { cves: new Set(), findings: 0, machines: new Set() }]),
  ) as Record<StageName, Gathering>;
  const blank = new Set<string>();
  let undecided = 0;

  /** The stages that it reaches. */
  const add = (facts: CveFacts, { path, decision }: Verdict, findings: number, installable: boolean) => {
    const { cve } = facts;
    const [exploitation] = path.split(' ', 1);
    if (decision === 'unknown') undecided += findings;
    if (facts.published === null && facts.cvss.length === 0 && facts.epss === null && facts.kev === null)
      blank.add(cve);
    const urgent = decision === 'immediate' || decision === 'out-of-cycle';
    const stages: Record<StageName, boolean> = {
      relevant: true,
      exploitable: exploitation === 'poc' || exploitation === 'active',
      exploited: exploitation === 'active',
      now: urgent,
      installable: urgent && installable,
    };
    const reached = STAGES.filter((name) => stages[name]);
    for (const name of reached) {
      gathered[name].cves.add(cve);
      gathered[name].findings += findings;
    }

    return reached;
  };

  for (const group of groups) {
    const reached = new Set<StageName>();
    for (const match of fleet.matches(group.id)) {
      const bin = binOf(group, match, (id) => fleet.matches(id));
      if (bin === 'notRunning' || isOnlyKernelSources(group.software)) continue;
      const { facts, verdict } = verdicts(match, group);
      const findings = group.machines.length - spokenOf(group, match.cve, judgements, now);
      if (findings === 0) continue;
      for (const name of add(facts, verdict, findings, bin === null)) reached.add(name);
    }
    for (const name of reached) for (const machine of group.machines) gathered[name].machines.add(machine);
    yield;
  }
  // What was replaced on disk and still runs belongs to no version that is installed.
  for (const machine of fleet.machines.values()) {
    yield;
    if (machine.stillRunning === null || machine.stillRunning.length === 0 || !among(machine)) continue;
    const installed = new Set(fleet.affected(machine.key).map(({ id }) => id));
    const around = triage.circumstances(machine);
    for (const { id, software, cve, state } of openOf(fleet, machine, { now, suppressions: judgements.of })) {
      if (installed.has(id) || state !== 'still-running') continue;
      const facts = triage.facts(cve);
      for (const name of add(facts, triage.verdict(facts, around.of(software)), 1, false))
        gathered[name].machines.add(machine);
    }
  }

  return {
    stages: Object.fromEntries(
      STAGES.map((name) => {
        const { cves, findings, machines } = gathered[name];

        return [name, { cves: cves.size, findings, machines: machines.size }];
      }),
    ) as unknown as Funnel['stages'],
    ...{ withoutFacts: blank.size, undecided, machines: { counted, unknown: unknown.length } },
  };
}

function spokenOf(
  { machines, software }: Parameters<typeof binOf>[0],
  cve: string,
  { concerns, of }: Judgements,
  now: Temporal.Instant,
): number {
  return concerns(software, cve) ? machines.filter((machine) => of(machine, software, cve, now) !== null).length : 0;
}
