// One row as it is shown: why it matters, where each of its machines stands, and when the last of them is expected. Pure.
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import type { Machine } from '../findings/fleet.ts';
import { decide } from '../fixes/decision.ts';
import { compareText, totalOf, worstOf } from './counting.ts';
import type { Outlook } from './outlook.ts';
import type { Standings } from './ports.ts';
import { reasonsOf } from './reasons.ts';
import { type Gathered, SOME_NAMES } from './rows.ts';
import type { Slots } from './slots.ts';
import { standingOf } from './standing.ts';
import { type FixRow, STANDINGS, type Standing } from './todo.ts';

export interface ShowDeps {
  readonly approvals: readonly ApprovalDocument[];
  /** The newest of that machine about that fix, null when there is none. */
  readonly resultOf: (machine: Machine, fix: { readonly source: string; readonly version: string }) => RunResult | null;
  readonly standings: Standings;
  readonly outlook: Outlook;
  readonly now: Temporal.Instant;
}

/** Machines asked in one step. */
const STEP_MACHINES = 500;

export function* shownSteps(row: Gathered, deps: ShowDeps, slots: Slots): Generator<void, FixRow> {
  const { source, version, provider, ecosystem, sums, strongest, security } = row;
  const named = { source, version };
  const approvals = deps.approvals.filter(
    ({ fix }) => fix.source === source && fix.version === version && fix.provider === provider,
  );
  const decision = decide(approvals, deps.now);
  const standings: Partial<Record<Standing, number>> = {};
  const names = new Map<Standing, string[]>();
  const reasons = new Map<Standing, string>();
  const expecting = slots.of(`${source}@${version}`);
  let offered = false;
  let looked = 0;

  for (const [machine, { held, isOffered }] of row.machines) {
    const { standing, reason } = standingOf(
      machine,
      { held, isOffered, package: source },
      {
        decision,
        result: approvals.length === 0 ? null : deps.resultOf(machine, named),
        standing: deps.standings(machine.key),
      },
    );
    offered ||= isOffered;
    standings[standing] = (standings[standing] ?? 0) + 1;
    if (reason !== null && !reasons.has(standing)) reasons.set(standing, reason);
    const some = names.get(standing) ?? [];
    if (some.length < SOME_NAMES) some.push(machine.name);
    names.set(standing, some);
    if (decision.approval !== null && (standing === 'approved' || standing === 'waiting'))
      expecting.add(deps.outlook.of(decision.approval, machine.key));
    looked += 1;
    if (looked % STEP_MACHINES === 0) yield;
  }
  yield;
  const first = STANDINGS.find((standing) => standings[standing] !== undefined);
  const closes = totalOf(sums);

  return {
    ...{ id: `${source}@${version}`, ecosystem, provider, source, version, security, closes },
    from: offered ? 'offer' : 'feed',
    ...{
      decision: row.idle && closes > 0 ? 'defer' : worstOf(sums),
      closesByDecision: sums,
      cves: row.cves.size,
      due: row.due,
    },
    why: reasonsOf(strongest, { closes, offered, security, idle: row.idle }),
    ...{ machines: row.machines.size, standings },
    some: STANDINGS.flatMap((standing) => (names.get(standing) ?? []).sort(compareText)).slice(0, SOME_NAMES),
    reason: first === undefined ? null : (reasons.get(first) ?? null),
    approval:
      decision.verdict === 'approved' && decision.approval
        ? {
            policy: decision.approval.policy,
            lane: decision.approval.lane,
            expires: decision.approval.expires,
          }
        : null,
    lastHost: lastHostOf(standings, expecting.last(), expecting.problem()),
    reboot: row.reboot,
  };
}

/** An instant speaks for those that can be expected; what keeps the others is said beside it. */
function lastHostOf(
  standings: FixRow['standings'],
  at: Temporal.Instant | null,
  problem: string | null,
): FixRow['lastHost'] {
  const kept = STANDINGS.filter((standing) => standing !== 'approved' && standing !== 'waiting').flatMap((standing) => {
    const count = standings[standing];

    return count === undefined ? [] : [`${count} ${WORDS[standing] ?? standing}`];
  });
  const reasons = [...(problem === null ? [] : [problem]), ...kept];

  return { at: at?.toString() ?? null, reason: reasons.length === 0 ? null : reasons.join(', ') };
}

const WORDS: Partial<Record<Standing, string>> = {
  'needs-approval': 'not approved',
  observing: 'only observing',
  unknown: 'not known what they are offered',
};
