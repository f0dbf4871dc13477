// JSON of long values in pieces, for answers that would hold everybody up when they are written at once. Pure.

/** Characters of a piece; the last of them may be a value that is not taken apart any more. */
const PIECE = 16 * 1024;
/** Arrays and objects are taken apart so deep; what lies deeper is short and written as it is. */
const DEPTH = 8;

/** Together they are `JSON.stringify(value, null, indent)` of a plain value, which is an object, an array or a text. */
export function* jsonPieces(value: unknown, indent = 0): Generator<string, void> {
  let piece = '';
  for (const part of partsOf(value, indent, 0)) {
    piece += part;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/** The same as one text, for a value that goes into another one: a step a piece. */
export function* jsonSteps(value: unknown, indent: number): Generator<void, string> {
  // As bytes: texts put together of short ones are copied only when they are read, all of them at once then.
  const pieces: Buffer[] = [];
  for (const piece of jsonPieces(value, indent)) {
    pieces.push(Buffer.from(piece));
    yield;
  }

  return Buffer.concat(pieces).toString();
}

function* partsOf(value: unknown, indent: number, depth: number): Generator<string, void> {
  if (typeof value === 'string' && value.length > PIECE) yield* partsOfText(value);
  else if (typeof value !== 'object' || value === null || depth === DEPTH || 'toJSON' in value) {
    const text = JSON.stringify(value, null, indent) ?? 'null';
    yield indent === 0 ? text : text.replaceAll('\n', lineStart(indent, depth));
  } else if (Array.isArray(value)) yield* partsOfList(value, indent, depth);
  else yield* partsOfObject(value, indent, depth);
}

/** Wherever it is cut, half a pair is written as an escape, and two of them side by side are the pair again. */
function* partsOfText(text: string): Generator<string, void> {
  yield '"';
  for (let at = 0; at < text.length; at += PIECE) yield JSON.stringify(text.slice(at, at + PIECE)).slice(1, -1);
  yield '"';
}

function* partsOfList(list: readonly unknown[], indent: number, depth: number): Generator<string, void> {
  if (list.length === 0) yield '[]';
  else {
    let before = `[${lineStart(indent, depth + 1)}`;
    for (const each of list) {
      yield before;
      yield* partsOf(each, indent, depth + 1);
      before = `,${lineStart(indent, depth + 1)}`;
    }
    yield `${lineStart(indent, depth)}]`;
  }
}

function* partsOfObject(value: object, indent: number, depth: number): Generator<string, void> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) yield '{}';
  else {
    let before = `{${lineStart(indent, depth + 1)}`;
    for (const [name, each] of entries) {
      yield `${before}${JSON.stringify(name)}:${indent === 0 ? '' : ' '}`;
      yield* partsOf(each, indent, depth + 1);
      before = `,${lineStart(indent, depth + 1)}`;
    }
    yield `${lineStart(indent, depth)}}`;
  }
}

function lineStart(indent: number, depth: number): string {
  return indent === 0 ? '' : `\n${' '.repeat(indent * depth)}`;
}
