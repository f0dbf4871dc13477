// Which machine of the lists is which machine that the collector knows. Pure. Where it is not certain nothing is chosen: the
// machine is then neither there nor missing, and what speaks for whom is said.
import { isSameName, type Joined, join } from './joining.ts';
import { type Expected, type Known, MARK_KINDS, type Mark, type MarkKind, marksOf } from './machines.ts';

export interface Matched {
  readonly entries: readonly Expected[];
  /** Null: none, or it is not certain which. */
  readonly known: Known | null;
  /** By what it was told. */
  readonly by: readonly MarkKind[];
  /** Those it may be, where it is not certain. */
  readonly candidates: readonly Known[];
  /** Why it is not certain, or what speaks against it. */
  readonly why: string | null;
}

type ByMark = Map<string, Known[]>;

interface Claim {
  readonly joined: Joined;
  readonly by: readonly MarkKind[];
  readonly known: Known;
  readonly why: string | null;
}

/** Strong marks are of the machine itself; a name can be given to another one. */
const STRONG: readonly MarkKind[] = ['instance', 'serial', 'mac'];

/** In steps, so that others get their turn. */
export function* match(entries: readonly Expected[], known: readonly Known[]): Generator<void, readonly Matched[]> {
  const settled: ByMark = new Map();
  // Whoever waits to be accepted says of itself what it likes: it takes no row from a machine that counts.
  const waiting: ByMark = new Map();
  for (const machine of known) {
    const byMark = machine.kind === 'pending' ? waiting : settled;
    for (const { text } of marksOf(machine)) {
      const having = byMark.get(text);
      if (having) having.push(machine);
      else byMark.set(text, [machine]);
    }
    yield;
  }
  const claims = new Map<Known, Claim[]>();
  const rest: Matched[] = [];
  for (const one of yield* join(entries)) {
    const counted = decide(one, settled);
    const found = isNobody(counted) ? decide(one, waiting) : counted;
    if ('joined' in found) claims.set(found.known, [...(claims.get(found.known) ?? []), found]);
    else rest.push(found);
    yield;
  }

  const matched: Matched[] = [];
  for (const each of claims.values()) {
    matched.push(...settle(each));
    yield;
  }

  return [...matched, ...rest];
}

function isNobody(found: Claim | Matched): boolean {
  return !('joined' in found) && found.candidates.length === 0;
}

/** One machine, several, or none: the strongest marks first, weaker ones only to choose among several. */
function decide(joined: Joined, byMark: ReadonlyMap<string, readonly Known[]>): Claim | Matched {
  let candidates: readonly Known[] = [];
  const by: MarkKind[] = [];
  let against: string | null = null;

  for (const kind of MARK_KINDS) {
    const marks = joined.marks.filter((mark) => mark.kind === kind);
    const having = pointedTo(joined, marks, byMark);
    if (having.length === 0) continue;
    const both = candidates.filter((one) => having.includes(one));
    if (candidates.length === 0) candidates = having;
    else if (both.length > 0) candidates = both;
    else {
      against ??= `its ${kind} is that of ${namesOf(having)}`;
      continue;
    }
    // Whoever has the whole name has the short one too.
    if (kind !== 'short name' || !by.includes('name')) by.push(kind);
  }
  const { entries } = joined;
  const [only, ...others] = candidates;
  if (only && others.length === 0) return { joined, by, known: only, why: against };
  if (only) {
    const why = `${by.join(' and ')} of ${candidates.length} machines: ${namesOf(candidates)}`;

    return { entries, known: null, by: [], candidates, why };
  }
  const maybe = pointedTo(joined, joined.shared, byMark);
  if (maybe.length === 0) return { entries, known: null, by: [], candidates: [], why: null };
  const kinds = [...new Set(joined.shared.map(({ kind }) => kind))].join(' and ');

  return {
    ...{ entries, known: null, by: [], candidates: maybe },
    why: `its list has another machine with the same ${kinds}; it may be ${namesOf(maybe)}`,
  };
}

function pointedTo(
  { entries }: Joined,
  marks: readonly Mark[],
  byMark: ReadonlyMap<string, readonly Known[]>,
): readonly Known[] {
  const names = entries.flatMap((entry) => entry.names);
  const found = marks.flatMap((mark) => {
    const having = (byMark.get(mark.text) ?? []).filter((machine) => isSameName(mark.kind, { names }, machine));
    const given = having.filter((machine) => isGiven(mark, machine));

    return given.length > 0 ? given : having;
  });

  return [...new Set(found)];
}

/** The name that an admin gave it, which no other has: what a machine calls itself may be copied, or a lie. */
function isGiven({ kind, value }: Mark, { name }: Known): boolean {
  const given = name.toLowerCase();

  return kind === 'name' ? given === value : kind === 'short name' && given.split('.')[0] === value;
}

/** Several that point to one machine: other lists' views of it, or others that are not it. */
function settle(claims: readonly Claim[]): readonly Matched[] {
  const rank = ({ by }: Claim) => MARK_KINDS.indexOf(by[0] ?? 'short name');
  const [first, ...others] = claims.toSorted((a, b) => rank(a) - rank(b));
  if (!first) return [];
  const mine: Claim[] = [first];
  const left: Matched[] = [];

  for (const claim of others) {
    const sources = new Set(mine.flatMap(({ joined }) => joined.entries.map(({ source }) => source)));
    const isOtherView = claim.joined.entries.every(({ source }) => !sources.has(source));
    // Two cards of one machine are two leases of one server.
    const isSameMark = rank(claim) === rank(first) && STRONG.includes(first.by[0] ?? 'name');
    if (isOtherView || isSameMark) {
      mine.push(claim);
      continue;
    }
    const [entry] = first.joined.entries;
    left.push({
      ...{ entries: claim.joined.entries, known: null, by: [], candidates: [claim.known] },
      why: `its ${claim.by[0]} is that of ${claim.known.name}, which is ${entry?.name} by its ${first.by[0]}`,
    });
  }

  return [
    {
      entries: mine.flatMap(({ joined }) => joined.entries),
      known: first.known,
      by: [...new Set(mine.flatMap(({ by }) => by))],
      candidates: [],
      why: mine.find(({ why }) => why !== null)?.why ?? null,
    },
    ...left,
  ];
}

const SHOWN = 5;

function namesOf(machines: readonly Known[]): string {
  const names = machines.slice(0, SHOWN).map(({ name }) => name);

  return `${names.join(', ')}${machines.length > SHOWN ? ' …' : ''}`;
}
