// What a bundle gives to a package.
import type { Entry } from './tree.ts';

export interface Bundle {
  readonly entries: readonly Entry[];
  /** Paths below the checkout of what went into it; its npm packages are known by them. */
  readonly inputs: readonly string[];
}
