// What the findings of one group come to: closed by the version that its machines are offered, or why not. Pure. Every open finding
// with a fix gets exactly one answer: a row that closes it, or a reason why nothing here does.
import type { Machine, Offer } from '../findings/fleet.ts';
import { isOnlyKernelSources } from '../matching/kernel.ts';
import type { Match } from '../matching/match.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import type { CveFacts } from '../triage/cve-facts.ts';
import type { Due } from '../triage/decision.ts';
import { firstOf } from './chains.ts';
import { addSums, noSums, type Sums, totalOf } from './counting.ts';
import type { Group } from './groups.ts';
import type { Compare, Judgements, Triage, Verdict } from './ports.ts';
import type { NotOffered } from './todo.ts';

/** Fixes that come with the next point release are for everybody; every other pocket has a door. */
const FOR_EVERYBODY: readonly (string | null)[] = [null, 'point-release'];

export interface Closed {
  readonly cve: string;
  readonly facts: CveFacts;
  readonly verdict: Verdict;
  readonly due: Due | null;
  /** Only headers or tools of kernel sources: nobody waits for its fix, so that it is due by nobody. */
  readonly idle: boolean;
  /** Machines of the group on which it is open. */
  readonly machines: number;
}

export interface Open extends Closed {
  readonly fixed: string;
  readonly kind: NotOffered;
  readonly pocket: string | null;
}

/** Findings of one group, all of its machines together; they add up to its matches times its machines. */
export interface Closing {
  readonly group: Group;
  /** Version that closes `closed`; null where there is none. */
  readonly target: string | null;
  readonly offer: Offer | null;
  readonly closed: readonly Closed[];
  readonly open: readonly Open[];
  readonly noFix: Sums;
  readonly stillRunning: Sums;
  readonly notRunning: Sums;
  readonly accepted: Sums;
  readonly notAffected: Sums;
}

export interface ClosingDeps {
  readonly matches: (id: SoftwareId) => readonly Match[];
  /** Since when the store knows that a CVE concerns the software. */
  readonly since: (id: SoftwareId) => Readonly<Record<string, string>>;
  readonly triage: Triage;
  readonly compare: Compare;
  readonly judgements: Judgements;
  readonly now: Temporal.Instant;
}

type Verdicts = (match: Match, group: Group) => { readonly facts: CveFacts; readonly verdict: Verdict };

/** One verdict per CVE and circumstances, however many groups ask. */
export function verdictsBy(triage: Triage): Verdicts {
  const known = new Map<string, { readonly facts: CveFacts; readonly verdict: Verdict }>();

  return ({ cve }, { circumstances }) => {
    const key = `${cve} ${circumstances.exposure} ${circumstances.impact}`;
    const found = known.get(key);
    if (found) return found;
    const facts = triage.facts(cve);
    const made = { facts, verdict: triage.verdict(facts, circumstances) };
    known.set(key, made);

    return made;
  };
}

export function closingOf(group: Group, deps: ClosingDeps, verdicts: Verdicts): Closing {
  const { triage, compare } = deps;
  const { software, offer } = group;
  const sums = {
    ...{ noFix: noSums(), stillRunning: noSums(), notRunning: noSums(), accepted: noSums(), notAffected: noSums() },
  };
  const closed: Closed[] = [];
  const open: Open[] = [];
  const byFeed: (Closed & { readonly fixed: string })[] = [];
  const since = deps.since(group.id);
  const idle = isOnlyKernelSources(software);

  for (const match of deps.matches(group.id)) {
    const { facts, verdict } = verdicts(match, group);
    const left = group.machines.length - judged(group, match, deps, verdict, sums);
    if (left === 0) continue;
    const bin = binOf(group, match, deps.matches);
    if (bin !== null) {
      sums[bin][verdict.decision] += left;
      continue;
    }
    const known = since[match.cve];
    const had = firstOf(group.since, group.chains.values(), (id) =>
      deps.matches(id).some((one) => one.cve === match.cve),
    );
    const firstSeen = known !== undefined && known > had ? known : had;
    const due = idle ? null : triage.due({ facts, verdict, firstSeen, policies: group.policies });
    const one = { cve: match.cve, facts, verdict, due, idle, machines: left };
    const { fixed, pocket } = match;
    const restricted = !FOR_EVERYBODY.includes(pocket);
    if (offer !== null && offer !== 'unknown' && fixed !== null && isAtLeast(software.ecosystem, offer.version, fixed))
      closed.push(one);
    else if (offer === 'unknown' && fixed !== null && !restricted) byFeed.push({ ...one, fixed });
    else
      open.push({
        ...{ ...one, fixed: fixed ?? '?', pocket: restricted ? pocket : null },
        kind: restricted ? 'pocket' : offer === null || offer === 'unknown' ? 'not-offered' : 'older-offered',
      });
  }

  function isAtLeast(ecosystem: string, version: string, fixed: string): boolean {
    const order = compare(ecosystem, version, fixed);

    return order !== null && order >= 0;
  }

  return {
    ...{ group, closed: offer === 'unknown' ? byFeed : closed, open, ...sums },
    target: offer === 'unknown' ? highest(byFeed, group, compare) : (offer?.version ?? null),
    offer: offer === 'unknown' ? null : offer,
  };
}

/** How many of the machines have a word of people about it; these are counted apart. */
function judged(
  { machines, software }: Group,
  match: Match,
  { judgements, now }: Pick<ClosingDeps, 'judgements' | 'now'>,
  { decision }: Verdict,
  sums: { readonly accepted: Sums; readonly notAffected: Sums },
): number {
  if (!judgements.concerns(software, match.cve)) return 0;
  let count = 0;
  for (const machine of machines) {
    const word = judgements.of(machine, software, match.cve, now);
    if (word === null) continue;
    sums[word.state === 'accepted' ? 'accepted' : 'notAffected'][decision] += 1;
    count += 1;
  }

  return count;
}

/** Where findings go that no version closes, as ../findings/join.ts says it; null: an open finding with a fix. */
export function binOf(
  { software, beside }: Group,
  { cve, state }: Match,
  matches: ClosingDeps['matches'],
): 'noFix' | 'stillRunning' | 'notRunning' | null {
  if (software.kernel === 'installed') return 'notRunning';
  if (beside.some((id) => matches(id).every((match) => match.cve !== cve))) return 'stillRunning';

  return state === 'open' ? 'noFix' : null;
}

/** The lowest version that has them all; where two cannot be compared, the one that was there first. */
function highest(closed: readonly { readonly fixed: string }[], { software }: Group, compare: Compare): string | null {
  let found: string | null = null;
  for (const { fixed } of closed) {
    if (found === null || (compare(software.ecosystem, fixed, found) ?? 0) > 0) found = fixed;
  }

  return found;
}

export type Bin = 'noFix' | 'stillRunning' | 'notRunning' | 'accepted' | 'notAffected';

export interface Binned {
  readonly sums: Sums;
  readonly machines: Set<Machine>;
}

/** One bin over many groups, and the machines of those that have something in it. */
export function* binSteps(closings: readonly Closing[], bin: Bin): Generator<void, Binned> {
  const sums = noSums();
  const machines = new Set<Machine>();
  for (const closing of closings) {
    yield;
    if (totalOf(closing[bin]) === 0) continue;
    addSums(sums, closing[bin]);
    for (const machine of closing.group.machines) machines.add(machine);
  }

  return { sums, machines };
}
