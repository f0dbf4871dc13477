// Where a fix is served: to everybody, or only to who pays for it or switched it on. A fix that is not for everybody never makes a
// finding vanish on a machine that does not have it.

import type { Software } from './software.ts';

/** How a version, or the name of a source, shows that it came from such a pocket. Its kernels (linux-aws-fips, linux-realtime) say it in their names alone. */
const MARKS: readonly { readonly pocket: RegExp; readonly version: RegExp | null; readonly source: RegExp | null }[] = [
  { pocket: /^(?:ros-)?esm/, version: /[+~.]esm\d/i, source: null },
  { pocket: /^fips/, version: /fips/i, source: /^linux-(?:[a-z0-9.-]+-)?fips(?:-|$)/ },
  { pocket: /^sig-cloud$/, version: /\.el\d+(?:_\d+)?\.cloud(?:\.|$)/, source: null },
  { pocket: /^realtime/, version: null, source: /^linux-(?:[a-z0-9.-]+-)?realtime(?:-|$)/ },
];

/** Pockets whose fixes reach everybody, though perhaps later. */
const FOR_EVERYBODY = new Set(['security', 'updates', 'point-release', 'proposed']);

export function isRestricted(pocket: string | undefined): pocket is string {
  return pocket !== undefined && !FOR_EVERYBODY.has(pocket);
}

/** Whether what is installed was built in that pocket. */
export function carriesMark({ version, source }: Pick<Software, 'version' | 'source'>, pocket: string): boolean {
  return MARKS.some(
    (mark) => mark.pocket.test(pocket) && (mark.version?.test(version) === true || mark.source?.test(source) === true),
  );
}

/** `.el9_2`, `.module+el8.6.0`: the minor release whose branch a build of the RHEL family is from. */
const BRANCH = /\.(?:el|module\+el)(\d+)[_.](\d+)(?![0-9])/;

/**
 * Both are builds for the same minor release: extended support (EUS and its like) goes on where that was left, so that the later of
 * them has what the earlier one mended. The ordinary stream has a higher number for the same fix.
 */
export function isOfSameBranch(version: string, other: string): boolean {
  const [, major, minor] = BRANCH.exec(version) ?? [];
  const [, otherMajor, otherMinor] = BRANCH.exec(other) ?? [];

  return major !== undefined && major === otherMajor && minor === otherMinor;
}

/** Extended support of a minor release of RHEL, the last one included: `eus-9.2`, `e4s-8.6`, `els-7`, `rhel_eus`. */
export function extendsMinorRelease(pocket: string): boolean {
  return /^(?:rhel_)?(?:eus|aus|tus|e4s|els)(?:[-_]|$)/.test(pocket);
}

/** ESM and ELS continue the release itself; other pockets are builds of their own and say nothing of the ordinary one. */
export function continuesRelease(pocket: string): boolean {
  return /^(?:(?:ros-)?esm|(?:rhel_)?els(?:[-_]|$))/.test(pocket);
}
