// Lines of a stream, one by one as they come, each bounded.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

/** Longer than any line that a command reads, in characters. */
const MAX_LINE_CHARACTERS = 64 * 1024;

export interface StreamLine {
  /** Without its end (\n or \r\n). */
  readonly text: string;
  /** Another line of what has come already follows: an answer may wait for it. */
  readonly more: boolean;
}

/** Every line; the last may be without an end. Throws FILE_TOO_LARGE for one that goes on and on. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<StreamLine> {
  const decoder = new TextDecoder();
  let number = 0;
  let rest = '';

  const bounded = (line: string) => {
    number += 1;
    if (line.length <= MAX_LINE_CHARACTERS) return line.endsWith('\r') ? line.slice(0, -1) : line;
    throw new CodedError('FILE_TOO_LARGE', `line ${number} has more than ${MAX_LINE_CHARACTERS} characters`);
  };
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const [index, line] of lines.entries()) yield { text: bounded(line), more: index < lines.length - 1 };
    if (rest.length > MAX_LINE_CHARACTERS) bounded(rest);
  }
  rest += decoder.decode();
  if (rest !== '') yield { text: bounded(rest), more: false };
}
