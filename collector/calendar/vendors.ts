// Whose releases advisories are about, and which announcements concern this fleet. Pure.

/** Release of a distribution → who announces its fixes. Registries of languages are of no vendor. */
const VENDORS: Readonly<Record<string, string>> = {
  Debian: 'Debian',
  Ubuntu: 'Ubuntu',
  RedHat: 'Red Hat',
  AlmaLinux: 'AlmaLinux',
  Rocky: 'Rocky',
  CentOS: 'CentOS',
  Oracle: 'Oracle',
  Amazon: 'Amazon',
  Fedora: 'Fedora',
  Alpine: 'Alpine',
  SUSE: 'SUSE',
  openSUSE: 'SUSE',
};

/** Release of a distribution → its name at endoflife.date. */
const PRODUCTS: Readonly<Record<string, string>> = {
  Debian: 'debian',
  Ubuntu: 'ubuntu',
  RedHat: 'rhel',
  AlmaLinux: 'almalinux',
  Rocky: 'rocky-linux',
  CentOS: 'centos',
  Oracle: 'oracle-linux',
  Amazon: 'amazon-linux',
  Fedora: 'fedora',
  Alpine: 'alpine-linux',
  SUSE: 'sles',
  openSUSE: 'opensuse',
};

/** `Debian:12` → debian, 12; null for what has no releases. */
export function cycleOf(ecosystem: string): { readonly product: string; readonly cycle: string } | null {
  const [name = '', cycle] = ecosystem.split(':', 2);
  const product = PRODUCTS[name];

  return product === undefined || cycle === undefined ? null : { product, cycle };
}

export function vendorOf(ecosystem: string): string | null {
  return VENDORS[ecosystem.split(':', 1)[0] ?? ''] ?? null;
}

/** What is installed somewhere in this fleet, for finding what announcements are about. */
export interface Found {
  readonly ecosystems: ReadonlySet<string>;
  /** Names of packages and of their sources, in lower case. */
  readonly names: ReadonlySet<string>;
  /** Repositories of vendors, in lower case. */
  readonly origins: ReadonlySet<string>;
}

/**
 * True when the fleet has what it is about: the product is a release or a package that is installed, or the vendor (no product named)
 * serves a release or a repository of it.
 */
export function concerns({ vendor, product }: { vendor: string; product: string | null }, found: Found): boolean {
  if (product !== null) {
    const name = plain(product);

    return (
      found.ecosystems.has(product) ||
      isNamed(name, found) ||
      [...found.origins].some((origin) => plain(origin).includes(name))
    );
  }
  const name = plain(vendor);
  const vendors = [...found.ecosystems].map((each) => plain(vendorOf(each) ?? ''));

  return (
    vendors.includes(name) || isNamed(name, found) || [...found.origins].some((origin) => plain(origin).includes(name))
  );
}

/** `google-chrome-stable` is Google Chrome too. */
function isNamed(name: string, { names }: Found): boolean {
  if (names.has(name)) return true;
  for (const each of names) if (each.startsWith(`${name}-`)) return true;

  return false;
}

/** `Google Chrome` and `google-chrome` are one. */
function plain(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
}
