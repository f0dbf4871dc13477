// Which release of Debian a codename is. Data only. Unstable (sid) has no number and no advisories of its own: no row.
// PROVENANCE: distro-info-data 0.58+deb12u7 (debian.csv, ISC).

export const DEBIAN_RELEASES: ReadonlyMap<string, string> = new Map([
  ['squeeze', '6'],
  ['wheezy', '7'],
  ['jessie', '8'],
  ['stretch', '9'],
  ['buster', '10'],
  ['bullseye', '11'],
  ['bookworm', '12'],
  ['trixie', '13'],
  ['forky', '14'],
  ['duke', '15'],
]);

/** Known to the tracker, but no release that a host could be matched by. */
export const NO_RELEASE: readonly string[] = ['sid', 'experimental', 'upstream'];
