// Which machines have a piece of software: their numbers, ascending, in one array that grows. Pure.

const FIRST = 4;
/** Much more would be memory that nobody uses: there are as many numbers as a fleet has packages. */
const GROWTH = 1.25;

export class Postings {
  #numbers = new Uint32Array(FIRST);
  #length = 0;

  get size(): number {
    return this.#length;
  }

  add(number: number): void {
    const at = this.#find(number);
    if (at < this.#length && this.#numbers[at] === number) return;
    if (this.#length === this.#numbers.length) this.#grow();
    this.#numbers.copyWithin(at + 1, at, this.#length);
    this.#numbers[at] = number;
    this.#length += 1;
  }

  remove(number: number): void {
    const at = this.#find(number);
    if (at >= this.#length || this.#numbers[at] !== number) return;
    this.#numbers.copyWithin(at, at + 1, this.#length);
    this.#length -= 1;
  }

  /** As they are now, whatever is changed while somebody looks through them. */
  [Symbol.iterator](): IterableIterator<number> {
    return this.#numbers.slice(0, this.#length).values();
  }

  #grow(): void {
    const larger = new Uint32Array(Math.ceil(this.#numbers.length * GROWTH) + FIRST);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }

  /** Where it is, or where it would be. */
  #find(number: number): number {
    let low = 0;
    let high = this.#length;
    // Most come in order.
    if (high > 0 && (this.#numbers[high - 1] ?? 0) < number) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle] ?? 0) < number) low = middle + 1;
      else high = middle;
    }

    return low;
  }
}
