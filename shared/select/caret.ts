// A text with a caret under the column that an error names: two lines that fit a screen, of which nothing can be obeyed. Pure.
import { harmless } from '../text/harmless.ts';

/** Characters of the text shown at once; a longer one is shown around the column. */
const WIDTH = 76;
const CUT = '…';

/** `column` counts characters from 1; one behind the last stands for the end. */
export function caretLines(text: string, column: number): readonly [string, string] {
  // One line: a folded text of a document has line ends where spaces are.
  const all = [...harmless(text.replace(/[\t\n]/g, ' '))];
  const at = Math.min(Math.max(column, 1), all.length + 1) - 1;
  const from = all.length <= WIDTH ? 0 : Math.max(0, Math.min(at - Math.floor(WIDTH / 2), all.length + 1 - WIDTH));
  const to = from + WIDTH;
  const before = from > 0 ? CUT : '';
  const shown = `${before}${all.slice(from, to).join('')}${to < all.length ? CUT : ''}`;

  return [shown, `${' '.repeat([...before].length + at - from)}^`];
}
