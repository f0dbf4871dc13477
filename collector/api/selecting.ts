// From a select text to the things it selects, for every list: in turns, because a fleet is long, and with what was left out.
import { evaluate, labelsOf, unknownOf } from '@selvage/shared/select/evaluate.ts';
import { parseSelect, type Select } from '@selvage/shared/select/parse.ts';
import { printSelect } from '@selvage/shared/select/print.ts';
import { nearest } from '@selvage/shared/select/problem.ts';
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { z } from 'zod';
import type { selection } from './contract/select.ts';
import { inTurns } from './in-turns.ts';

export type SelectionShown = z.input<typeof selection>;

export interface Chosen<T> {
  readonly chosen: readonly T[];
  /** Null: no text was given, everything is chosen. */
  readonly selection: SelectionShown;
}

/** Throws SELECT_INVALID before anything is looked up. */
export function readSelect<F>(text: string | undefined, vocabulary: Vocabulary<F>): Select<F> | null {
  return text === undefined ? null : parseSelect(text, vocabulary);
}

/** `labels`: every label that any of the things has, asked for only where the text names one. */
export async function choose<T>(
  things: readonly T[],
  select: Select<T> | null,
  now: Temporal.Instant,
  labels: (thing: T) => Iterable<string> = () => [],
): Promise<Chosen<T>> {
  if (select === null) return { chosen: things, selection: null };
  const choosing = startChoosing(select, now, labels);
  const chosen: T[] = [];

  await inTurns(
    (function* () {
      for (const thing of things) {
        if (choosing.takes(thing)) chosen.push(thing);
        yield;
      }
    })(),
  );

  return { chosen, selection: choosing.shown() };
}

/** The same one by one, for things that are too many to be held together. */
export interface Choosing<T> {
  takes(thing: T): boolean;
  /** Of all things so far. */
  shown(): NonNullable<SelectionShown>;
}

export function startChoosing<T>(
  select: Select<T>,
  now: Temporal.Instant,
  labels: (thing: T) => Iterable<string> = () => [],
): Choosing<T> {
  const asked = labelsOf(select);
  const known = new Set<string>();
  const because = new Map<string, number>();
  const counts = { of: 0, selected: 0, unknown: 0 };

  return {
    takes: (thing) => {
      const answer = evaluate(select, thing, now);
      counts.of += 1;
      if (answer === 'selected') counts.selected += 1;
      if (answer === 'unknown') {
        counts.unknown += 1;
        for (const field of unknownOf(select, thing, now)) because.set(field, (because.get(field) ?? 0) + 1);
      }
      if (asked.size > 0) for (const label of labels(thing)) known.add(label);

      return answer === 'selected';
    },
    shown: () => ({
      ...{ select: printSelect(select.tree, select.vocabulary), ...counts },
      because: [...because].map(([field, count]) => ({ field, count })),
      notes: notesOf(select, asked, known),
    }),
  };
}

/** Behind what a note says for certain; no name of a label has such a character. */
const MEANT = '; did you mean ';

/** What two lists, or two parts of one, say of the same text together. */
export function added(one: SelectionShown, other: SelectionShown): SelectionShown {
  if (one === null || other === null) return one ?? other;
  const because = new Map(one.because.map(({ field, count }) => [field, count]));
  for (const { field, count } of other.because) because.set(field, (because.get(field) ?? 0) + count);

  return {
    select: other.select,
    ...{ of: one.of + other.of, selected: one.selected + other.selected, unknown: one.unknown + other.unknown },
    because: [...because].map(([field, count]) => ({ field, count })),
    notes: one.of === 0 ? other.notes : other.of === 0 ? one.notes : commonNotes(one.notes, other.notes),
  };
}

/** What one of them knows is no misspelling. What may have been meant instead is told by whichever knows such a label. */
function commonNotes(some: readonly string[], others: readonly string[]): string[] {
  const more = new Map(others.map((note) => [factOf(note), note]));

  return some.flatMap((note) => {
    const other = more.get(factOf(note));
    if (other === undefined) return [];

    return note.includes(MEANT) ? note : other;
  });
}

function factOf(note: string): string {
  return note.split(MEANT, 1).join('');
}

/** A name that is no field is a label; one that nothing has may be a misspelling. */
function notesOf<T>({ vocabulary }: Select<T>, asked: ReadonlySet<string>, known: ReadonlySet<string>): string[] {
  return [...asked]
    .filter((label) => !known.has(label))
    .map((label) => {
      const meant = nearest(label, [...Object.keys(vocabulary.fields), ...known]);

      return `none of the ${vocabulary.noun} has a label ${label}${meant ? `${MEANT}${meant}?` : ''}`;
    });
}
