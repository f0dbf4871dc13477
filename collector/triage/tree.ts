// A decision tree as a table, and looking up a row in it. Which tree decides is one line here; its rows lie in trees/.
import {
  type DecisionWord,
  EXPLOITATION,
  EXPOSURES,
  type Exploitation,
  type Exposure,
  HUMAN_IMPACTS,
  type HumanImpact,
} from './decision.ts';
import { DEPLOYER_2_1 } from './trees/deployer-2.1.ts';

export const AUTOMATABLE = ['no', 'yes'] as const;
export type Automatable = (typeof AUTOMATABLE)[number];

/** From the mildest to the worst, as each point names its values. */
export const POINT_VALUES = {
  exploitation: EXPLOITATION,
  exposure: EXPOSURES,
  automatable: AUTOMATABLE,
  impact: HUMAN_IMPACTS,
} as const;

export type TreeRow = readonly [Exploitation, Exposure, Automatable, HumanImpact, Exclude<DecisionWord, 'unknown'>];

export interface Tree {
  readonly name: string;
  readonly version: string;
  /** How its publisher names the same table. */
  readonly definition: string;
  readonly rows: readonly TreeRow[];
}

/** The tree that decides. */
export const TREE: Tree = DEPLOYER_2_1;

/** Throws nothing for a complete tree; null where a row is missing, which a test rules out. */
export function createLookup({
  rows,
}: Tree): (...inputs: [Exploitation, Exposure, Automatable, HumanImpact]) => TreeRow[4] | null {
  const byPath = new Map(
    rows.map(([exploitation, exposure, automatable, impact, decision]) => [
      pathOf(exploitation, exposure, automatable, impact),
      decision,
    ]),
  );

  return (...inputs) => byPath.get(pathOf(...inputs)) ?? null;
}

/** `active / open / yes / medium`. */
export function pathOf(...inputs: readonly [string, string, string, string]): string {
  return inputs.join(' / ');
}
