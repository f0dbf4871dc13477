// What a list says about its select text: how many were left out because something is not known, and notes.
import type { z } from 'zod';
import type { selection } from '../api/contract/select.ts';
import type { Screen } from './screen.ts';

/** `noun` in the plural. Nothing is said where no text was given or nothing was left out. */
export function showSelection(screen: Screen, found: z.output<typeof selection>, noun: string): void {
  if (found === null) return;
  screen.line(`${found.selected} of ${found.of} ${noun} selected by: ${found.select}`, 'dim');
  if (found.unknown > 0) {
    const because = found.because.map(({ field, count }) => `${field} (${count})`).join(', ');
    screen.line(`? ${found.unknown} ${noun} left out: not known: ${because}`, 'bad');
  }
  for (const note of found.notes) screen.line(`note: ${note}`, 'bad');
}

type Selection = z.output<typeof selection>;

/** Two lists that were selected by one text, shown as one. */
export function together(one: Selection, other: Selection): Selection {
  if (one === null || other === null) return one ?? other;
  const because = new Map<string, number>();
  for (const { field, count } of [...one.because, ...other.because])
    because.set(field, (because.get(field) ?? 0) + count);

  return {
    select: one.select,
    ...{ of: one.of + other.of, selected: one.selected + other.selected, unknown: one.unknown + other.unknown },
    because: [...because].map(([field, count]) => ({ field, count })),
    // What one of them knows is no misspelling.
    notes: one.notes.filter((note) => other.of === 0 || other.notes.includes(note)),
  };
}
