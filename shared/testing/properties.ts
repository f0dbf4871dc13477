// The one door to fast-check: properties are held against the same draws each time, so that a rare counterexample turns up when
// somebody looks for it, and not in the run that a change has to pass. It asserts nothing itself.
// Other draws: SELVAGE_PROPERTY_SEED=random, or the seed that a failure names.
import * as fc from 'fast-check';

const SEED = 20261124;

/** The seed of all properties of this process; undefined: another one each time. Throws on a text that is no number. */
export function propertySeed(asked: string | undefined): number | undefined {
  if (asked === undefined || asked === '') return SEED;
  if (asked === 'random') return undefined;
  if (!/^-?\d+$/.test(asked)) throw new RangeError(`SELVAGE_PROPERTY_SEED is ${asked}, not a number or random`);

  return Number(asked);
}

const seed = propertySeed(process.env.SELVAGE_PROPERTY_SEED);
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

export { fc };
