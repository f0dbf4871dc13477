// A frame as a tree of protobuf fields that may lie: the length it says, the number of bytes of a varint, the wire type.
// It writes what it is told, also what no protobuf writer would.

/** Wire types of protobuf. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const START_GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

export type Value = bigint | Uint8Array | FieldNode[];

export interface FieldNode {
  tag: number;
  wireType: number;
  /** A varint, the bytes behind a length (or of a fixed number), or what lies inside. */
  value: Value;
  /** Added to the true length. */
  lie: number;
  /** Bytes that a varint is longer than it needs to be. */
  padding: number;
}

export const field = (tag: number, wireType: number, value: Value): FieldNode => ({
  tag,
  wireType,
  value,
  lie: 0,
  padding: 0,
});

/** Every list of fields in the tree, from the outermost on. */
export function lists(fields: FieldNode[], found: FieldNode[][] = []): FieldNode[][] {
  found.push(fields);
  for (const { value } of fields) if (Array.isArray(value)) lists(value, found);

  return found;
}

/** Writes trees into one buffer that is used again: bytes are valid until the next call. */
export class Scribe {
  readonly #buffer: Buffer;
  #at = 0;

  /** `capacity` in bytes; a tree that needs more is cut. */
  constructor(capacity: number) {
    this.#buffer = Buffer.alloc(capacity);
  }

  write(fields: readonly FieldNode[]): Buffer {
    this.#at = 0;
    this.#fields(fields);

    return this.#buffer.subarray(0, this.#at);
  }

  #fields(fields: readonly FieldNode[]): void {
    for (const node of fields) this.#field(node);
  }

  #field({ tag, wireType, value, lie, padding }: FieldNode): void {
    this.#varint(BigInt(tag) * 8n + BigInt(wireType), 0);
    const start = this.#at;
    if (typeof value === 'bigint') this.#number(value, wireType, padding);
    else if (Array.isArray(value)) this.#fields(value);
    else this.#raw(value);

    if (typeof value === 'bigint') return;
    if (wireType === DELIMITED) this.#prefix(start, lie, padding);
    if (wireType === START_GROUP) this.#varint(BigInt(tag) * 8n + BigInt(END_GROUP), 0);
  }

  /** Puts the length before what was written from `start` on. */
  #prefix(start: number, lie: number, padding: number): void {
    const end = this.#at;
    const length = end - start + lie;
    this.#at = 0;
    const prefix = varint(BigInt.asUintN(64, BigInt(length)), padding);
    this.#buffer.copyWithin(start + prefix.length, start, end);
    this.#at = start;
    this.#raw(prefix);
    this.#at = Math.min(this.#buffer.length, end + prefix.length);
  }

  #number(value: bigint, wireType: number, padding: number): void {
    if (wireType === FIXED64) this.#raw(littleEndian(value, 8));
    else if (wireType === FIXED32) this.#raw(littleEndian(value, 4));
    else this.#varint(value, padding);
  }

  #varint(value: bigint, padding: number): void {
    this.#raw(varint(value, padding));
  }

  #raw(bytes: Uint8Array | readonly number[]): void {
    const room = Math.min(bytes.length, this.#buffer.length - this.#at);
    if (bytes instanceof Uint8Array)
      this.#buffer.set(room === bytes.length ? bytes : bytes.subarray(0, room), this.#at);
    else for (let at = 0; at < room; at++) this.#buffer[this.#at + at] = bytes[at] ?? 0;
    this.#at += room;
  }
}

function varint(value: bigint, padding: number): readonly number[] {
  const bytes: number[] = [];

  if (value < 2n ** 31n) {
    let small = Number(value);
    for (; small >= 128; small = Math.floor(small / 128)) bytes.push((small % 128) + 128);
    bytes.push(small);
  } else {
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) + 128);
    bytes.push(Number(rest));
  }
  for (let extra = 0; extra < padding; extra++) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(0);
  }

  return bytes;
}

function littleEndian(value: bigint, length: number): readonly number[] {
  return Array.from({ length }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
}
