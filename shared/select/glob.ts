// Text against a pattern with `*`, in time linear in both (no backtracking: the first place each piece fits is the best). Pure.
import type { Pattern } from './tree.ts';

/** Counts comparisons of characters, for those who prove that they stay few. */
export interface Meter {
  steps: number;
}

export interface Matcher {
  readonly pattern: Pattern;
  matches(text: string, meter?: Meter): boolean;
}

export function matcherOf(pattern: Pattern): Matcher {
  const [first = '', ...rest] = pattern;
  const last = rest.pop();
  if (last === undefined) {
    return { pattern, matches: (text, meter) => text.length === first.length && sameAt(text, first, 0, meter) };
  }
  const pieces = rest.filter((piece) => piece !== '').map((piece) => ({ piece, fallback: fallbackOf(piece) }));

  return {
    pattern,
    matches: (text, meter) => {
      const end = text.length - last.length;
      if (end < first.length || !sameAt(text, first, 0, meter) || !sameAt(text, last, end, meter)) return false;
      let at = first.length;
      for (const { piece, fallback } of pieces) {
        at = after(text, piece, fallback, { at, end }, meter);
        if (at < 0) return false;
      }

      return true;
    },
  };
}

function sameAt(text: string, piece: string, at: number, meter?: Meter): boolean {
  for (let index = 0; index < piece.length; index += 1) {
    if (meter) meter.steps += 1;
    if (text.charCodeAt(at + index) !== piece.charCodeAt(index)) return false;
  }

  return true;
}

/** Knuth, Morris, Pratt: where the first occurrence between `at` and `end` ends, -1 when there is none. */
function after(
  text: string,
  piece: string,
  fallback: readonly number[],
  { at, end }: { readonly at: number; readonly end: number },
  meter?: Meter,
): number {
  let fits = 0;
  for (let index = at; index < end; ) {
    if (meter) meter.steps += 1;
    if (text.charCodeAt(index) === piece.charCodeAt(fits)) {
      index += 1;
      fits += 1;
      if (fits === piece.length) return index;
    } else if (fits > 0) fits = fallback[fits - 1] ?? 0;
    else index += 1;
  }

  return -1;
}

/** For each beginning of the piece the length of its longest proper beginning that is also its end. */
function fallbackOf(piece: string): readonly number[] {
  const table = [0];
  let fits = 0;
  for (let index = 1; index < piece.length; ) {
    if (piece.charCodeAt(index) === piece.charCodeAt(fits)) {
      fits += 1;
      index += 1;
      table.push(fits);
    } else if (fits > 0) fits = table[fits - 1] ?? 0;
    else {
      index += 1;
      table.push(0);
    }
  }

  return table;
}
