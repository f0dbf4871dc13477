// What is hunted for, as people write it: `xz-utils >=5.6.0 <5.6.2`, a name (of a source or binary package, * stands for any part)
// and any number of conditions on its version, all of which must hold. Pure. Errors name the column.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type Matcher, matcherOf } from '@selvage/shared/select/glob.ts';
import { invalid } from '@selvage/shared/select/problem.ts';

export const OPERATORS = ['>=', '<=', '!=', '=', '<', '>'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  readonly operator: Operator;
  readonly version: string;
}

export interface HasText {
  /** As it was understood. */
  readonly text: string;
  /** Null where the name has a star. */
  readonly name: string | null;
  readonly names: Matcher;
  readonly conditions: readonly Condition[];
}

/** Characters. */
const MAX_HAS_TEXT = 1024;
const MAX_CONDITIONS = 16;
/** Names of packages of every kind that inventories know: npm's have @ and /, Maven's a colon. */
const NAME = /^[A-Za-z0-9@*][A-Za-z0-9+._:@/*-]*$/;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9+.~^:_!-]*$/;

/** Throws SELECT_INVALID. */
export function parseHas(text: string): HasText {
  if (text.length > MAX_HAS_TEXT) throw wrong(text.slice(0, MAX_HAS_TEXT), 0, `more than ${MAX_HAS_TEXT} characters`);
  const words = [...text.matchAll(/[<>=!]+|[^\s<>=!,]+|,/g)];
  const [first, ...rest] = words;
  if (first === undefined)
    throw wrong(text, text.length, "the name of a package is missing, such as 'xz-utils <5.6.2'");
  const [name] = first;
  if (!NAME.test(name)) throw wrong(text, first.index, `${JSON.stringify(name)} is no name of a package`);
  const conditions: Condition[] = [];

  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at];
    if (word === undefined) break;
    // People write commas between them.
    if (word[0] === ',' && conditions.length > 0) continue;
    const operator = OPERATORS.find((one) => one === word[0]) ?? (word[0] === '==' ? '=' : undefined);
    if (operator === undefined) {
      const known = OPERATORS.join(' ');
      throw wrong(text, word.index, `${JSON.stringify(word[0])} stands where one of ${known} is expected`);
    }
    at += 1;
    const version = rest[at];
    if (version === undefined) throw wrong(text, text.length, `a version is missing behind ${operator}`);
    if (!VERSION.test(version[0])) throw wrong(text, version.index, `${JSON.stringify(version[0])} is no version`);
    if (conditions.length === MAX_CONDITIONS) {
      throw wrong(text, word.index, `more than ${MAX_CONDITIONS} conditions`);
    }
    conditions.push({ operator, version: version[0] });
  }

  return {
    text: [name, ...conditions.map(({ operator, version }) => `${operator}${version}`)].join(' '),
    name: name.includes('*') ? null : name,
    names: matcherOf(name.split('*')),
    conditions,
  };
}

function wrong(text: string, at: number, sentence: string): CodedError {
  const { message, details } = invalid(text, at, sentence);

  return new CodedError('SELECT_INVALID', message, {
    ...(details === undefined ? {} : { details }),
    next: "correct the text at the column shown; it is NAME and conditions, such as 'xz-utils >=5.6.0 <5.6.2'",
  });
}
