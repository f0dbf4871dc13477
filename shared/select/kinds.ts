// What a comparison means for each kind of field: decided once for a text, then asked of many things. Three answers: true,
// false, and null for "not known". Pure.

import { hasCode } from '../errors/coded-error.ts';
import { parseDuration } from '../time/duration.ts';
import { compareDebVersions } from '../versions/deb.ts';
import { isInside, type Network, parseAddress, parseNetwork } from './cidr.ts';
import { matcherOf } from './glob.ts';
import { nearest } from './problem.ts';
import type { Order, Pattern } from './tree.ts';
import type { Field, FieldKind, Texts } from './vocabulary.ts';

export type Answer = boolean | null;
export type Test<F> = (facts: F, now: Temporal.Instant) => Answer;

/** What was written after a name: `=` and its like with one value, or `in` with several. */
export interface Wanted {
  readonly order: Order | 'in';
  readonly values: readonly Pattern[];
}

/** A test, or the sentence that says what is wrong with value number `value` (none: with the comparison). */
export type Made<F> = Test<F> | { readonly problem: string; readonly value?: number };

const NEVER = 'never';
const EXAMPLES: Readonly<Record<FieldKind, string>> = {
  text: "a text, with * for any part of it: web-* or 'web servers'",
  version: 'a version: 0.2 or 6.1*',
  number: 'a number: 0, 10',
  flag: 'no value',
  age: 'a duration: 30m, 8h, 3d, 2w',
  left: 'a duration: 30m, 8h, 3d, 2w',
  address: 'an address or a network: 10.1.2.3, 10.0.0.0/8, 2001:db8::/32',
};

export function testOf<F>(name: string, field: Field<F>, wanted: Wanted): Made<F> {
  switch (field.kind) {
    case 'flag':
      return { problem: `${name} is yes or no: write ${name} or not ${name}, without a comparison` };
    case 'text':
      return textTest(name, field, wanted);
    case 'version':
      return versionTest(name, field.of, wanted);
    case 'number':
      return numberTest(name, field.of, wanted);
    case 'age':
      return timeTest(name, field, wanted, ageOf);
    case 'left':
      return timeTest(name, field, wanted, leftOf);
    case 'address':
      return addressTest(name, field.of, wanted);
  }
}

/** Labels are compared letter by letter; other texts without regard to A-Z or a-z. */
export function labelTest<F>(name: string, of: (facts: F, name: string) => Texts, wanted: Wanted): Made<F> {
  if (isOrdered(wanted.order)) return { problem: `the label ${name} has no order: expected =, != or in` };
  const matchers = wanted.values.map(matcherOf);

  return negated(wanted, (facts) =>
    matchAny(of(facts, name), (text) => matchers.some((one) => one.matches(text.normalize('NFC')))),
  );
}

/** What a value of a field looks like, for sentences and help. */
export function exampleOf(kind: FieldKind): string {
  return EXAMPLES[kind];
}

function textTest<F>(name: string, field: Extract<Field<F>, { kind: 'text' }>, wanted: Wanted): Made<F> {
  if (isOrdered(wanted.order)) return { problem: `${name} has no order: expected =, != or in` };
  const { values, of } = field;
  const strange = values
    ? wanted.values.findIndex((value) => value.length === 1 && !values.includes(fold(value[0] ?? '')))
    : -1;
  if (values && strange >= 0) {
    const written = wanted.values[strange]?.[0] ?? '';
    const meant = nearest(fold(written), values);

    return {
      value: strange,
      problem: `${name} is never "${written}"${meant ? ` (did you mean ${meant}?)` : ''}; expected one of: ${values.join(', ')}`,
    };
  }
  const matchers = wanted.values.map((value) => matcherOf(value.map(fold)));

  return negated(wanted, (facts) => matchAny(of(facts), (text) => matchers.some((one) => one.matches(fold(text)))));
}

function versionTest<F>(name: string, of: (facts: F) => string | null, wanted: Wanted): Made<F> {
  const [first = ['']] = wanted.values;
  if (isOrdered(wanted.order)) {
    if (first.length > 1 || first[0] === '') return wrongValue(name, 'version', wanted.order);
    const holds = orderOf(wanted.order);

    return (facts) => known(of(facts), (version) => holds(compareDebVersions(version, first[0] ?? '')));
  }
  const tests = wanted.values.map((value) => {
    const glob = value.length > 1 ? matcherOf(value) : null;

    return (version: string) => (glob ? glob.matches(version) : compareDebVersions(version, value[0] ?? '') === 0);
  });

  return negated(wanted, (facts) => known(of(facts), (version) => tests.some((test) => test(version))));
}

function numberTest<F>(name: string, of: (facts: F) => number | null, { order, values }: Wanted): Made<F> {
  const numbers = values.map((value) =>
    value.length === 1 && /^\d{1,15}$/.test(value[0] ?? '') ? Number(value[0]) : null,
  );
  const wrong = numbers.indexOf(null);
  if (wrong >= 0) return wrongValue(name, 'number', order, wrong);
  if (order === 'in') return (facts) => known(of(facts), (number) => numbers.includes(number));
  const holds = orderOf(order);

  return (facts) => known(of(facts), (number) => holds(number - (numbers[0] ?? 0)));
}

function timeTest<F>(
  name: string,
  { kind, of }: Extract<Field<F>, { kind: 'age' | 'left' }>,
  wanted: Wanted,
  lengthOf: (at: string | null, now: Temporal.Instant) => number,
): Made<F> {
  const [first = ['']] = wanted.values;
  if (!isOrdered(wanted.order)) {
    const wrong = wanted.values.findIndex((value) => value.length > 1 || value[0] !== NEVER);
    if (wrong >= 0) {
      return {
        value: wrong,
        problem: `a time is compared with > or <: ${name}>3d; with = there is ${name}=${NEVER} only`,
      };
    }

    return negated(wanted, (facts) => known(of(facts), ({ at, never }) => never ?? at === null));
  }
  const duration = first.length === 1 ? durationOf(first[0] ?? '') : null;
  if (duration === null) return wrongValue(name, kind, wanted.order);
  const holds = orderOf(wanted.order);

  return (facts, now) => known(of(facts), ({ at }) => holds(lengthOf(at, now) - duration));
}

function addressTest<F>(name: string, of: (facts: F) => Texts, wanted: Wanted): Made<F> {
  if (isOrdered(wanted.order)) return { problem: `${name} has no order: expected =, != or in` };
  const networks: Network[] = [];
  for (const [index, value] of wanted.values.entries()) {
    const network = value.length === 1 ? parseNetwork(value[0] ?? '') : null;
    if (network === null) return wrongValue(name, 'address', wanted.order, index);
    networks.push(network);
  }

  return negated(wanted, (facts) =>
    matchAny(of(facts), (text) => {
      const address = parseAddress(text);

      return address !== null && networks.some((network) => isInside(address, network));
    }),
  );
}

/** What has ended has nothing left, what never ends more than anything. */
function leftOf(at: string | null, now: Temporal.Instant): number {
  return at === null
    ? Number.POSITIVE_INFINITY
    : Math.max(0, Temporal.Instant.from(at).epochMilliseconds - now.epochMilliseconds);
}

/** Never is older than everything; what is in the future (a clock that is ahead) is new. */
function ageOf(at: string | null, now: Temporal.Instant): number {
  if (at === null) return Number.POSITIVE_INFINITY;

  return Math.max(0, now.epochMilliseconds - Temporal.Instant.from(at).epochMilliseconds);
}

function durationOf(text: string): number | null {
  try {
    return parseDuration(text);
  } catch (error) {
    if (hasCode(error, 'DOCUMENT_INVALID')) return null;
    throw error;
  }
}

function matchAny(texts: Texts, matches: (text: string) => boolean): Answer {
  if (texts === null) return null;
  if (!('atLeast' in texts)) return texts.some(matches);

  return texts.atLeast.some(matches) ? true : null;
}

function known<T>(value: T | null, ask: (value: T) => boolean): Answer {
  return value === null ? null : ask(value);
}

function negated<F>({ order }: Wanted, test: Test<F>): Test<F> {
  if (order !== '!=') return test;

  return (facts, now) => {
    const answer = test(facts, now);

    return answer === null ? null : !answer;
  };
}

function isOrdered(order: Wanted['order']): order is '<' | '<=' | '>' | '>=' {
  return order !== '=' && order !== '!=' && order !== 'in';
}

function orderOf(order: Order): (difference: number) => boolean {
  switch (order) {
    case '=':
      return (difference) => difference === 0;
    case '!=':
      return (difference) => difference !== 0;
    case '<':
      return (difference) => difference < 0;
    case '<=':
      return (difference) => difference <= 0;
    case '>':
      return (difference) => difference > 0;
    case '>=':
      return (difference) => difference >= 0;
  }
}

function wrongValue(
  name: string,
  kind: FieldKind,
  order: string,
  value = 0,
): { readonly problem: string; readonly value: number } {
  return { value, problem: `after ${name} ${order} expected ${EXAMPLES[kind]}` };
}

/** A-Z as a-z; one form of letters that can be written in two. */
function fold(text: string): string {
  return text.normalize('NFC').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
