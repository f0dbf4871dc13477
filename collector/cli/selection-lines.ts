// What a list says about its select text: how many were left out because something is not known, and notes.
import type { z } from 'zod';
import type { selection } from '../api/contract/select.ts';
import { brokenAt } from './paragraph.ts';
import type { Screen, Tone } from './screen.ts';

/** `noun` in the plural. Nothing is said where no text was given or nothing was left out. */
export function showSelection(screen: Screen, found: z.output<typeof selection>, noun: string): void {
  if (found === null) return;
  const say = (text: string, tone: Tone) => {
    for (const line of brokenAt(text, screen.width)) screen.line(line, tone);
  };
  say(`${found.selected} of ${found.of} ${noun} selected by: ${found.select}`, 'dim');
  if (found.unknown > 0) {
    const because = found.because.map(({ field, count }) => `${field} (${count})`).join(', ');
    say(`? ${found.unknown} left out, because it is not known: ${because}`, 'bad');
  }
  for (const note of found.notes) say(`note: ${note}`, 'bad');
}
