// Decorrelated jitter: the next delay depends on the last one and on luck, so that a fleet does not return in step. Pure.

export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Next delay in milliseconds, between base and min(cap, 3 x previous); `previousMs` is 0 before the first failure. */
export function nextDelay(previousMs: number, { baseMs, capMs, random }: BackoffOptions): number {
  const ceiling = Math.min(capMs, Math.max(baseMs, previousMs * 3));

  return Math.min(capMs, baseMs + random() * (ceiling - baseMs));
}
