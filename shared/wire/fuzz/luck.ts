// Fast luck that repeats: every case has its own, made of the seed and its number, so that one case can be run alone.
// For finding faults only, never for secrets.

/** A generator of 32 random bits (sfc32, PractRand-clean), as the choices a fuzzer makes. */
export class Luck {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: number, index: number) {
    this.#a = seed | 0;
    this.#b = index | 0;
    this.#c = Math.floor(index / 2 ** 32) ^ 0x9e37_79b9;
    for (let round = 0; round < 12; round++) this.bits();
  }

  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;

    return sum >>> 0;
  }

  /** 0 … end - 1. */
  below(end: number): number {
    return end <= 1 ? 0 : this.bits() % end;
  }

  /** True in one of `times` cases. */
  oneIn(times: number): boolean {
    return this.bits() % times === 0;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');

    return item;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at++) out[at] = this.bits();

    return out;
  }
}

/** 32 bits of a seed as people write it (FNV-1a). */
export function seedOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);

  return hash >>> 0;
}
