// A small noun with a field of every kind, and texts and facts for it by chance. For tests only.
import { fc } from '../../testing/properties.ts';
import type { Node, Pattern } from '../tree.ts';
import type { Moment, Texts, Vocabulary } from '../vocabulary.ts';

export interface Machine {
  readonly name: string;
  readonly os: Texts;
  readonly kind: Texts;
  readonly agent: string | null;
  readonly security: number | null;
  readonly reboot: boolean | null;
  readonly seen: Moment | null;
  readonly address: Texts;
  readonly labels: Readonly<Record<string, readonly string[]>> | null;
}

export const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');

export const WORDS: Vocabulary<Machine> = {
  noun: 'machines',
  fields: {
    name: { kind: 'text', about: 'name', of: ({ name }) => [name] },
    os: { kind: 'text', about: 'system', of: ({ os }) => os },
    kind: { kind: 'text', about: 'kind', of: ({ kind }) => kind, values: ['server', 'laptop'] },
    agent: { kind: 'version', about: 'version', of: ({ agent }) => agent },
    security: { kind: 'number', about: 'updates', of: ({ security }) => security },
    reboot: { kind: 'flag', about: 'restart', of: ({ reboot }) => reboot },
    seen: { kind: 'age', about: 'contact', of: ({ seen }) => seen },
    address: { kind: 'address', about: 'address', of: ({ address }) => address },
  },
  label: ({ labels }, name) => (labels === null ? null : Object.hasOwn(labels, name) ? (labels[name] ?? []) : []),
  refused: { secret: 'nobody may know' },
};

export const MACHINE: Machine = {
  name: 'web-1',
  os: ['linux', 'debian', 'debian-12'],
  kind: ['server'],
  agent: '0.2.0',
  security: 3,
  reboot: false,
  seen: { at: '2026-11-20T11:00:00Z' },
  address: ['10.20.0.7'],
  labels: { tier: ['web', 'edge'], os: ['label'] },
};

const texts = (value: fc.Arbitrary<string>): fc.Arbitrary<Texts> =>
  fc.oneof(
    fc.constant(null),
    fc.array(value, { maxLength: 3 }),
    fc.array(value, { maxLength: 2 }).map((atLeast) => ({ atLeast })),
  );
const word = fc.constantFrom(
  'web',
  'db',
  'web-1',
  'Web-1',
  'abab',
  'a',
  '',
  'é',
  "it's",
  'a\\b',
  'x*y',
  'and',
  'never',
);
const version = fc.constantFrom('0.1', '0.2', '0.2.0', '0.10', '6.1.0-41', '1:2~rc1');
const address = fc.constantFrom('10.20.0.7', '10.0.0.1', '192.168.1.1', '2001:db8::1', '::1', '::ffff:10.1.2.3');
const network = fc.constantFrom('10.0.0.0/8', '10.20.0.7', '0.0.0.0/0', '2001:db8::/32', '::/0', '192.168.1.0/24');
const instant = fc.integer({ min: -10, max: 100 }).map((hours) => NOW.subtract({ hours }).toString());

export const machines: fc.Arbitrary<Machine> = fc.record({
  name: word,
  os: texts(word),
  kind: texts(fc.constantFrom('server', 'laptop', 'other')),
  agent: fc.option(version),
  security: fc.option(fc.nat(20)),
  reboot: fc.option(fc.boolean()),
  seen: fc.option(fc.record({ at: fc.option(instant) })),
  address: texts(fc.oneof(address, fc.constant('no address'))),
  labels: fc.option(fc.dictionary(fc.constantFrom('tier', 'os', 'and'), fc.array(word, { maxLength: 3 }))),
});

const pattern: fc.Arbitrary<Pattern> = fc.array(word, { minLength: 1, maxLength: 3 });
const plain = (value: fc.Arbitrary<string>): fc.Arbitrary<Pattern> => value.map((text) => [text]);
const order = fc.constantFrom('=', '!=', '<', '<=', '>', '>=');
const equal = fc.constantFrom('=', '!=');
const compare = (name: string, orders: typeof order, value: fc.Arbitrary<Pattern>, label = false): fc.Arbitrary<Node> =>
  fc.record({ order: orders, value }).map((given) => ({ kind: 'compare', name, label, ...given }) as Node);
const among = (name: string, value: fc.Arbitrary<Pattern>, label = false): fc.Arbitrary<Node> =>
  fc.array(value, { minLength: 1, maxLength: 4 }).map((values): Node => ({ kind: 'in', name, label, values }));
const labelNames = ['tier', 'os', 'secret', 'and', 'label.x', 'kubernetes.io/role'];
const labels = fc
  .constantFrom(...labelNames)
  .chain((name) => fc.oneof(compare(name, equal, pattern, true), among(name, pattern, true)));

const leaf: fc.Arbitrary<Node> = fc.oneof(
  fc.constant<Node>({ kind: 'flag', name: 'reboot' }),
  fc.constantFrom('name', 'os').chain((name) => fc.oneof(compare(name, equal, pattern), among(name, pattern))),
  compare('kind', equal, plain(fc.constantFrom('server', 'laptop'))),
  compare('agent', order, plain(version)),
  compare('agent', equal, fc.constantFrom<Pattern>(['0.', ''], ['', '.0'], ['6.1'])),
  compare('security', order, plain(fc.nat(20).map(String))),
  among('security', plain(fc.nat(20).map(String))),
  compare('seen', fc.constantFrom('<', '<=', '>', '>='), plain(fc.constantFrom('30m', '2h', '1d', '2w'))),
  compare('seen', equal, plain(fc.constant('never'))),
  compare('address', equal, plain(network)),
  among('address', plain(network)),
  labels,
);

/** Trees that a text can mean. */
export const trees: fc.Arbitrary<Node> = fc.letrec<{ readonly node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc
      .record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.array(tie('node'), { minLength: 2, maxLength: 4 }),
      })
      .map((node): Node => node),
    tie('node').map((part): Node => ({ kind: 'not', part })),
  ),
})).node;
