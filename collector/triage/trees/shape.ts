// What a tree is: a table with a row for every path. Types and the values of the point that only trees know.
import type { DecisionWord, Exploitation, Exposure, HumanImpact } from '../decision.ts';

export const AUTOMATABLE = ['no', 'yes'] as const;
export type Automatable = (typeof AUTOMATABLE)[number];

export type TreeRow = readonly [Exploitation, Exposure, Automatable, HumanImpact, Exclude<DecisionWord, 'unknown'>];

export interface Tree {
  readonly name: string;
  readonly version: string;
  /** How its publisher names the same table. */
  readonly definition: string;
  readonly rows: readonly TreeRow[];
}
