// How often a host or an admin may have a certificate renewed: each renewal is a signature and an entry in the ledger.
import type { Clock } from '@selvage/shared/time/clock.ts';
import { RENEWAL_BURST, RENEWAL_EVERY_MS } from './limits.ts';

/** How many renewals each host or admin may still ask for. In memory: a restart gives each a few more, no more. */
export class Renewals {
  readonly #clock: Clock;
  /** Monotonic milliseconds at which a host will have its whole allowance again; absent: it has it. */
  readonly #fullAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0 and one less; or the milliseconds to wait. */
  take(who: string): number {
    const now = this.#clock.monotonic();
    for (const [each, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(each);
    const fullAt = Math.max(now, this.#fullAt.get(who) ?? now) + RENEWAL_EVERY_MS;
    const wait = fullAt - now - RENEWAL_BURST * RENEWAL_EVERY_MS;
    if (wait > 0) return wait;
    this.#fullAt.set(who, fullAt);

    return 0;
  }
}
