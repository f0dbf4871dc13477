// The todo list of a fleet: groups, what they close, rows, and where each machine stands. Pure, and in steps, because a fleet is long.
import type { Fleet, Machine } from '../findings/fleet.ts';
import { openOf } from '../findings/join.ts';
import { isOnlyKernelSources } from '../matching/kernel.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import { type Binned, binSteps, type Closing, closingOf, verdictsBy } from './closing.ts';
import { addSums, compareText, noSums, totalOf, urgencyOf } from './counting.ts';
import { type GroupMemory, groupSteps } from './groups.ts';
import type { Compare, Judgements, Triage } from './ports.ts';
import { type Gathered, notOfferedSteps, rowSteps } from './rows.ts';
import { type ShowDeps, shownSteps } from './showing.ts';
import { type NextWindow, Slots } from './slots.ts';
import type { Counted, FixRow, Todo } from './todo.ts';

export interface TodoDeps extends ShowDeps {
  readonly triage: Triage;
  readonly compare: Compare;
  readonly judgements: Judgements;
  /** Machines to look at; all when left out. */
  readonly among?: (machine: Machine) => boolean;
  /** Of the same fleet; none is kept when left out. */
  readonly memory?: GroupMemory;
}

export interface TodoList extends Todo {
  readonly nextWindow: NextWindow | null;
}

export function todoOf(fleet: Fleet, deps: TodoDeps): TodoList {
  const steps = todoSteps(fleet, deps);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function* todoSteps(fleet: Fleet, deps: TodoDeps): Generator<void, TodoList> {
  return yield* listSteps(yield* workSteps(fleet, deps), deps);
}

/** What is the same until the fleet, its triage or the words of people are others: everything but where machines stand. */
export type Work = Omit<Todo, 'fixes'> & { readonly rows: readonly Gathered[] };

/** Of `now` only the day counts here: acceptances begin and end with days, in UTC. */
export function* workSteps(
  fleet: Fleet,
  deps: Pick<TodoDeps, 'triage' | 'compare' | 'judgements' | 'now' | 'among' | 'memory'>,
): Generator<void, Work> {
  const { triage, compare, judgements, among = () => true } = deps;
  const { groups, bare, unknown, counted: looked } = yield* groupSteps(fleet, triage, compare, among, deps.memory);
  const verdicts = verdictsBy(triage);
  const closings: Closing[] = [];
  const asked = {
    ...{ triage, compare, judgements, now: deps.now },
    matches: (id: SoftwareId) => fleet.matches(id),
    since: (id: SoftwareId) => fleet.since(id),
  };
  for (const group of groups) {
    closings.push(closingOf(group, asked, verdicts));
    yield;
  }
  const { fixes, others } = yield* rowSteps(closings, bare);
  const notOffered = yield* notOfferedSteps(closings, compare);
  const running = yield* binSteps(closings, 'stillRunning');
  const accepted = yield* binSteps(closings, 'accepted');
  const notAffected = yield* binSteps(closings, 'notAffected');
  for (const machine of fleet.machines.values()) {
    yield;
    if (machine.stillRunning === null || machine.stillRunning.length === 0 || !among(machine)) continue;
    for (const { state, verdict } of replacedOf(fleet, machine, deps)) {
      const bin = state === 'accepted' ? accepted : state === 'not-affected' ? notAffected : running;
      bin.sums[verdict.decision] += 1;
      bin.machines.add(machine);
    }
  }
  const ofSources = closings.filter(({ group }) => isOnlyKernelSources(group.software));
  const without = counted(yield* binSteps(closings, 'noFix'));
  const sources = (yield* binSteps(ofSources, 'noFix')).sums;
  const urgent = without.byDecision.immediate - sources.immediate;
  const noFix = { ...without, kernelSources: totalOf(sources), urgent };
  const stillRunning = counted(running);
  const open = noSums();
  for (const { sums } of fixes) addSums(open, sums);
  for (const closing of closings) for (const one of closing.open) open[one.verdict.decision] += one.machines;
  addSums(open, noFix.byDecision);
  addSums(open, stillRunning.byDecision);
  const having = new Set<Machine>();
  for (const { machines } of others) {
    for (const machine of machines.keys()) having.add(machine);
    yield;
  }

  return {
    ...{ rows: fixes, notOffered, noFix, stillRunning, open },
    notRunning: counted(yield* binSteps(closings, 'notRunning')),
    accepted: counted(accepted),
    notAffected: counted(notAffected),
    otherUpdates: { fixes: others.length, machines: having.size },
    machines: { counted: looked, unknown },
  };
}

/** The list as it is now: what was decided, who can act, and when. */
export function* listSteps({ rows, ...work }: Work, deps: ShowDeps): Generator<void, TodoList> {
  const slots = new Slots();
  const fixes: FixRow[] = [];
  for (const row of rows) fixes.push(yield* shownSteps(row, deps, slots));

  return { ...work, fixes: fixes.sort(byUrgency), nextWindow: slots.next() };
}

/** Findings on what is not installed any more and still runs: machine by machine, because few have any. */
function* replacedOf(
  fleet: Fleet,
  machine: Machine,
  { triage, judgements, now }: Pick<TodoDeps, 'triage' | 'judgements' | 'now'>,
) {
  const installed = new Set(fleet.affected(machine.key).map(({ id }) => id));
  const around = triage.circumstances(machine);
  for (const { id, software, cve, state } of openOf(fleet, machine, { now, suppressions: judgements.of })) {
    if (!installed.has(id)) yield { state, verdict: triage.verdict(triage.facts(cve), around.of(software)) };
  }
}

function counted({ sums, machines }: Binned): Counted {
  return { findings: totalOf(sums), machines: machines.size, byDecision: sums };
}

function byUrgency(a: FixRow, b: FixRow): number {
  return (
    urgencyOf(a.decision) - urgencyOf(b.decision) ||
    compareText(a.due?.date ?? LAST, b.due?.date ?? LAST) ||
    b.closes - a.closes ||
    b.machines - a.machines ||
    compareText(a.id, b.id)
  );
}

/** After every date. */
const LAST = '~';
