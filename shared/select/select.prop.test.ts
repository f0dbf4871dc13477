import { BlockList, isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../errors/coded-error.ts';
import { fc } from '../testing/properties.ts';
import { parseDuration } from '../time/duration.ts';
import { compareDebVersions } from '../versions/deb.ts';
import { evaluate, unknownOf } from './evaluate.ts';
import { type Meter, matcherOf } from './glob.ts';
import { MAX_SELECT_BYTES } from './limits.ts';
import { parseSelect } from './parse.ts';
import { printSelect } from './print.ts';
import { MACHINE, type Machine, machines, NOW, trees, WORDS } from './testing/machines.ts';
import type { Node, Pattern } from './tree.ts';
import type { Texts } from './vocabulary.ts';

const RUNS = 1500;
const SIGNS = [
  'and',
  'or',
  'not',
  'in',
  '(',
  ')',
  ',',
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  "'",
  '"',
  '\\',
  '*',
  ' ',
  '\n',
];
const NAMES = [
  'name',
  'os',
  'kind',
  'agent',
  'security',
  'reboot',
  'seen',
  'address',
  'tier',
  'label.os',
  'secret',
  'secuity',
];
const VALUES = [
  'web',
  "'a b'",
  '3d',
  '10.0.0.0/8',
  '0',
  'never',
  'é',
  '\u202e',
  '\ud800',
  '😀',
  '==',
  '&&',
  'A',
  'x'.repeat(300),
];
const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.array(fc.constantFrom(...SIGNS, ...NAMES, ...VALUES), { maxLength: 30 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...SIGNS, ...NAMES, ...VALUES), { maxLength: 30 }).map((parts) => parts.join(' ')),
);

describe('when trees are printed', () => {
  it('the text is read back to the same tree', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const text = printSelect(tree, WORDS);
        // Longer ones are refused, which another test is about.
        fc.pre(new TextEncoder().encode(text).length <= MAX_SELECT_BYTES);

        expect(parseSelect(text, WORDS).tree).toEqual(tree);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('when machines are asked', () => {
  it('the answer is that of the rules written down plainly, with numbers for yes, no and unknown', () => {
    fc.assert(
      fc.property(trees, machines, (tree, machine) => {
        const text = printSelect(tree, WORDS);
        fc.pre(new TextEncoder().encode(text).length <= MAX_SELECT_BYTES);
        const select = parseSelect(text, WORDS);
        const expected = reference(tree, machine);
        const answer = evaluate(select, machine, NOW);

        expect(answer).toBe(expected === 1 ? 'selected' : expected === 0 ? 'not selected' : 'unknown');
        expect(unknownOf(select, machine, NOW).length > 0).toBe(answer === 'unknown');
      }),
      { numRuns: RUNS },
    );
  });

  it('what is learned later never turns a known answer round', () => {
    fc.assert(
      fc.property(trees, machines, machines, (tree, machine, other) => {
        const text = printSelect(tree, WORDS);
        fc.pre(new TextEncoder().encode(text).length <= MAX_SELECT_BYTES);
        const select = parseSelect(text, WORDS);
        const known = evaluate(select, machine, NOW);
        fc.pre(known !== 'unknown');

        expect(evaluate(select, learned(machine, other), NOW)).toBe(known);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('when anything is read', () => {
  it('nothing but SELECT_INVALID is thrown, and its column lies in the text or just behind it', () => {
    fc.assert(
      fc.property(noise, (text) => {
        const error = errorOf(text);
        if (error === null) return;

        expect(error).toBeInstanceOf(CodedError);
        const { code, details, message } = error as CodedError;
        expect(code).toBe('SELECT_INVALID');
        expect(details.text).toBe(text);
        expect(details.column).toBeGreaterThanOrEqual(1);
        expect(details.column).toBeLessThanOrEqual([...text].length + 1);
        expect(message).toContain(`column ${details.column}: `);
      }),
      { numRuns: RUNS * 4 },
    );
  });

  it('the steps taken are at most a few for each character', () => {
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 40 }), (parts) => {
        const text = parts.join(' ').slice(0, MAX_SELECT_BYTES);

        expect(stepsOf(text)).toBeLessThanOrEqual(4 * text.length + 4);
      }),
      { numRuns: RUNS },
    );
  });

  it.each([
    ['parentheses', '('.repeat(4000)],
    ['nots', 'not '.repeat(1000)],
    ['conditions', `${'tier=web and '.repeat(300)}reboot`],
    ['values', `tier in (${'a,'.repeat(480)}a)`],
    ['stars', `tier=${'*a'.repeat(120)}`],
    ['a quote that never ends', `tier='${'\\*'.repeat(100)}`],
  ])('nor for many %s', (_what, text) => {
    expect(stepsOf(text)).toBeLessThanOrEqual(4 * text.length + 4);
  });
});

describe('when texts are held against a pattern', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 });
  const patterns = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 }), {
    minLength: 1,
    maxLength: 6,
  });

  it('the answer is that of trying every way', () => {
    fc.assert(
      fc.property(patterns, letters, (pattern, text) => {
        expect(matcherOf(pattern).matches(text)).toBe(anyWay(pattern, text));
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('no character is looked at more than a few times', () => {
    const measured = (pattern: Pattern, text: string) => {
      const meter: Meter = { steps: 0 };
      matcherOf(pattern).matches(text, meter);

      return meter.steps;
    };
    fc.assert(
      fc.property(patterns, letters, (pattern, text) => {
        expect(measured(pattern, text)).toBeLessThanOrEqual(3 * (text.length + pattern.join('').length));
      }),
    );
    const text = 'a'.repeat(20_000);
    expect(measured(['', ...Array(100).fill('ab'), ''], text)).toBeLessThanOrEqual(3 * text.length);
    expect(measured(['', `${'a'.repeat(100)}b`, ''], text)).toBeLessThanOrEqual(3 * text.length);
  });
});

function errorOf(text: string): unknown {
  try {
    parseSelect(text, WORDS);

    return null;
  } catch (error) {
    return error;
  }
}

function stepsOf(text: string): number {
  const meter: Meter = { steps: 0 };
  try {
    parseSelect(text, WORDS, meter);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }

  return meter.steps;
}

/** The same machine with everything that was unknown filled in from another. */
function learned(machine: Machine, other: Machine): Machine {
  const texts = (mine: Texts, more: Texts): Texts => {
    const rest = more === null ? [] : 'atLeast' in more ? more.atLeast : more;

    return mine === null ? rest : 'atLeast' in mine ? [...mine.atLeast, ...rest] : mine;
  };

  return {
    name: machine.name,
    os: texts(machine.os, other.os),
    kind: texts(machine.kind, other.kind),
    agent: machine.agent ?? other.agent,
    security: machine.security ?? other.security,
    reboot: machine.reboot ?? other.reboot,
    seen: machine.seen ?? other.seen,
    address: texts(machine.address, other.address),
    labels: machine.labels ?? other.labels,
  };
}

/** 1, 0, or 0.5 for unknown: `and` is the least, `or` the greatest, `not` what is left to 1. */
function reference(node: Node, machine: Machine): number {
  switch (node.kind) {
    case 'and':
      return Math.min(...node.parts.map((part) => reference(part, machine)));
    case 'or':
      return Math.max(...node.parts.map((part) => reference(part, machine)));
    case 'not':
      return 1 - reference(node.part, machine);
    case 'flag':
      return machine.reboot === null ? 0.5 : Number(machine.reboot);
    case 'in':
      return Math.max(...node.values.map((value) => one(node, '=', value, machine)));
    case 'compare':
      return node.order === '!=' ? 1 - one(node, '=', node.value, machine) : one(node, node.order, node.value, machine);
  }
}

function one(
  { name, label }: { readonly name: string; readonly label: boolean },
  order: string,
  value: Pattern,
  machine: Machine,
): number {
  const [first = ''] = value;
  const holds = (difference: number) =>
    ({ '=': difference === 0, '<': difference < 0, '<=': difference <= 0, '>': difference > 0, '>=': difference >= 0 })[
      order
    ]
      ? 1
      : 0;
  const some = (texts: Texts, matches: (text: string) => boolean) => {
    if (texts === null) return 0.5;

    return 'atLeast' in texts ? (texts.atLeast.some(matches) ? 1 : 0.5) : Number(texts.some(matches));
  };
  if (label) return some(WORDS.label?.(machine, name) ?? null, (text) => anyWay(value, text));
  const small = value.map((piece) => piece.toLowerCase());
  const same = (text: string) => anyWay(small, text.toLowerCase());
  switch (name) {
    case 'name':
      return some([machine.name], same);
    case 'os':
      return some(machine.os, same);
    case 'kind':
      return some(machine.kind, same);
    case 'agent':
      if (machine.agent === null) return 0.5;

      return value.length > 1 ? Number(anyWay(value, machine.agent)) : holds(compareDebVersions(machine.agent, first));
    case 'security':
      return machine.security === null ? 0.5 : holds(machine.security - Number(first));
    case 'seen': {
      if (machine.seen === null) return 0.5;
      const { at } = machine.seen;
      if (first === 'never') return Number(at === null);
      const age = at === null ? Infinity : Math.max(0, NOW.since(at).total('milliseconds'));

      return holds(age - parseDuration(first));
    }
    default:
      return some(machine.address, (text) => inNetwork(first, text));
  }
}

function inNetwork(network: string, address: string): boolean {
  if (address === 'no address') return false;
  const list = new BlockList();
  const [base = '', prefix] = network.split('/');
  const family = isIPv6(base) ? 'ipv6' : 'ipv4';
  if (prefix === undefined) list.addAddress(base, family);
  else list.addSubnet(base, Number(prefix), family);
  // An IPv4 address in IPv6 is that IPv4 address.
  const plain = address.replace('::ffff:', '');
  const own = isIPv6(plain) ? 'ipv6' : 'ipv4';

  return own === family && list.check(plain, own);
}

/** Every way to spread the pieces over the text. */
function anyWay(pattern: Pattern, text: string): boolean {
  const [first = '', ...rest] = pattern;
  if (!text.startsWith(first)) return false;
  const left = text.slice(first.length);
  if (rest.length === 0) return left === '';

  return Array.from({ length: left.length + 1 }, (_, skip) => skip).some((skip) => anyWay(rest, left.slice(skip)));
}

it('the sample is what the tests take it for', () => {
  expect(evaluate(parseSelect('tier=web and os=debian-12 and seen>3d', WORDS), MACHINE, NOW)).toBe('selected');
});
