import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { decodeAgentFrame, decodeCollectorFrame, encodeAgentFrame, MAX_FRAME_BYTES } from '../wire.ts';
import { KINDS, TYPES } from './forge.ts';
import { FuzzFailure, fuzz, makeCase } from './fuzz.ts';
import { CODES, judge } from './judge.ts';
import { seedOf } from './luck.ts';
import { BYTE_MUTATIONS, TREE_MUTATIONS } from './mutate.ts';
import { DELIMITED, field, Scribe, START_GROUP, VARINT } from './tree.ts';

/** Frames in every run of the tests. */
const COUNT = 1_000_000;
/** Milliseconds: about 25 s of one core, and room for a machine that is busy. */
const PATIENCE_MS = 900_000;

describe('when a million hostile frames come', () => {
  it(
    'each is a frame that says the same twice and to protobufjs, or is refused with a frame code',
    () => {
      // The same frames each time: others are for `npm run fuzz`, which takes another seed each time and prints it.
      const seed = process.env.SELVAGE_FAULT_SEED ?? 'tests';
      const { outcomes, mutations } = fuzz(seed, 0, COUNT);

      // Nothing was left out: every code, every body of wire.proto accepted, every mutation in both.
      for (const code of CODES) expect([code, outcomes.get(code) ?? 0]).not.toEqual([code, 0]);
      for (const kind of KINDS) {
        for (const { name } of TYPES[kind].oneofs.body?.fieldsArray ?? []) {
          expect(outcomes.get(`${kind} ${name}`) ?? 0).toBeGreaterThan(1000);
        }
      }
      expect(mutations.size).toBe(Object.keys(TREE_MUTATIONS).length + Object.keys(BYTE_MUTATIONS).length);
      for (const [name, { accepted, refused }] of mutations) {
        expect([name, accepted > 50, refused > 1000]).toEqual([name, true, true]);
      }
    },
    PATIENCE_MS,
  );

  it('the same seed and number make the same bytes, whatever was made before', () => {
    const base = seedOf('again');
    const first = Uint8Array.from(makeCase(base, 4711).bytes);
    makeCase(base, 4712);

    expect(Uint8Array.from(makeCase(base, 4711).bytes)).toEqual(first);
    expect(Uint8Array.from(makeCase(seedOf('other'), 4711).bytes)).not.toEqual(first);
  });

  it('every field of wire.proto is among what is made', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 3000; index++) {
      const { kind, bytes, mutations } = makeCase(seedOf('fields'), index);
      if (mutations.length === 0) collect(TYPES[kind], bytes, seen);
    }
    const all = new Set<string>();
    for (const kind of KINDS) names(TYPES[kind], all);

    expect([...all].filter((name) => !seen.has(name))).toEqual([]);
    expect(all.size).toBeGreaterThan(50);
  });
});

describe('when the fuzzer finds something', () => {
  it('it says the case, its bytes and how to see it again', () => {
    const failure = new FuzzFailure(
      's',
      7,
      { kind: 'AgentFrame', bytes: new Uint8Array([1, 255]), mutations: ['flip'] },
      new Error('why'),
    );

    expect(failure.message).toContain('case 7 of seed s: why');
    expect(failure.message).toContain('AgentFrame after flip: 01ff');
    expect(failure.message).toContain('npm run fuzz -- --seed s --from 7 --count 1');
  });

  it('an error of the decoder itself is not taken for a bad frame', () => {
    const ping = encodeAgentFrame({ type: 'ping', nonce: 7n });
    const original = protobuf.Reader.prototype.uint64;
    protobuf.Reader.prototype.uint64 = () => {
      throw new TypeError('undefined is not a function');
    };
    try {
      expect(() => judge('AgentFrame', ping)).toThrow(/hides an error of the decoder/);
    } finally {
      protobuf.Reader.prototype.uint64 = original;
    }
    expect(judge('AgentFrame', ping)).toMatchObject({ frame: { type: 'ping' } });
  });
});

describe('when one frame is made to cost much', () => {
  const scribe = new Scribe(MAX_FRAME_BYTES + 16);
  const many = (count: number, make: () => ReturnType<typeof field>) => Array.from({ length: count }, make);
  const durable = (...fields: ReturnType<typeof field>[]) => [field(2, DELIMITED, fields)];
  /** Frames of just under 1 MiB that hold as many pieces as the encoding allows. */
  const COSTLY: readonly [string, () => Uint8Array][] = [
    [
      'half a million empty strings in a list',
      () =>
        scribe.write([
          field(
            3,
            DELIMITED,
            many(524_000, () => field(1, DELIMITED, new Uint8Array(0))),
          ),
        ]),
    ],
    ['half a million unknown numbers', () => scribe.write(many(524_000, () => field(15, VARINT, 1n)))],
    [
      'a million entries in a packed list',
      () => scribe.write([field(1, DELIMITED, [field(1, DELIMITED, new Uint8Array(1_040_000).fill(1))])]),
    ],
    ['half a million groups, one in the other', () => new Uint8Array(524_000).fill((15 << 3) | START_GROUP)],
    [
      'half a million empty section states',
      () =>
        scribe.write(
          durable(
            field(
              4,
              DELIMITED,
              many(520_000, () => field(2, DELIMITED, new Uint8Array(0))),
            ),
          ),
        ),
    ],
    [
      'a string of a megabyte where a name belongs',
      () => scribe.write([field(3, DELIMITED, [field(1, DELIMITED, new Uint8Array(1_040_000).fill(97))])]),
    ],
    [
      'a list of 4,096 names of 128 bytes',
      () =>
        scribe.write([
          field(
            3,
            DELIMITED,
            many(4096, () => field(1, DELIMITED, new Uint8Array(128).fill(97))),
          ),
        ]),
    ],
  ];

  it.each(COSTLY)('%s takes no more memory than a few times its bytes', (_what, make) => {
    const bytes = Uint8Array.from(make());
    const collectGarbage = garbageCollector();

    for (const decode of [decodeAgentFrame, decodeCollectorFrame]) {
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      let frame: unknown = null;
      try {
        frame = decode(bytes);
      } catch (error) {
        expect(CODES).toContain((error as { code?: unknown }).code);
      }
      // Without a collection in between: everything that was allocated on the way counts, also what is garbage now.
      const spent = process.memoryUsage().heapUsed - before;

      expect(frame === null || typeof frame === 'object').toBe(true);
      expect(spent).toBeLessThan(12 * MAX_FRAME_BYTES);
    }
  });
});

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');

  return runInNewContext('gc') as () => void;
}

function names(type: protobuf.Type, found: Set<string>): void {
  for (const each of type.fieldsArray) {
    found.add(each.fullName);
    if (each.resolvedType instanceof protobuf.Type) names(each.resolvedType, found);
  }
}

function collect(type: protobuf.Type, bytes: Uint8Array, found: Set<string>): void {
  const walk = (of: protobuf.Type, value: Readonly<Record<string, unknown>>) => {
    for (const each of of.fieldsArray) {
      if (!Object.hasOwn(value, each.name)) continue;
      found.add(each.fullName);
      const inner = each.resolvedType;
      if (!(inner instanceof protobuf.Type)) continue;
      for (const item of [value[each.name]].flat()) walk(inner, item as Readonly<Record<string, unknown>>);
    }
  };

  walk(type, type.decode(bytes) as unknown as Readonly<Record<string, unknown>>);
}
