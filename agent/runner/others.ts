// The other updaters of this host as the runner needs them: who is in the way now, and the two acts of a fallback. Built by a main.
import type { TakeoverFacts } from '../updaters/takeover/state.ts';

export interface OtherUpdaters {
  /** Names of those that install by themselves and are on. Throws where that cannot be known: unknown means stop. */
  inTheWay(): Promise<readonly string[]>;
  takeover(): Promise<TakeoverFacts>;
  /** Brings a takeover or a release that was cut off to its end; does nothing otherwise. */
  finish(): Promise<void>;
  /** As `selvage-agent takeover`. Returns the names of what only a person can stop. */
  takeOver(): Promise<readonly string[]>;
  /** As `selvage-agent release`, but the runner takes over again when there is fresh policy. */
  handBack(): Promise<void>;
}

/** What a verdict needs of them. */
export interface OthersNow {
  readonly inTheWay: readonly string[];
  readonly takeover: TakeoverFacts;
}

/** A host that has no other updaters. */
export const NO_OTHERS: OtherUpdaters = {
  inTheWay: async () => [],
  takeover: async () => ({ state: 'none', since: null }),
  finish: async () => undefined,
  takeOver: async () => [],
  handBack: async () => undefined,
};
