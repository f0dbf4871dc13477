// From what is disclosed to what is to be fixed now: how few of the many matter here. Pure, in steps. Each stage counts distinct CVEs,
// findings (a CVE on a machine) and machines.
import type { Fleet, Machine } from '../findings/fleet.ts';
import { isOnlyKernelSources } from '../matching/kernel.ts';
import { binOf, verdictsBy } from '../todo/closing.ts';
import { groupSteps } from '../todo/groups.ts';
import type { Compare, Judgements, Triage } from '../todo/ports.ts';

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

  for (const group of groups) {
    const reached = new Set<StageName>();
    for (const match of fleet.matches(group.id)) {
      const bin = binOf(group, match, (id) => fleet.matches(id));
      if (bin === 'notRunning' || isOnlyKernelSources(group.software)) continue;
      const { facts, verdict } = verdicts(match, group);
      const findings = group.machines.length - spokenOf(group, match.cve, judgements, now);
      if (findings === 0) continue;
      const [exploitation] = verdict.path.split(' ', 1);
      if (verdict.decision === 'unknown') undecided += findings;
      if (facts.published === null && facts.cvss.length === 0 && facts.epss === null && facts.kev === null)
        blank.add(match.cve);
      const urgent = verdict.decision === 'immediate' || verdict.decision === 'out-of-cycle';
      const stages: Record<StageName, boolean> = {
        relevant: true,
        exploitable: exploitation === 'poc' || exploitation === 'active',
        exploited: exploitation === 'active',
        now: urgent,
        installable: urgent && bin === null,
      };
      for (const name of STAGES) {
        if (!stages[name]) continue;
        gathered[name].cves.add(match.cve);
        gathered[name].findings += findings;
        reached.add(name);
      }
    }
    for (const name of reached) for (const machine of group.machines) gathered[name].machines.add(machine);
    yield;
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
