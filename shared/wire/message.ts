// A small typed layer over protobufjs' Reader and Writer: fields with bounds that are checked while reading, before
// anything is allocated. It knows protobuf, not Selvage; the frames are in ./schema.ts.
import type protobuf from 'protobufjs/minimal.js';
import { CodedError } from '../errors/coded-error.ts';

export type Reader = protobuf.Reader;
export type Writer = protobuf.Writer;

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const START_GROUP = 3;

/** One field of a message (a oneof is a field with several tags). */
export interface Field<T> {
  readonly tags: readonly number[];
  /** Value when the field is absent: proto3 does not send defaults. */
  readonly absent: T;
  write(writer: Writer, value: T): void;
  /** `before` is what earlier occurrences gave, undefined for the first. */
  read(reader: Reader, tag: number, wireType: number, before: T | undefined): T;
  /** Throws FRAME_INVALID when the value, also the absent one, may not be. */
  assert(value: T, name: string): void;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface Message<T> {
  write(writer: Writer, value: T): void;
  /** Reads until `end`, an offset in the reader's buffer. */
  read(reader: Reader, end: number): T;
}

/** How a scalar is written and read; `wireType` is checked before `read`. */
interface Scalar<T> {
  readonly wireType: typeof VARINT | typeof LENGTH_DELIMITED;
  readonly absent: T;
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
  assert(value: T, name: string): void;
}

export function invalid(message: string, cause?: unknown): CodedError {
  return new CodedError('FRAME_INVALID', message, { cause });
}

/** A message of these fields. Unknown fields are skipped; a known field twice (unless a list) is refused. */
export function message<F extends Fields>(fields: F): Message<Values<F>> {
  const entries = Object.entries(fields);
  const byTag = new Map(entries.flatMap(([name, field]) => field.tags.map((tag) => [tag, { name, field }] as const)));

  return {
    write: (writer, value) => {
      for (const [name, field] of entries) {
        const item = value[name];
        field.assert(item, name);
        field.write(writer, item);
      }
    },
    read: (reader, end) => {
      const found = new Map<string, unknown>();

      while (reader.pos < end) {
        const key = reader.tag();
        const tag = key >>> 3;
        const wireType = key & 7;
        const known = byTag.get(tag);
        if (known) found.set(known.name, known.field.read(reader, tag, wireType, found.get(known.name)));
        else skip(reader, tag, wireType);
      }

      if (reader.pos !== end) throw invalid('a field runs past the end of its message');

      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) {
        value[name] = found.has(name) ? found.get(name) : field.absent;
        field.assert(value[name], name);
      }

      return value as Values<F>;
    },
  };
}

/** Passes over a field that only a newer peer knows. Groups, which proto3 does not have, are not: they nest. */
function skip(reader: Reader, tag: number, wireType: number): void {
  if (wireType === START_GROUP) throw invalid(`field ${tag} is a group`);
  reader.skipType(wireType, 0, tag);
}

/** A singular scalar field. */
export function one<T>(tag: number, scalar: Scalar<T>): Field<T> {
  return {
    tags: [tag],
    absent: scalar.absent,
    assert: scalar.assert,
    write: (writer, value) => {
      if (value === scalar.absent) return;
      writer.uint32((tag << 3) | scalar.wireType);
      scalar.write(writer, value);
    },
    read: (reader, _tag, wireType, before) => {
      if (before !== undefined) throw invalid(`field ${tag} occurs twice`);
      expectWireType(tag, wireType, scalar.wireType);

      return scalar.read(reader);
    },
  };
}

/** A repeated varint field, read packed or not, written packed. */
export function varints(tag: number, scalar: Scalar<number>, max: number): Field<readonly number[]> {
  const add = (list: readonly number[], reader: Reader) => {
    if (list.length >= max) throw invalid(`field ${tag} has more than ${max} entries`);

    return [...list, scalar.read(reader)];
  };

  return {
    tags: [tag],
    absent: [],
    assert: (values, name) => assertList(values, name, max, scalar.assert),
    write: (writer, values) => {
      if (values.length === 0) return;
      writer.uint32((tag << 3) | LENGTH_DELIMITED).fork();
      for (const value of values) scalar.write(writer, value);
      writer.ldelim();
    },
    read: (reader, _tag, wireType, before = []) => {
      if (wireType === VARINT) return add(before, reader);
      expectWireType(tag, wireType, LENGTH_DELIMITED);
      const end = lengthOf(reader) + reader.pos;
      let list = before;
      while (reader.pos < end) list = add(list, reader);
      if (reader.pos !== end) throw invalid(`field ${tag} runs past its end`);

      return list;
    },
  };
}

/** A repeated string, bytes or message field. */
export function many<T>(tag: number, item: Scalar<T> | Message<T>, max: number): Field<readonly T[]> {
  const read = 'wireType' in item ? item.read : nested(item);

  return {
    tags: [tag],
    absent: [],
    assert: (values, name) => assertList(values, name, max, 'wireType' in item ? item.assert : undefined),
    write: (writer, values) => {
      for (const value of values) {
        writer.uint32((tag << 3) | LENGTH_DELIMITED);
        if ('wireType' in item) {
          item.write(writer, value);
        } else {
          writer.fork();
          item.write(writer, value);
          writer.ldelim();
        }
      }
    },
    read: (reader, _tag, wireType, before = []) => {
      expectWireType(tag, wireType, LENGTH_DELIMITED);
      if (before.length >= max) throw invalid(`field ${tag} has more than ${max} entries`);
      // The list grows in place: it is this reader's own until the message is complete.
      const list = before as T[];
      if (list.length === 0) return [read(reader)];
      list.push(read(reader));

      return list;
    },
  };
}

type Cases = Readonly<Record<string, readonly [tag: number, body: Message<unknown>]>>;
type Union<C extends Cases> = {
  readonly [K in keyof C]: C[K][1] extends Message<infer T> ? { readonly type: K } & T : never;
}[keyof C];

/** A oneof: exactly one of the cases. None at all (an unknown one, for us) is FRAME_UNEXPECTED, two are FRAME_INVALID. */
export function oneOf<C extends Cases>(cases: C): Field<Union<C>> {
  const byTag = new Map(Object.entries(cases).map(([type, [tag, body]]) => [tag, { type, body }] as const));

  return {
    tags: [...byTag.keys()],
    absent: undefined as never,
    assert: (value, name) => {
      if (value === undefined) throw new CodedError('FRAME_UNEXPECTED', `no known ${name} in the frame`);
    },
    write: (writer, value) => {
      const known = Object.hasOwn(cases, value.type) ? cases[value.type] : undefined;
      if (!known) throw new CodedError('FRAME_UNEXPECTED', `no case "${String(value.type)}"`);
      writer.uint32((known[0] << 3) | LENGTH_DELIMITED).fork();
      known[1].write(writer, value);
      writer.ldelim();
    },
    read: (reader, tag, wireType, before) => {
      const known = byTag.get(tag);
      if (before !== undefined || known === undefined) throw invalid('more than one body');
      expectWireType(tag, wireType, LENGTH_DELIMITED);

      return { type: known.type, ...(nested(known.body)(reader) as object) } as Union<C>;
    },
  };
}

/** The length prefix of a delimited field (at most five bytes), checked against what is left of the buffer. */
function lengthOf(reader: Reader): number {
  const length = reader.size();
  if (length > reader.len - reader.pos) throw invalid('a length runs past the end of the frame');

  return length;
}

function nested<T>(body: Message<T>): (reader: Reader) => T {
  return (reader) => {
    const length = lengthOf(reader);

    return body.read(reader, reader.pos + length);
  };
}

/** Length-delimited bytes of at most `max`, as a view of the frame. */
function view(reader: Reader, max: number): Uint8Array {
  const length = lengthOf(reader);
  if (length > max) throw invalid(`a value of ${length} bytes where at most ${max} may be`);
  const start = reader.pos;
  reader.pos += length;

  return reader.buf.subarray(start, reader.pos);
}

function readUint64(reader: Reader): bigint {
  const long = reader.uint64();

  return typeof long === 'number' ? BigInt(long) : (BigInt(long.high >>> 0) << 32n) | BigInt(long.low >>> 0);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Strings of `min` to `max` UTF-8 bytes that `accept` likes. */
export function text<T extends string = string>(bounds: {
  readonly min?: number;
  readonly max: number;
  readonly accept?: (value: string) => boolean;
}): Scalar<T> {
  return {
    wireType: LENGTH_DELIMITED,
    absent: '' as T,
    write: (writer, value) => writer.string(value),
    read: (reader) => utf8.decode(view(reader, bounds.max)) as T,
    assert: (value, name) => {
      const length = Buffer.byteLength(value);
      if (length < (bounds.min ?? 0) || length > bounds.max) throw invalid(`${name} has ${length} bytes`);
      if (bounds.accept?.(value) === false) throw invalid(`${name} is not of the right form`);
    },
  };
}

/** Byte strings of `min` to `max` bytes. */
export function bytes(min: number, max: number): Scalar<Uint8Array> {
  return {
    wireType: LENGTH_DELIMITED,
    absent: new Uint8Array(0),
    write: (writer, value) => writer.bytes(value),
    read: (reader) => view(reader, max),
    assert: (value, name) => {
      if (value.length < min || value.length > max) throw invalid(`${name} has ${value.length} bytes`);
    },
  };
}

/** Bytes on the wire, another type in hand (hashes as hex). The empty byte string is `absent`. */
export function converted<T>(options: {
  readonly length: number;
  readonly absent: T;
  readonly to: (value: Uint8Array) => T;
  readonly from: (value: T) => Uint8Array;
  readonly assert: (value: T, name: string) => void;
}): Scalar<T> {
  return {
    wireType: LENGTH_DELIMITED,
    absent: options.absent,
    write: (writer, value) => writer.bytes(options.from(value)),
    read: (reader) => {
      const value = view(reader, options.length);
      if (value.length === 0) return options.absent;
      if (value.length !== options.length) throw invalid(`${value.length} bytes where ${options.length} must be`);

      return options.to(value);
    },
    assert: options.assert,
  };
}

export function uint32(min: number, max: number): Scalar<number> {
  return {
    wireType: VARINT,
    absent: 0,
    write: (writer, value) => writer.uint32(value),
    read: (reader) => {
      const value = readUint64(reader);
      if (value > BigInt(max)) throw invalid(`${value} where at most ${max} may be`);

      return Number(value);
    },
    assert: (value, name) => {
      if (!Number.isInteger(value) || value < min || value > max) throw invalid(`${name} is ${value}`);
    },
  };
}

export function uint64(min: bigint, max: bigint): Scalar<bigint> {
  return {
    wireType: VARINT,
    absent: 0n,
    write: (writer, value) => {
      const low = Number(value & 0xffff_ffffn) | 0;
      const high = Number(value >> 32n) | 0;
      writer.uint64({ low, high, unsigned: true } as unknown as protobuf.Long);
    },
    read: readUint64,
    assert: (value, name) => {
      if (typeof value !== 'bigint' || value < min || value > max) throw invalid(`${name} is ${value}`);
    },
  };
}

export const bool: Scalar<boolean> = {
  wireType: VARINT,
  absent: false,
  write: (writer, value) => writer.bool(value),
  read: (reader) => reader.bool(),
  assert: (value, name) => {
    if (typeof value !== 'boolean') throw invalid(`${name} is not true or false`);
  },
};

function expectWireType(tag: number, found: number, wanted: number): void {
  if (found !== wanted) throw invalid(`field ${tag} has wire type ${found}, not ${wanted}`);
}

function assertList<T>(
  values: readonly T[],
  name: string,
  max: number,
  assert: ((value: T, name: string) => void) | undefined,
): void {
  if (values.length > max) throw invalid(`${name} has ${values.length} entries, at most ${max} may be`);
  for (const value of values) assert?.(value, name);
}
