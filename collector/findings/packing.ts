// A machine's list of software in few bytes: three for each package, so that the lists of a fleet fit into memory. Pure.
// Layout: version, count and times (ms since 1970, deltas); count and current (ids ascending, deltas; number of the time); count and
// past ones (id, since, until). All numbers are variable-length, seven bits a byte, the lowest first.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

const FORMAT = 1;

export interface Present {
  /** Number of the software with the binary packages of it that are there. */
  readonly variant: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface Past extends Present {
  readonly until: number;
}

export interface MachineList {
  /** In the order of their numbers. */
  readonly present: readonly Present[];
  readonly past: readonly Past[];
}

export function packList({ present, past }: MachineList): Uint8Array {
  const times = [...new Set([...present.map(({ since }) => since), ...past.flatMap((one) => [one.since, one.until])])];
  times.sort((a, b) => a - b);
  const at = new Map(times.map((time, index) => [time, index]));
  const out = new Writer();
  out.put(FORMAT);
  out.put(times.length);
  for (const [index, time] of times.entries()) out.put(time - (times[index - 1] ?? 0));
  const sorted = present.toSorted((a, b) => a.variant - b.variant);
  out.put(sorted.length);
  for (const [index, { variant, since }] of sorted.entries()) {
    out.put(variant - (sorted[index - 1]?.variant ?? 0));
    out.put(at.get(since) ?? 0);
  }
  out.put(past.length);
  for (const { variant, since, until } of past) {
    out.put(variant);
    out.put(at.get(since) ?? 0);
    out.put(at.get(until) ?? 0);
  }

  return out.bytes();
}

/** Throws STORE_FAILED when they are no list. */
export function unpackList(bytes: Uint8Array): MachineList {
  const present: Present[] = [];
  const past: Past[] = [];
  const reader = new Reader(bytes);
  const times = reader.times();
  eachPresent(reader, times, (variant, since) => present.push({ variant, since }));
  eachPast(reader, times, past);

  return { present, past };
}

/** Without looking at what is there now. */
export function unpackPast(bytes: Uint8Array): readonly Past[] {
  const past: Past[] = [];
  const reader = new Reader(bytes);
  const times = reader.times();
  reader.skip(2 * reader.next());
  eachPast(reader, times, past);

  return past;
}

function eachPast(reader: Reader, times: readonly number[], past: Past[]): void {
  for (let left = reader.next(); left > 0; left--) {
    past.push({ variant: reader.next(), since: reader.time(times), until: reader.time(times) });
  }
}

/** Without an object for each: what is done for a whole fleet. */
export function scanPresent(bytes: Uint8Array, visit: (variant: number, since: number) => void): void {
  const reader = new Reader(bytes);
  eachPresent(reader, reader.times(), visit);
}

function eachPresent(reader: Reader, times: readonly number[], visit: (variant: number, since: number) => void): void {
  let variant = 0;
  for (let left = reader.next(); left > 0; left--) {
    variant += reader.next();
    visit(variant, reader.time(times));
  }
}

class Writer {
  #bytes = new Uint8Array(1024);
  #length = 0;

  put(value: number): void {
    if (this.#length + 10 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    let rest = value;
    // Not with bit operations: times have more than 32 bits.
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    // Most of them are small.
    const first = this.#bytes[this.#at];
    if (first !== undefined && first < 128) {
      this.#at += 1;

      return first;
    }
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || factor > 2 ** 49) throw broken();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** Goes past so many numbers. */
  skip(numbers: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let left = numbers; left > 0; at += 1) {
      const byte = bytes[at];
      if (byte === undefined) throw broken();
      if (byte < 128) left -= 1;
    }
    this.#at = at;
  }

  times(): readonly number[] {
    if (this.next() !== FORMAT) throw broken();
    const times: number[] = [];
    let time = 0;
    for (let left = this.next(); left > 0; left--) {
      time += this.next();
      times.push(time);
    }

    return times;
  }

  time(times: readonly number[]): number {
    const time = times[this.next()];
    if (time === undefined) throw broken();

    return time;
  }
}

function broken(): CodedError {
  return new CodedError('STORE_FAILED', "the stored list of a machine's software cannot be read");
}
