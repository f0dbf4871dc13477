// The tree is what CERT/CC published, has a row for every path, and never gets milder where something gets worse.
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { DECISIONS } from './decision.ts';
import { createLookup, POINT_VALUES, pathOf, TREE } from './tree.ts';

const { exploitation, exposure, automatable, impact } = POINT_VALUES;
const lookup = createLookup(TREE);
/** Bigger is worse. */
const weight = (decision: string | null) => -DECISIONS.indexOf(decision as (typeof DECISIONS)[number]);
const paths = fc.tuple(
  fc.nat(exploitation.length - 1),
  fc.nat(exposure.length - 1),
  fc.nat(automatable.length - 1),
  fc.nat(impact.length - 1),
);
type Path = readonly [number, number, number, number];
const at = ([a, b, c, d]: Path) =>
  lookup(exploitation[a] ?? 'none', exposure[b] ?? 'small', automatable[c] ?? 'no', impact[d] ?? 'low');

describe('when the deployer tree is looked at', () => {
  it('has each of the 72 paths once', () => {
    const all = exploitation.flatMap((one) =>
      exposure.flatMap((two) => automatable.flatMap((three) => impact.map((four) => pathOf(one, two, three, four)))),
    );

    expect(all).toHaveLength(72);
    expect(TREE.rows.map(([one, two, three, four]) => pathOf(one, two, three, four)).toSorted()).toEqual(
      all.toSorted(),
    );
  });

  it('is the one that CERT/CC published as SSVC 2.1 and as ssvc:DT_DP:1.0.0', () => {
    expect([TREE.name, TREE.version, TREE.definition]).toEqual(['deployer', '2.1', 'ssvc:DT_DP:1.0.0']);
    expect(
      Object.fromEntries(DECISIONS.map((word) => [word, TREE.rows.filter((row) => row[4] === word).length])),
    ).toEqual({
      ...{ immediate: 3, 'out-of-cycle': 20, scheduled: 42, defer: 7, unknown: 0 },
    });
    // Of the published rows: whoever changes one makes another version of the tree.
    expect(sha256(canonicalJson(TREE.rows))).toBe('74e79da795ff530165275dd7a13dbc1878c8ada87228fab6e985697f70fbc1e1');
  });

  it('never gets milder where one thing is worse', () => {
    fc.assert(
      fc.property(paths, fc.nat(3), (path, point) => {
        const worse = path.map((value, index) => (index === point ? value + 1 : value)) as unknown as Path;
        const limits = [exploitation, exposure, automatable, impact].map((values) => values.length);
        fc.pre((worse[point] ?? 0) < (limits[point] ?? 0));

        expect(weight(at(worse))).toBeGreaterThanOrEqual(weight(at(path)));
      }),
      { numRuns: 500 },
    );
  });

  it('has no row for what is no path', () => {
    expect(createLookup({ ...TREE, rows: TREE.rows.slice(1) })('none', 'small', 'no', 'low')).toBeNull();
  });
});
