// The tree that decides, and looking up a row in it. Which one it is, is one line here; the rows lie in trees/.
import { EXPLOITATION, EXPOSURES, HUMAN_IMPACTS } from './decision.ts';
import { DEPLOYER_2_1 } from './trees/deployer-2.1.ts';
import { AUTOMATABLE, type Tree, type TreeRow } from './trees/shape.ts';

/** From the mildest to the worst, as each point names its values. */
export const POINT_VALUES = {
  exploitation: EXPLOITATION,
  exposure: EXPOSURES,
  automatable: AUTOMATABLE,
  impact: HUMAN_IMPACTS,
} as const;

/** The tree that decides. */
export const TREE: Tree = DEPLOYER_2_1;

type Path = [exploitation: TreeRow[0], exposure: TreeRow[1], automatable: TreeRow[2], impact: TreeRow[3]];

/** Null where a row is missing, which a test rules out. */
export function createLookup({ rows }: Tree): (...inputs: Path) => TreeRow[4] | null {
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
