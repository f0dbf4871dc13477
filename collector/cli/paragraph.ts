// A label and what is said under it, broken at spaces so that no line is wider than the screen.
import { harmless } from '@selvage/shared/text/harmless.ts';
import type { Screen, Tone } from './screen.ts';

/** Characters that the labels of a page take. */
const LABEL_WIDTH = 15;
const NARROWEST = 20;
const BROKEN_OFF = '  … ';

/** Lines of at most `width` characters; a word that is longer is cut into pieces. A tab is a space: how wide it is, only a terminal knows. */
export function brokenAt(text: string, width: number): readonly string[] {
  const room = Math.max(NARROWEST, width);
  const lines: string[] = [];
  let line = '';
  for (const word of harmless(text).replaceAll('\t', ' ').split(' ')) {
    for (let rest = word; ; rest = [...rest].slice(room).join('')) {
      const piece = [...rest].slice(0, room).join('');
      if (line !== '' && line.length + 1 + piece.length > room) {
        lines.push(line);
        line = piece;
      } else line = line === '' ? piece : `${line} ${piece}`;
      if ([...rest].length <= room) break;
    }
  }

  return [...lines, line];
}

/**
 * The same under an indent; what is broken off stands behind `…`, so that no part of one text looks like a line of its own. For what
 * others wrote and somebody is about to sign.
 */
export function hanging(text: string, indent: string, width: number): readonly string[] {
  return brokenAt(text, width - indent.length - BROKEN_OFF.length).map((line, index) =>
    index === 0 ? `${indent}${line}` : `${indent}${BROKEN_OFF}${line}`,
  );
}

/** The first paragraph stands beside the label, further ones under it. */
export function paragraph(
  screen: Screen,
  label: string,
  texts: readonly (string | { readonly text: string; readonly tone: Tone })[],
): void {
  const indent = ' '.repeat(LABEL_WIDTH);
  let head = label.padEnd(LABEL_WIDTH);
  for (const one of texts) {
    const { text, tone } = typeof one === 'string' ? { text: one, tone: 'plain' as const } : one;
    const extra = /^ */.exec(text)?.[0] ?? '';
    for (const [index, line] of brokenAt(text.trimStart(), screen.width - LABEL_WIDTH - extra.length - 2).entries()) {
      screen.line(`${head}${extra}${index > 0 ? '  ' : ''}${line}`, tone);
      head = indent;
    }
  }
}
