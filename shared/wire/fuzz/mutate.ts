// What a hostile peer does to a frame, by name: to the tree of its fields, where the bytes keep their sense, and to the
// bytes themselves.
import type { Luck } from './luck.ts';
import { DELIMITED, END_GROUP, FIXED32, FIXED64, type FieldNode, field, lists, START_GROUP, VARINT } from './tree.ts';

const EDGES = [
  0n,
  1n,
  127n,
  128n,
  2n ** 31n - 1n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const LIES = [-1, 1, 2, -2, 100, 2 ** 20, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53, -(2 ** 31)];
const TAGS = [0, 15, 16, 99, 2047, 2048, 19_000, 2 ** 29 - 1, 2 ** 29];
/** RFC 3629: lone continuation, cut sequence, over-long slash, surrogate, beyond U+10FFFF, never valid. */
const NOT_UTF8 = [[0x80], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff, 0xfe]];
const DEPTHS = [2, 20, 99, 100, 101, 102, 500];
const WIRE_TYPES = [VARINT, FIXED64, DELIMITED, START_GROUP, END_GROUP, FIXED32, 6, 7];

type TreeMutation = (fields: FieldNode[], luck: Luck, other: () => FieldNode[]) => void;
type ByteMutation = (bytes: Uint8Array, luck: Luck, other: () => Uint8Array) => Uint8Array;

const at = (fields: readonly FieldNode[], luck: Luck): FieldNode | undefined => fields[luck.below(fields.length)];

/** Each gets one list of fields of the frame. */
export const TREE_MUTATIONS: Readonly<Record<string, TreeMutation>> = {
  duplicate: (fields, luck) => {
    const node = at(fields, luck);
    if (node) fields.splice(luck.below(fields.length + 1), 0, ...Array<FieldNode>(1 + luck.below(3)).fill(node));
  },
  reorder: (fields, luck) => {
    for (let last = fields.length - 1; last > 0; last--) {
      const other = luck.below(last + 1);
      const [a, b] = [fields[last], fields[other]];
      if (a && b) [fields[last], fields[other]] = [b, a];
    }
  },
  drop: (fields, luck) => void fields.splice(luck.below(fields.length), 1),
  wireType: (fields, luck) => {
    const node = at(fields, luck);
    if (node) node.wireType = luck.pick(WIRE_TYPES);
  },
  lieLength: (fields, luck) => {
    const node = at(fields, luck);
    if (node) node.lie = luck.pick(LIES);
  },
  overlong: (fields, luck) => {
    const node = at(fields, luck);
    if (node) node.padding = 1 + luck.below(10);
  },
  unknownGroup: (fields, luck, other) => {
    fields.splice(luck.below(fields.length + 1), 0, field(luck.pick(TAGS), START_GROUP, other()));
  },
  asGroup: (fields, luck) => {
    const node = at(fields, luck);
    if (node) node.wireType = START_GROUP;
  },
  nest: (fields, luck) => {
    const wireType = luck.pick([START_GROUP, DELIMITED]);
    let inner = fields.splice(0, luck.below(2) * fields.length);
    const tag = luck.pick([1, 2, 3, 4, 5, 99]);
    for (let depth = luck.pick(DEPTHS); depth > 0; depth--) inner = [field(tag, wireType, inner)];
    fields.push(...inner);
  },
  unknownTag: (fields, luck) => {
    const value = luck.oneIn(2) ? luck.pick(EDGES) : luck.bytes(luck.below(8));
    const wireType = typeof value === 'bigint' ? luck.pick([VARINT, FIXED32, FIXED64]) : DELIMITED;
    fields.splice(luck.below(fields.length + 1), 0, field(luck.pick(TAGS), wireType, value));
  },
  retag: (fields, luck) => {
    const node = at(fields, luck);
    if (node) node.tag = 1 + luck.below(9);
  },
  packed: (fields, luck) => {
    // A varint field as a packed list of itself: right for `versions`, wrong elsewhere; bytes as their varints.
    const node = at(fields, luck);
    if (!node) return;
    if (typeof node.value === 'bigint') {
      node.wireType = DELIMITED;
      node.value = Uint8Array.from({ length: luck.below(18) }, () => luck.below(300));
    } else if (node.value instanceof Uint8Array) {
      node.wireType = VARINT;
      node.value = BigInt(node.value.length);
    }
  },
  notUtf8: (fields, luck) => {
    const node = at(fields, luck);
    if (!(node?.value instanceof Uint8Array)) return;
    const cut = luck.below(node.value.length + 1);
    node.value = Uint8Array.from([...node.value.slice(0, Math.min(cut, 4096)), ...luck.pick(NOT_UTF8)]);
  },
  edge: (fields, luck) => {
    const node = at(fields, luck);
    if (typeof node?.value === 'bigint') node.value = luck.pick(EDGES);
    else if (node?.value instanceof Uint8Array) node.value = new Uint8Array(luck.pick([0, 1, 31, 32, 33, 128, 129]));
    else if (node) node.value = [];
  },
  graft: (fields, luck, other) => {
    const branch = luck.pick(lists(other()));
    if (luck.oneIn(2)) fields.push(...branch);
    else fields.splice(luck.below(fields.length), 1, field(1 + luck.below(9), DELIMITED, branch));
  },
};

export const BYTE_MUTATIONS: Readonly<Record<string, ByteMutation>> = {
  truncate: (bytes, luck) => bytes.subarray(0, luck.below(bytes.length)),
  flip: (bytes, luck) => {
    const out = Uint8Array.from(bytes);
    for (let times = 1 + luck.below(4); times > 0 && out.length > 0; times--) {
      const place = luck.below(out.length);
      out[place] = (out[place] ?? 0) ^ (1 << luck.below(8));
    }

    return out;
  },
  insert: (bytes, luck) => {
    const place = luck.below(bytes.length + 1);

    return joined(bytes.subarray(0, place), luck.bytes(1 + luck.below(6)), bytes.subarray(place));
  },
  remove: (bytes, luck) => {
    const place = luck.below(bytes.length);

    return joined(bytes.subarray(0, place), bytes.subarray(place + 1 + luck.below(4)));
  },
  splice: (bytes, luck, other) => {
    const tail = other();

    return joined(bytes.subarray(0, luck.below(bytes.length + 1)), tail.subarray(luck.below(tail.length)));
  },
  append: (bytes, _luck, other) => joined(bytes, other()),
};

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    out.set(part, place);
    place += part.length;
  }

  return out;
}
