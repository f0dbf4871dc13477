// Entries of several lists that are one machine: an asset register, a cloud and a DHCP server each know it in their own way. Pure.
// A list names each of its machines once, so two entries of one list are never joined.
import { type Expected, MARK_KINDS, type Mark, type MarkKind, marksOf } from './machines.ts';

/** Entries that are one machine, and all by which it may be known. */
export interface Joined {
  readonly entries: readonly Expected[];
  /** Marks that tell it apart from the other machines of its lists. */
  readonly marks: readonly Mark[];
  /** Marks that another entry of the same list has too. */
  readonly shared: readonly Mark[];
}

interface Group {
  entries: Expected[];
}

/** Who has a mark, and how many of each list. */
interface Having {
  readonly entries: Expected[];
  readonly perSource: Map<string, number>;
}

/** In steps, so that others get their turn: a fleet has as many entries as it has machines, in each of its lists. */
export function* join(entries: readonly Expected[]): Generator<void, readonly Joined[]> {
  const marks = new Map<Expected, readonly Mark[]>();
  const groups = new Map<Expected, Group>();
  /** Those that more than one list has. */
  const several = new Map<MarkKind, Set<Having>>(MARK_KINDS.map((kind) => [kind, new Set()]));
  const byMark = new Map<string, Having>();
  for (const entry of entries) {
    const own = marksOf(entry);
    marks.set(entry, own);
    groups.set(entry, { entries: [entry] });
    for (const { text, kind } of own) {
      const having: Having = byMark.get(text) ?? { entries: [], perSource: new Map() };
      having.entries.push(entry);
      having.perSource.set(entry.source, (having.perSource.get(entry.source) ?? 0) + 1);
      byMark.set(text, having);
      if (having.perSource.size > 1) several.get(kind)?.add(having);
    }
    yield;
  }

  for (const kind of MARK_KINDS) {
    for (const having of several.get(kind) ?? []) {
      const [first, ...others] = having.entries.filter(({ source }) => having.perSource.get(source) === 1);
      for (const entry of others) if (first && isSameName(kind, first, entry)) unite(groups, first, entry);
      yield;
    }
  }

  const found: Joined[] = [];
  for (const group of new Set(groups.values())) {
    found.push(joined(group, marks, byMark));
    yield;
  }

  return found;
}

/** Only where no list would then have the machine twice. */
function unite(groups: Map<Expected, Group>, one: Expected, other: Expected): void {
  const [into, from] = [groups.get(one), groups.get(other)];
  if (!into || !from || into === from) return;
  const sources = new Set(into.entries.map(({ source }) => source));
  if (from.entries.some(({ source }) => sources.has(source))) return;
  into.entries.push(...from.entries);
  for (const entry of from.entries) groups.set(entry, into);
}

function joined(
  { entries }: Group,
  marks: ReadonlyMap<Expected, readonly Mark[]>,
  byMark: ReadonlyMap<string, Having>,
): Joined {
  const own = new Map<string, Mark>();
  for (const entry of entries) for (const mark of marks.get(entry) ?? []) own.set(mark.text, mark);
  // Of each list there is one entry here: whoever else of that list has the mark is another machine.
  const isShared = ({ text }: Mark) =>
    entries.some((entry) => {
      const mine = marks.get(entry)?.some((mark) => mark.text === text) === true ? 1 : 0;

      return (byMark.get(text)?.perSource.get(entry.source) ?? 0) > mine;
    });
  const ordered = MARK_KINDS.flatMap((kind) => [...own.values()].filter((mark) => mark.kind === kind));

  return { entries, marks: ordered.filter((mark) => !isShared(mark)), shared: ordered.filter(isShared) };
}

/** web-1.fra.example.org and web-1.lon.example.org have the same short name and are two machines. */
export function isSameName(
  kind: MarkKind,
  one: { readonly names: readonly string[] },
  other: { readonly names: readonly string[] },
): boolean {
  if (kind !== 'short name') return true;
  const [mine, theirs] = [qualified(one.names), qualified(other.names)];

  return mine.length === 0 || theirs.length === 0 || mine.some((name) => theirs.includes(name));
}

function qualified(names: readonly string[]): readonly string[] {
  return names.map((name) => name.toLowerCase().replace(/[.]$/, '')).filter((name) => name.includes('.'));
}
