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
}

const kept = new WeakMap<object, Map<Sha256, unknown>>();

export function derivedOf<N extends SectionName, T>(derivation: Derivation<N, T>): Derived<T> {
  const before = (kept.get(derivation) ?? new Map()) as Map<Sha256, T>;
  const seen = new Map<Sha256, T>();

  return {
    has: (sha256) => seen.has(sha256) || before.has(sha256),
    get: (sha256) => (seen.has(sha256) ? seen.get(sha256) : before.get(sha256)),
    set: (sha256, value) => void seen.set(sha256, value),
    forgetTheRest: () => void kept.set(derivation, seen),
  };
}
