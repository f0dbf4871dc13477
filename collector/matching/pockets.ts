// Where a fix is served: to everybody, or only to who pays for it or switched it on. A fix that is not for everybody never makes a
// finding vanish on a machine that does not have it.

/** How a version shows that it came from such a pocket. */
const MARKS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:ros-)?esm/, /[+~.]esm\d/i],
  [/^fips/, /fips/i],
];

/** Pockets whose fixes reach everybody, though perhaps later. */
const FOR_EVERYBODY = new Set(['security', 'updates', 'point-release', 'proposed']);

export function isRestricted(pocket: string | undefined): pocket is string {
  return pocket !== undefined && !FOR_EVERYBODY.has(pocket);
}

/** Whether this installed version was built in that pocket. */
export function carriesMark(version: string, pocket: string): boolean {
  return MARKS.some(([name, mark]) => name.test(pocket) && mark.test(version));
}

/** ESM continues the release itself; other pockets are builds of their own and say nothing of the ordinary one. */
export function continuesRelease(pocket: string): boolean {
  return /^(?:ros-)?esm/.test(pocket);
}
