// Whether a text that somebody typed may be kept and shown in one line: no control characters, no line ends, no marks that
// are not seen or turn the direction of text round. Pure. It changes nothing: what does not fit is refused with its column.

/** Controls, formats (bidi marks, joiners, byte order mark), halves of characters, private and unassigned ones, line ends. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/u;
/** Blanks that look like the space and are not. */
const OTHER_BLANK = /(?! )\p{Zs}/u;

/** What is wrong with `text` and at which column (of characters, from 1); null when nothing is. */
export function flawIn(text: string, maxCharacters: number): string | null {
  const characters = [...text];
  if (characters.length === 0) return 'it is empty';
  if (characters.length > maxCharacters) return `it has ${characters.length} characters; ${maxCharacters} are the most`;

  for (const [index, character] of characters.entries()) {
    const what = UNSEEN.test(character)
      ? 'is not printable'
      : OTHER_BLANK.test(character)
        ? 'is a blank of its own'
        : '';
    if (what !== '') return `column ${index + 1}: ${nameOf(character)} ${what}`;
  }
  if (text.startsWith(' ')) return 'column 1: it begins with a blank';

  return text.endsWith(' ') ? `column ${characters.length}: it ends with a blank` : null;
}

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
