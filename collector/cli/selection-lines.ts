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
    screen.line(`? ${found.unknown} left out, because it is not known: ${because}`, 'bad');
  }
  for (const note of found.notes) screen.line(`note: ${note}`, 'bad');
}
