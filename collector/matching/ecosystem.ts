// One spelling for every release whose advisories apply: the same text from what a host says of itself and from what a feed writes.
// Nothing here guesses: a distribution that is not known by name gets null, and its packages are said to be unknown.
import type { Ecosystem } from './software.ts';

/** How much of VERSION_ID names the release: `12` of Debian, `22.04` of Ubuntu, `9` of `9.5`, `3.19` of `3.19.1`. */
type Release = 'major' | 'major.minor' | 'none';

interface Distribution {
  readonly osId: string;
  /** Our spelling, before the colon. */
  readonly name: string;
  readonly release: Release;
}

/** ID of os-release(5) → name. Rebuilds with versions of their own (Raspbian, Mint …) are left out on purpose. */
export const DISTRIBUTIONS: readonly Distribution[] = [
  { osId: 'debian', name: 'Debian', release: 'major' },
  { osId: 'ubuntu', name: 'Ubuntu', release: 'major.minor' },
  { osId: 'rhel', name: 'RedHat', release: 'major' },
  { osId: 'almalinux', name: 'AlmaLinux', release: 'major' },
  { osId: 'rocky', name: 'Rocky', release: 'major' },
  { osId: 'centos', name: 'CentOS', release: 'major' },
  { osId: 'ol', name: 'Oracle', release: 'major' },
  { osId: 'amzn', name: 'Amazon', release: 'major' },
  { osId: 'fedora', name: 'Fedora', release: 'major' },
  { osId: 'alpine', name: 'Alpine', release: 'major.minor' },
  { osId: 'sles', name: 'SUSE', release: 'major.minor' },
  { osId: 'opensuse-leap', name: 'openSUSE', release: 'major.minor' },
  { osId: 'arch', name: 'Arch', release: 'none' },
  { osId: 'wolfi', name: 'Wolfi', release: 'none' },
  { osId: 'chainguard', name: 'Chainguard', release: 'none' },
];

/** Registries of languages: no release. Keys are how OSV spells them. */
const REGISTRIES: readonly string[] = [
  'PyPI',
  'npm',
  'Go',
  'crates.io',
  'Maven',
  'RubyGems',
  'NuGet',
  'Packagist',
  'Hex',
  'Pub',
];

/** OSV's name of a distribution → ours, where they differ. */
const OSV_NAMES: Readonly<Record<string, string>> = { 'Rocky Linux': 'Rocky', 'Red Hat': 'RedHat' };

/** Word of Ubuntu's ecosystems of paid services that is the pocket, in lower case. */
const UBUNTU_SERVICES: readonly string[] = ['fips', 'fips-updates', 'fips-preview', 'realtime'];

/** Release that a machine's os-release names; null for one that no list here knows. */
export function ecosystemOf(osId: string, versionId: string): Ecosystem | null {
  const distribution = DISTRIBUTIONS.find((one) => one.osId === osId.trim().toLowerCase());
  if (distribution === undefined) return null;
  if (distribution.release === 'none') return distribution.name;
  const release = releaseIn(versionId, distribution.release);

  return release === null ? null : `${distribution.name}:${release}`;
}

/** What OSV and others write as ecosystem → ours, and the pocket that it names beside; null when it names no release that we know. */
export function normaliseEcosystem(text: string): { ecosystem: Ecosystem; pocket: string | null } | null {
  const [first = '', ...rest] = text.split(':');
  if (REGISTRIES.includes(first)) return { ecosystem: first, pocket: null };
  if (first === 'Ubuntu') return ubuntu(rest);
  if (first === 'Red Hat') return redHat(rest);
  const name = OSV_NAMES[first] ?? first;
  const distribution = DISTRIBUTIONS.find((one) => one.name === name);
  if (distribution === undefined) return null;
  if (distribution.release === 'none') return { ecosystem: name, pocket: null };
  const release = releaseIn(rest.join(':'), distribution.release);

  return release === null ? null : { ecosystem: `${name}:${release}`, pocket: null };
}

/**
 * `22.04:LTS`, `Pro:18.04:LTS`, `Pro:FIPS-updates:20.04:LTS`, `Pro:22.04:LTS:Realtime:Kernel` (later `Pro:Realtime:24.04:LTS`). OSV does
 * not say which half of ESM it is.
 */
function ubuntu(rest: readonly string[]): { ecosystem: Ecosystem; pocket: string | null } | null {
  const release = rest.find((word) => /^\d+\.\d+$/.test(word));
  if (release === undefined) return null;
  const ecosystem = `Ubuntu:${release}`;
  if (rest[0] !== 'Pro') return { ecosystem, pocket: null };
  const words = rest.map((word) => word.toLowerCase());

  return { ecosystem, pocket: UBUNTU_SERVICES.find((service) => words.includes(service)) ?? 'esm' };
}

/** `enterprise_linux:9::baseos`, `rhel_eus:8.4::appstream`: streams of extended support have fixes of their own. */
function redHat(rest: readonly string[]): { ecosystem: Ecosystem; pocket: string | null } | null {
  const [product = '', version = ''] = rest.length > 1 ? rest : ['enterprise_linux', rest[0]];
  const release = releaseIn(version, 'major');
  if (release === null || !/^(enterprise_linux|rhel_[a-z0-9]+)$/.test(product)) return null;

  return { ecosystem: `RedHat:${release}`, pocket: product === 'enterprise_linux' ? null : product };
}

/** `12`, `v3.19`, `9.5`, `Leap 15.6` → as much of it as names the release. */
function releaseIn(text: string, release: Release): string | null {
  const numbers = /^(?:v|Leap )?(\d{1,4})(?:\.(\d{1,4}))?(?:[.:_-].*)?$/.exec(text.trim());
  const [, major, minor] = numbers ?? [];
  if (major === undefined) return null;
  if (release === 'major') return major;

  return minor === undefined ? null : `${major}.${minor}`;
}

/** Which rules for versions and names hold; null where none do here. */
export type EcosystemKind = 'deb' | 'rpm' | 'apk' | 'pacman' | 'language';

const KINDS: Readonly<Record<string, EcosystemKind>> = {
  Debian: 'deb',
  Ubuntu: 'deb',
  RedHat: 'rpm',
  AlmaLinux: 'rpm',
  Rocky: 'rpm',
  CentOS: 'rpm',
  Oracle: 'rpm',
  Amazon: 'rpm',
  Fedora: 'rpm',
  SUSE: 'rpm',
  openSUSE: 'rpm',
  Alpine: 'apk',
  Wolfi: 'apk',
  Chainguard: 'apk',
  Arch: 'pacman',
};

export function kindOf(ecosystem: Ecosystem): EcosystemKind | null {
  const name = ecosystem.split(':', 1)[0] ?? '';

  return KINDS[name] ?? (REGISTRIES.includes(name) ? 'language' : null);
}

/**
 * The name under which a package is kept in rules and software alike. PyPI: PEP 503 (case, `-`, `_` and `.` are one). npm, Go and the
 * others: letter case matters and stays. Packages of distributions: as they are.
 */
export function normaliseName(ecosystem: Ecosystem, name: string): string {
  if (ecosystem === 'PyPI') return name.toLowerCase().replace(/[-_.]+/g, '-');
  if (ecosystem === 'NuGet' || ecosystem === 'Packagist') return name.toLowerCase();

  return name;
}
