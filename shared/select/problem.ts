// SELECT_INVALID: what is wrong with a select text and at which column, with what could stand there instead. Pure.
import { CodedError } from '../errors/coded-error.ts';
import { MAX_TYPING_ERRORS } from './limits.ts';

/** `at`: index into the text (UTF-16), `text.length` for its end. The column counts characters from 1, as people do. */
export function invalid(text: string, at: number, sentence: string): CodedError {
  const column = columnOf(text, at);

  return new CodedError('SELECT_INVALID', `column ${column}: ${sentence}`, { details: { column, text } });
}

function columnOf(text: string, at: number): number {
  let column = 1;
  for (const character of text.slice(0, at)) column += character.length > 0 ? 1 : 0;

  return column;
}

/** The name that was probably meant, null when none is near. */
export function nearest(wrong: string, names: Iterable<string>): string | null {
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of names) {
    if (Math.abs(name.length - wrong.length) > MAX_TYPING_ERRORS) continue;
    const distance = distanceOf(wrong, name);
    // Of a short word everything would be near.
    if (distance > MAX_TYPING_ERRORS || distance * 2 > name.length) continue;
    if (best === null || distance < best.distance) best = { name, distance };
  }

  return best?.name ?? null;
}

/** Damerau and Levenshtein, restricted: characters put in, left out, changed, or two neighbours swapped. */
function distanceOf(one: string, other: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      next.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (next[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = next;
  }

  return last[other.length] ?? 0;
}
