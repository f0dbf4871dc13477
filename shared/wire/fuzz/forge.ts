// Frames made from wire.proto itself: a generator per message and per type of field, so that a new field is covered the
// day it is written. What the .proto cannot say (which strings are streams, modes, instants) is the table of hints.
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { MODES } from '../../model/ids.ts';
import type { Luck } from './luck.ts';
import { DELIMITED, type FieldNode, field, VARINT } from './tree.ts';

const root = protobuf.parse(readFileSync(new URL('../../../proto/wire.proto', import.meta.url), 'utf8'), {
  keepCase: false,
}).root;
root.resolveAll();

export const KINDS = ['AgentFrame', 'CollectorFrame'] as const;
export type Kind = (typeof KINDS)[number];
/** protobufjs' own reading of wire.proto. */
export const TYPES: Readonly<Record<Kind, protobuf.Type>> = {
  AgentFrame: root.lookupType('selvage.wire.v1.AgentFrame'),
  CollectorFrame: root.lookupType('selvage.wire.v1.CollectorFrame'),
};

const MAX_UINT64 = 2n ** 64n - 1n;
const NUMBERS = [
  0n,
  1n,
  2n,
  127n,
  128n,
  300n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  MAX_UINT64,
];
const LENGTHS = [0, 1, 2, 31, 32, 33, 127, 128, 129, 255, 256, 257, 511, 512, 513, 4096, 4097];
const RARE_LENGTHS = [512 * 1024, 512 * 1024 + 1, 1_040_000, 1_048_576];
const LETTERS = 'abcdefghijklmnopqrstuvwxyz-0123456789';
const TEXTS = [
  '',
  'a',
  'é',
  '🧵',
  '\u0000',
  '\ufeff',
  '1.0.0',
  'timestamp.json',
  '../../etc/passwd',
  '__proto__',
  'constructor',
];
const INSTANTS = [
  '2026-03-01T12:00:00Z',
  '1970-01-01T00:00:00.000000001Z',
  '9999-12-31T23:59:59Z',
  '2024-02-29T00:00:00.5Z',
];
const WRONG_INSTANTS = [
  '2026-02-30T00:00:00Z',
  '2026-03-01T12:00:00+01:00',
  '-271821-04-20T00:00:00Z',
  '2026-03-01T24:00:00Z',
];
const STREAMS = ['inventory', 'results'].flatMap((kind) =>
  [1, 2].map((n) => `${kind}:0000000${n}-0000-4000-8000-00000000000${n}`),
);
const WRONG_STREAMS = [
  'inventory:',
  'events:00000001-0000-4000-8000-000000000001',
  `${STREAMS[0]}\n`,
  `${STREAMS[0]?.toUpperCase()}`,
];

/** Per name of a field: what is right there, and what only looks so. */
const TEXT_HINTS: Readonly<Record<string, readonly [right: readonly string[], wrong: readonly string[]]>> = {
  stream: [STREAMS, WRONG_STREAMS],
  mode: [MODES, ['root', 'MANAGED', 'managed ']],
  now: [INSTANTS, WRONG_INSTANTS],
  takenAt: [INSTANTS, WRONG_INSTANTS],
};
/** Fields that hold a SHA-256. */
const HASHES = new Set(['sha256', 'authorities', 'endorsedBy', 'sections']);
const MOST_ENTRIES = 3;
const MANY_ENTRIES = [4, 5, 15, 16, 17, 100];

const utf8 = new TextEncoder();
/** Times that a value is as it should be, to one that is anything, in a frame that has such values. */
const HONEST = 12;

/** One frame; every field is right when `honest`. */
export function forge(kind: Kind, luck: Luck, honest: boolean): FieldNode[] {
  return messageOf(TYPES[kind], luck, honest);
}

function messageOf(type: protobuf.Type, luck: Luck, honest: boolean): FieldNode[] {
  const nodes: FieldNode[] = [];
  const chosen = new Set(type.oneofsArray.map(({ fieldsArray }) => luck.pick(fieldsArray).name));
  // A section has either a hash or a code; the .proto says so in words only.
  const without = type.name === 'SectionState' && honest ? luck.pick(['sha256', 'code']) : '';

  for (const each of type.fieldsArray) {
    if (each.partOf ? !chosen.has(each.name) : each.name === without) continue;
    // Absent is the default: right for some fields, wrong for others.
    if (!each.partOf && luck.oneIn(honest ? 40 : HONEST)) continue;
    const count = each.repeated ? entries(luck, honest) : 1;
    for (let entry = 0; entry < count; entry++) nodes.push(fieldOf(each, luck, honest));
  }

  return nodes;
}

function entries(luck: Luck, honest: boolean): number {
  return honest || !luck.oneIn(HONEST) ? luck.below(MOST_ENTRIES + 1) : luck.pick(MANY_ENTRIES);
}

function fieldOf(each: protobuf.Field, luck: Luck, honest: boolean): FieldNode {
  const right = honest || !luck.oneIn(HONEST);
  if (each.resolvedType instanceof protobuf.Type) {
    return field(each.id, DELIMITED, messageOf(each.resolvedType, luck, honest));
  }

  switch (each.type) {
    case 'uint32':
      return field(each.id, VARINT, right ? BigInt(1 + luck.below(1000)) : luck.pick(NUMBERS));
    case 'uint64':
      return field(each.id, VARINT, right ? BigInt(1 + luck.below(2 ** 31)) : luck.pick(NUMBERS));
    case 'bool':
      return field(each.id, VARINT, right ? BigInt(luck.below(2)) : luck.pick(NUMBERS));
    case 'string':
      return field(each.id, DELIMITED, utf8.encode(textOf(each.name, luck, right)));
    case 'bytes':
      return field(each.id, DELIMITED, bytesOf(each.name, luck, right));
    default:
      throw new RangeError(`no generator for ${each.fullName} of type ${each.type}: add one`);
  }
}

function textOf(name: string, luck: Luck, right: boolean): string {
  const hint = TEXT_HINTS[name];
  if (hint) return luck.pick(hint[right ? 0 : 1]);
  if (!right) return luck.oneIn(2) ? luck.pick(TEXTS) : 'x'.repeat(luck.pick(LENGTHS));
  const at = luck.below(LETTERS.length - 1);

  return LETTERS.slice(at, at + 1 + luck.below(12));
}

function bytesOf(name: string, luck: Luck, right: boolean): Uint8Array {
  if (right) return luck.bytes(HASHES.has(name) ? 32 : 1 + luck.below(24));

  // Large ones rarely: they cost a thousand small ones.
  return new Uint8Array(luck.pick(luck.oneIn(300) ? RARE_LENGTHS : LENGTHS)).fill(luck.bits());
}
