// A token bucket: a steady rate with a burst. Time is given by the caller; an empty bucket says how long to wait.

export interface BucketRate {
  readonly perMs: number;
  readonly burst: number;
}

export class Bucket {
  readonly #rate: BucketRate;
  #tokens: number;
  #at: number;

  constructor(rate: BucketRate, monotonicMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = monotonicMs;
  }

  /** Takes what was used already, also more than there is: nothing is given until that is made up for. */
  owe(count: number, monotonicMs: number): void {
    this.take(0, monotonicMs);
    this.#tokens -= count;
  }

  /** 0 when `count` tokens were there and are taken; otherwise the milliseconds until they will be (nothing is taken). */
  take(count: number, monotonicMs: number): number {
    const elapsed = Math.max(0, monotonicMs - this.#at);
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + elapsed * this.#rate.perMs);
    this.#at = Math.max(this.#at, monotonicMs);

    if (this.#tokens >= count) {
      this.#tokens -= count;

      return 0;
    }

    return Math.ceil((count - this.#tokens) / this.#rate.perMs);
  }

  /** True when nothing was taken for so long that a new bucket would be the same. */
  isFull(monotonicMs: number): boolean {
    return this.#tokens + Math.max(0, monotonicMs - this.#at) * this.#rate.perMs >= this.#rate.burst;
  }
}
