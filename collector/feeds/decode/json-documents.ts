// The JSON documents of a source, whichever way they lie in it: one, a list of them, or one a line.
import type { FeedProblem, FeedSource } from '../feed.ts';
import { invalid, lineGroups, MAX_DOCUMENT_BYTES } from './whole.ts';

/** Lines that may fail before the whole is no file of lines. */
const MAX_BAD_LINES = 100;

/** A document, or why a line is none. Throws FEED_INVALID when nothing of it is JSON, or when it ends half-way. */
export async function* jsonDocuments(source: FeedSource): AsyncGenerator<{ readonly value: unknown } | FeedProblem> {
  let kept: string[] = [];
  let size = 0;
  let mode: 'unknown' | 'lines' | 'whole' = 'unknown';
  let number = 0;
  let bad = 0;

  for await (const group of lineGroups(source)) {
    for (const line of group) {
      number++;
      if (mode === 'whole') {
        size += line.length;
        if (size > MAX_DOCUMENT_BYTES) throw invalid(source, `has a document of more than ${MAX_DOCUMENT_BYTES} bytes`);
        kept.push(line);
        continue;
      }
      if (line.trim() === '') continue;
      const value = parsed(line);
      if (value !== undefined) {
        mode = 'lines';
        if (Array.isArray(value)) for (const one of value) yield { value: one };
        else yield { value };
      } else if (mode === 'unknown') {
        mode = 'whole';
        size = line.length;
        kept = [line];
      } else {
        bad++;
        if (bad > MAX_BAD_LINES) throw invalid(source, `has more than ${MAX_BAD_LINES} lines that are no JSON`);
        yield { name: `${source.name.slice(-200)}:${number}`, reason: 'the line is no JSON' };
      }
    }
  }
  if (mode === 'unknown') throw invalid(source, 'is empty');
  if (mode === 'lines') return;

  const value = parsed(kept.join('\n'));
  if (value === undefined) throw invalid(source, 'is no JSON, or ends half-way');
  yield* each(value);
}

function* each(value: unknown): Generator<{ readonly value: unknown }> {
  if (Array.isArray(value)) for (const one of value) yield { value: one };
  else yield { value };
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller says it with the place.
    return undefined;
  }
}
