// Entries of several lists that are one machine: an asset register, a cloud and a DHCP server each know it in their own way. Pure.
// A list names each of its machines once, so two entries of one list are never joined.
import { type Expected, MARK_KINDS, type Mark, type MarkKind, marksOf, textOf } from './machines.ts';

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

export function join(entries: readonly Expected[]): readonly Joined[] {
  const marks = new Map(entries.map((entry) => [entry, marksOf(entry)]));
  const groups = new Map<Expected, Group>(entries.map((entry) => [entry, { entries: [entry] }]));
  const byMark = new Map<string, Expected[]>();
  for (const [entry, own] of marks) {
    for (const mark of own) {
      const text = textOf(mark);
      const known = byMark.get(text);
      if (known) known.push(entry);
      else byMark.set(text, [entry]);
    }
  }

  for (const kind of MARK_KINDS) {
    for (const [text, having] of byMark) {
      if (having.length < 2 || !text.startsWith(`${kind} `)) continue;
      const single = having.filter((entry) => having.filter(({ source }) => source === entry.source).length === 1);
      for (const entry of single.slice(1)) {
        const [first] = single;
        if (first && isSameName(kind, first, entry)) unite(groups, first, entry);
      }
    }
  }

  return [...new Set(groups.values())].map((group) => joined(group, marks, byMark));
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
  byMark: ReadonlyMap<string, readonly Expected[]>,
): Joined {
  const own = new Map(
    entries.flatMap((entry) => (marks.get(entry) ?? []).map((mark) => [textOf(mark), mark] as const)),
  );
  const mine = new Set(entries);
  const isShared = (mark: Mark) =>
    (byMark.get(textOf(mark)) ?? []).some(
      (other) => !mine.has(other) && entries.some((entry) => entry.source === other.source),
    );
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
