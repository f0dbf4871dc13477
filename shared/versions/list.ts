// Which ecosystem orders its versions how: a visible list. Pure. What is not in it is unknown, and is never guessed.
import { compareApkVersions } from './apk.ts';
import { compareDebVersions, debProblem } from './deb.ts';
import { comparePacmanVersions } from './pacman.ts';
import { comparePythonVersions } from './pep440.ts';
import { compareRpmVersions } from './rpm.ts';
import type { VersionScheme } from './scheme.ts';
import { compareSemver, semverProblem } from './semver.ts';

const ANY = () => null;

export const SCHEMES = {
  deb: { name: 'deb', order: compareDebVersions, problem: debProblem },
  rpm: { name: 'rpm', order: compareRpmVersions, problem: ANY },
  apk: { name: 'apk', order: compareApkVersions, problem: ANY },
  pacman: { name: 'pacman', order: comparePacmanVersions, problem: ANY },
  semver: { name: 'semver', order: compareSemver, problem: semverProblem },
  pep440: { name: 'pep440', order: comparePythonVersions, problem: ANY },
} as const satisfies Record<string, VersionScheme>;

/** Ecosystems by their names in advisories (without the release behind the colon), and types of package URLs. */
const ECOSYSTEMS: Readonly<Record<VersionScheme['name'], readonly string[]>> = {
  deb: ['Debian', 'Ubuntu', 'deb'],
  rpm: [
    ...['AlmaLinux', 'Rocky', 'Rocky Linux', 'RedHat', 'Red Hat', 'CentOS', 'Oracle', 'Oracle Linux', 'Fedora'],
    ...['Amazon', 'Amazon Linux', 'SUSE', 'openSUSE', 'openEuler', 'Mageia', 'rpm'],
  ],
  apk: ['Alpine', 'Wolfi', 'Chainguard', 'apk'],
  pacman: ['Arch', 'Arch Linux', 'alpm', 'pacman'],
  semver: ['npm', 'Go', 'golang', 'crates.io', 'cargo', 'Hex', 'Pub', 'SwiftURL', 'semver'],
  pep440: ['PyPI', 'pep440'],
};

const BY_NAME: ReadonlyMap<string, VersionScheme> = new Map(
  Object.values(SCHEMES).flatMap((scheme) =>
    ECOSYSTEMS[scheme.name].map((name): [string, VersionScheme] => [name.toLowerCase(), scheme]),
  ),
);

/** Every name that `schemeFor` knows, for people: one line per scheme. */
export function knownEcosystems(): readonly string[] {
  return Object.entries(ECOSYSTEMS).map(
    ([scheme, names]) => `${scheme}: ${names.filter((name) => name !== scheme).join(', ')}`,
  );
}

/** How an ecosystem (`Debian:12`, `PyPI`) or type (`deb`) orders its versions; null for one that is not in the list. */
export function schemeFor(ecosystem: string): VersionScheme | null {
  const colon = ecosystem.indexOf(':');

  return BY_NAME.get((colon < 0 ? ecosystem : ecosystem.slice(0, colon)).toLowerCase()) ?? null;
}

/** No registry or distribution has such a long one; whatever it is, it is not compared. */
export const MAX_VERSION_CHARACTERS = 1024;

/** Why this is no version of the scheme; null when it is one. Never costs more than a version of the longest allowed. */
export function versionProblem(scheme: VersionScheme, version: string): string | null {
  if (version === '') return 'it is empty';
  if (version.length > MAX_VERSION_CHARACTERS) return `it is longer than ${MAX_VERSION_CHARACTERS} characters`;
  for (let index = 0; index < version.length; index += 1) {
    // Blanks and control characters are in no version of any scheme.
    if (version.charCodeAt(index) <= 32 || version.charCodeAt(index) === 127) return 'it has blanks in it';
  }

  return scheme.problem(version);
}

export type Compare = (a: string, b: string) => number | null;

/**
 * The comparison of an ecosystem: negative, 0 or positive; null when one of the two is no version of it, which decides nothing.
 * Null instead of a comparison: nobody knows how this ecosystem orders versions.
 */
export function comparerFor(ecosystem: string): Compare | null {
  const scheme = schemeFor(ecosystem);
  if (scheme === null) return null;

  return (a, b) =>
    versionProblem(scheme, a) === null && versionProblem(scheme, b) === null ? scheme.order(a, b) : null;
}

/** As `comparerFor`, for one pair: null also where the ecosystem is unknown. */
export function compareVersions(ecosystem: string, a: string, b: string): number | null {
  return comparerFor(ecosystem)?.(a, b) ?? null;
}
