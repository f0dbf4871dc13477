// A yes or no for each of many small numbers, one byte each. Pure.

const FIRST = 1024;

export class Marks {
  #bytes = new Uint8Array(FIRST);

  has(number: number): boolean {
    return this.#bytes[number] === 1;
  }

  set(number: number, marked: boolean): void {
    if (number >= this.#bytes.length) {
      const larger = new Uint8Array(Math.max(number + 1, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[number] = marked ? 1 : 0;
  }
}
