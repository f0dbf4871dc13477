// Of the machines that ought to exist: which report, which are known from a file, which have fallen silent, and which nobody
// has seen. Pure. Every machine is in exactly one row, so the rows add up.
import { type Expected, type Known, type MarkKind, marksOf } from './machines.ts';
import { match } from './matching.ts';

/** In the order of a report. `unclear`: it cannot be told which known machine it is, or whether it is one. */
export const ROWS = ['agent', 'stale', 'silent', 'imported', 'pending', 'unclear', 'missing'] as const;
export type Row = (typeof ROWS)[number];

const DAY_MS = 86_400_000;
/** An agent that was seen within a day reports; after a week it is silent. */
const STALE_AFTER_MS = DAY_MS;
const SILENT_AFTER_MS = 7 * DAY_MS;

export interface Machine {
  readonly name: string;
  readonly row: Row;
  readonly owner: string | null;
  /** Where it stands; empty where there is no list. */
  readonly listed: readonly {
    readonly source: string;
    readonly line: number;
    readonly name: string;
    readonly state: string | null;
  }[];
  /** The one that it is. */
  readonly known: Known | null;
  readonly by: readonly MarkKind[];
  /** Those it may be. */
  readonly candidates: readonly Known[];
  readonly why: string | null;
}

export interface Unexpected {
  readonly known: Known;
  /** What a list says of it: that it is gone. */
  readonly why: string | null;
}

export interface Coverage {
  /** What the whole is: the machines of the lists, or (no list was imported) those that are known. */
  readonly basis: 'listed' | 'known';
  readonly machines: readonly Machine[];
  readonly counts: Readonly<Record<Row, number>>;
  /** The whole of every share. */
  readonly expected: number;
  readonly unexpected: readonly Unexpected[];
}

/** In steps, so that others get their turn: see collector/api/in-turns.ts. */
export function* coverageSteps(
  lists: { readonly count: number; readonly entries: readonly Expected[] },
  known: readonly Known[],
  now: Temporal.Instant,
): Generator<void, Coverage> {
  const listed = lists.count > 0;
  const machines = listed ? yield* fromLists(lists.entries, known, now) : fromKnown(known, now);
  const gone = goneBy(lists.entries);
  // One of several candidates is expected; which one is what is not clear.
  const spoken = new Set<Known>();
  const counts = Object.fromEntries(ROWS.map((row) => [row, 0])) as Record<Row, number>;
  for (const { row, known: found, candidates } of machines) {
    counts[row] += 1;
    for (const machine of found === null ? candidates : [found, ...candidates]) spoken.add(machine);
    yield;
  }
  const unexpected: Unexpected[] = [];
  for (const machine of known) {
    yield;
    if (spoken.has(machine)) continue;
    const said = marksOf(machine).map(({ text }) => gone.get(text));
    unexpected.push({ known: machine, why: said.find((each) => each !== undefined) ?? null });
  }

  return { basis: listed ? 'listed' : 'known', machines, counts, expected: machines.length, unexpected };
}

function* fromLists(
  entries: readonly Expected[],
  known: readonly Known[],
  now: Temporal.Instant,
): Generator<void, readonly Machine[]> {
  const matched = yield* match(
    entries.filter(({ expected }) => expected),
    known,
  );

  const machines: Machine[] = [];
  for (const { entries: own, known: found, by, candidates, why } of matched) {
    const [first] = own;
    machines.push({
      name: first?.name ?? '',
      row: found ? rowOf(found, now) : candidates.length > 0 ? 'unclear' : 'missing',
      owner: own.map(({ owner }) => owner).find((owner) => owner !== null) ?? null,
      listed: own.map(({ source, line, name, state }) => ({ source, line, name, state })),
      known: found,
      ...{ by, candidates, why },
    });
    yield;
  }

  return machines;
}

/** Those that wait to be accepted count nowhere while no list expects them. */
function fromKnown(known: readonly Known[], now: Temporal.Instant): readonly Machine[] {
  return known
    .filter(({ kind }) => kind !== 'pending')
    .map((machine) => ({
      ...{
        name: machine.name,
        row: rowOf(machine, now),
        owner: null,
        listed: [],
        known: machine,
        by: [],
        candidates: [],
      },
      why: null,
    }));
}

function rowOf({ kind, connected, seen }: Known, now: Temporal.Instant): Row {
  if (kind !== 'agent') return kind;
  if (connected) return 'agent';
  if (seen === null) return 'silent';
  const age = now.epochMilliseconds - seen.epochMilliseconds;
  if (age > SILENT_AFTER_MS) return 'silent';

  return age > STALE_AFTER_MS ? 'stale' : 'agent';
}

/** Mark → what the list says of the machine that is gone. */
function goneBy(entries: readonly Expected[]): ReadonlyMap<string, string> {
  return new Map(
    entries
      .filter(({ expected }) => !expected)
      .flatMap((entry) =>
        marksOf(entry).map((mark) => [
          mark.text,
          `${entry.source} says that ${entry.name} is ${entry.state ?? 'gone'}`,
        ]),
      ),
  );
}
