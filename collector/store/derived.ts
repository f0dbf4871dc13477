// What was worked out of sections, by the hash of their content. In memory only: another start works it out again.
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { SectionName } from '@selvage/shared/model/inventory.ts';
import type { Derivation } from './ports.ts';

/** One look through a fleet: what it asks for is kept, and at its end nothing else. */
export interface Derived<T> {
  has(sha256: Sha256): boolean;
  get(sha256: Sha256): T | undefined;
  set(sha256: Sha256, value: T): void;
  /** Contents that no host has any more. */
  forgetTheRest(): void;
  /** After a look at some hosts: what was found beside what is known of the others, bounded. */
  keep(): void;
}

/** Contents that are kept where nobody looks through the whole fleet; those that were not asked for longest go first. */
const MAX_KEPT = 100_000;
const kept = new WeakMap<object, Map<Sha256, unknown>>();

export function derivedOf<N extends SectionName, T>(derivation: Derivation<N, T>): Derived<T> {
  const before = (kept.get(derivation) ?? new Map()) as Map<Sha256, T>;
  const seen = new Map<Sha256, T>();

  return {
    has: (sha256) => seen.has(sha256) || before.has(sha256),
    get: (sha256) => (seen.has(sha256) ? seen.get(sha256) : before.get(sha256)),
    set: (sha256, value) => void seen.set(sha256, value),
    forgetTheRest: () => void kept.set(derivation, seen),
    keep: () => {
      // Others may have looked meanwhile.
      const all = (kept.get(derivation) ?? new Map()) as Map<Sha256, T>;
      for (const [sha256, value] of seen) {
        all.delete(sha256);
        all.set(sha256, value);
      }
      for (const sha256 of all.keys()) {
        if (all.size <= MAX_KEPT) break;
        all.delete(sha256);
      }
      kept.set(derivation, all);
    },
  };
}
