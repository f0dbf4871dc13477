// A select text as words, quoted values and signs, each with its place. Linear; refuses characters nobody can see. Pure.

import type { Meter } from './glob.ts';
import { MAX_SELECT_BYTES, MAX_WORD_CHARACTERS } from './limits.ts';
import { invalid } from './problem.ts';
import type { Order, Pattern } from './tree.ts';

export type Token =
  | { readonly kind: 'word'; readonly at: number; readonly word: string }
  | { readonly kind: 'quoted'; readonly at: number; readonly pattern: Pattern }
  | { readonly kind: 'order'; readonly at: number; readonly order: Order }
  | { readonly kind: '(' | ')' | ','; readonly at: number }
  | { readonly kind: 'end'; readonly at: number };

const SPACE = /[ \t\r\n]/;
/** What a name or a value without quotes may hold. */
const WORD = /[A-Za-z0-9._/:+~*@%^-]/;
const ORDERS: readonly Order[] = ['!=', '<=', '>=', '=', '<', '>'];
/** Controls, marks that turn the direction of text, other characters without a shape, half of a pair; spaces but one. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
/** What other languages write, and what is meant here. */
const ELSEWHERE: Readonly<Record<string, string>> = { '&': 'and', '|': 'or', '!': 'not' };
const ESCAPED = ['\\', "'", '"', '*'];

export function scan(text: string, meter?: Meter): readonly Token[] {
  if (bytesOf(text) > MAX_SELECT_BYTES) {
    throw invalid(text, 0, `the text has ${bytesOf(text)} bytes, at most ${MAX_SELECT_BYTES} are read`);
  }
  const tokens: Token[] = [];
  let at = 0;

  while (at < text.length) {
    if (meter) meter.steps += 1;
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const order = ORDERS.find((each) => text.startsWith(each, at));
    if (SPACE.test(character)) at += 1;
    else if (order !== undefined) {
      if (text.startsWith('==', at)) throw invalid(text, at, '"==" is no comparison; write =');
      tokens.push({ kind: 'order', at, order });
      at += order.length;
    } else if (character === '(' || character === ')' || character === ',') {
      tokens.push({ kind: character, at });
      at += 1;
    } else if (character === "'" || character === '"') {
      const { pattern, end } = quoted(text, at, meter);
      tokens.push({ kind: 'quoted', at, pattern });
      at = end;
    } else if (WORD.test(character)) {
      let end = at;
      while (end < text.length && WORD.test(text[end] ?? '')) end += 1;
      if (meter) meter.steps += end - at;
      if (end - at > MAX_WORD_CHARACTERS) throw tooLong(text, at);
      tokens.push({ kind: 'word', at, word: text.slice(at, end) });
      at = end;
    } else throw unexpected(text, at, character);
  }

  return [...tokens, { kind: 'end', at: text.length }];
}

function quoted(text: string, from: number, meter?: Meter): { readonly pattern: Pattern; readonly end: number } {
  const quote = text[from];
  const pieces: string[] = [];
  let piece = '';
  let length = 0;

  for (let at = from + 1; at < text.length; ) {
    if (meter) meter.steps += 1;
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (character === quote) return { pattern: [...pieces, piece].map((each) => each.normalize('NFC')), end: at + 1 };
    if (UNSEEN.test(character)) throw unseen(text, at, character);
    length += 1;
    if (length > MAX_WORD_CHARACTERS) throw tooLong(text, from);
    if (character === '*') {
      pieces.push(piece);
      piece = '';
      at += 1;
    } else if (character === '\\') {
      const escaped = text[at + 1] ?? '';
      if (!ESCAPED.includes(escaped)) throw invalid(text, at, `a backslash stands before ${ESCAPED.join(' ')} only`);
      piece += escaped;
      at += 2;
    } else {
      piece += character;
      at += character.length;
    }
  }

  throw invalid(text, from, `the quote opened here is not closed: expected ${quote} before the end`);
}

function unexpected(text: string, at: number, character: string) {
  if (UNSEEN.test(character)) return unseen(text, at, character);
  const meant = ELSEWHERE[character];
  if (meant !== undefined) return invalid(text, at, `"${character}" means nothing here; write ${meant}`);

  return invalid(
    text,
    at,
    `"${character}" cannot stand here: expected a name, a comparison or a value; quote other text`,
  );
}

function unseen(text: string, at: number, character: string) {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');

  return invalid(text, at, `U+${code}, a character that cannot be seen, is refused: expected visible text`);
}

function tooLong(text: string, at: number) {
  return invalid(text, at, `longer than ${MAX_WORD_CHARACTERS} characters: expected a shorter name or value`);
}

/** Of the text in UTF-8; half of a pair counts as what replaces it. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }

  return bytes;
}
