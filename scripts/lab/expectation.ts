// What a step expects of what it sees. A miss ends the story with the words of both.
import { isDeepStrictEqual } from 'node:util';

export class Unexpected extends Error {
  override readonly name = 'Unexpected';
  readonly expected: string;
  readonly seen: unknown;

  constructor(expected: string, seen: unknown) {
    super(`expected ${expected}, saw ${shown(seen)}`);
    this.expected = expected;
    this.seen = seen;
  }
}

/** Throws Unexpected unless `holds`. */
export function expectThat(holds: boolean, expected: string, seen: unknown): asserts holds {
  if (!holds) throw new Unexpected(expected, seen);
}

/** Throws Unexpected unless both are the same value; the order of properties does not count. */
export function expectSame(seen: unknown, wanted: unknown, what: string): void {
  expectThat(isDeepStrictEqual(seen, wanted), `${what} to be ${shown(wanted)}`, seen);
}

const LONGEST = 4000;

function shown(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))).slice(0, LONGEST);
}
