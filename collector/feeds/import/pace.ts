// How much goes into one transaction, so that each takes about as long as it may: learnt from those before. Pure.

/** What a row costs: its own, and its bytes. */
const BYTES_PER_WEIGHT = 512;
/**
 * Milliseconds aimed at for a transaction, a fifth of what it may take: the one that moves the log into the database takes some times as
 * long, and larger ones are no faster in the end.
 */
const AIM_MS = 5;
const FIRST_WEIGHT = 400;
const MIN_WEIGHT = 1;
const MAX_WEIGHT = 20_000;
/** From one to the next at most so many times more; down at once. */
const MAX_GROWTH = 2;

export function weightOf(row: string): number {
  return 1 + row.length / BYTES_PER_WEIGHT;
}

export class Pace {
  #weight = FIRST_WEIGHT;

  /** For the next transaction. */
  get weight(): number {
    return this.#weight;
  }

  /** A transaction of that weight took so many milliseconds, its commit included. */
  took(ms: number, weight: number): void {
    const fitting = (weight * AIM_MS) / Math.max(ms, 0.1);
    this.#weight = Math.min(MAX_WEIGHT, Math.max(MIN_WEIGHT, Math.min(fitting, this.#weight * MAX_GROWTH)));
  }
}
