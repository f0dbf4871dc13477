// The todo list of a fleet: groups, what they close, rows, and where each machine stands. Pure, and in steps, because a fleet is long.
import type { Fleet, Machine } from '../findings/fleet.ts';
import { openOf } from '../findings/join.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import { binned, type Closing, closingOf, verdictsBy } from './closing.ts';
import { addSums, compareText, noSums, totalOf, urgencyOf } from './counting.ts';
import { groupSteps } from './groups.ts';
import type { Compare, Judgements, Triage } from './ports.ts';
import { notOfferedSteps, rowSteps } from './rows.ts';
import { type ShowDeps, shownSteps } from './showing.ts';
import { type NextWindow, Slots } from './slots.ts';
import type { Counted, FixRow, Todo } from './todo.ts';

export interface TodoDeps extends ShowDeps {
  readonly triage: Triage;
  readonly compare: Compare;
  readonly judgements: Judgements;
  /** Machines to look at; all when left out. */
  readonly among?: (machine: Machine) => boolean;
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

export function* todoSteps(fleet: Fleet, deps: TodoDeps): Generator<void, TodoList> {
  const { triage, compare, judgements, among = () => true } = deps;
  const { groups, bare, unknown, counted: looked } = yield* groupSteps(fleet, triage, compare, among);
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
  const slots = new Slots();
  const rows: FixRow[] = [];
  for (const one of fixes) rows.push(yield* shownSteps(one, deps, slots));

  const running = binned(closings, 'stillRunning');
  const accepted = binned(closings, 'accepted');
  const notAffected = binned(closings, 'notAffected');
  for (const machine of fleet.machines.values()) {
    if (machine.stillRunning === null || machine.stillRunning.length === 0 || !among(machine)) continue;
    for (const { state, verdict } of replacedOf(fleet, machine, deps)) {
      const bin = state === 'accepted' ? accepted : state === 'not-affected' ? notAffected : running;
      bin.sums[verdict.decision] += 1;
      bin.machines.add(machine);
    }
    yield;
  }
  const noFix = counted(binned(closings, 'noFix'));
  const stillRunning = counted(running);
  const open = noSums();
  for (const { sums } of fixes) addSums(open, sums);
  for (const closing of closings) for (const one of closing.open) open[one.verdict.decision] += one.machines;
  addSums(open, noFix.byDecision);
  addSums(open, stillRunning.byDecision);

  return {
    fixes: rows.sort(byUrgency),
    ...{ notOffered, noFix, stillRunning, open },
    notRunning: counted(binned(closings, 'notRunning')),
    accepted: counted(accepted),
    notAffected: counted(notAffected),
    otherUpdates: {
      fixes: others.length,
      machines: new Set(others.flatMap(({ machines }) => [...machines.keys()])).size,
    },
    machines: { counted: looked, unknown },
    nextWindow: slots.next(),
  };
}

/** Findings on what is not installed any more and still runs: machine by machine, because few have any. */
function* replacedOf(fleet: Fleet, machine: Machine, { triage, judgements, now }: TodoDeps) {
  const installed = new Set(fleet.affected(machine.key).map(({ id }) => id));
  const around = triage.circumstances(machine);
  for (const { id, software, cve, state } of openOf(fleet, machine, { now, suppressions: judgements.of })) {
    if (!installed.has(id)) yield { state, verdict: triage.verdict(triage.facts(cve), around.of(software)) };
  }
}

function counted({ sums, machines }: ReturnType<typeof binned>): Counted {
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
