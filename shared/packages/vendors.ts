// Whose build a package of dpkg is, where its own entry shows that it is not the distribution's: a visible list, first match wins. Pure.
// A status file does not say from which repository a package came; what is not in the list is taken for the distribution's, and counted.

interface Vendor {
  readonly name: string;
  readonly maintainer?: RegExp;
  /** Of versions: several vendors take over Debian's maintainers, and mark what they built. */
  readonly version?: RegExp;
}

const VENDORS: readonly Vendor[] = [
  { name: 'PostgreSQL', version: /\.pgdg\d/ },
  { name: 'NodeSource', maintainer: /nodesource/i, version: /nodesource/ },
  { name: 'Docker', maintainer: /@docker\.com|@containerd\.io|^Docker\b/i },
  { name: 'Google', maintainer: /@google\.com|Google (?:Cloud|Chrome|LLC|Inc)/i },
  { name: 'Kubernetes', maintainer: /^Kubernetes\b/i },
  { name: 'GitLab', maintainer: /@gitlab\.com|^GitLab\b/i },
  { name: 'HashiCorp', maintainer: /hashicorp/i },
  { name: 'Microsoft', maintainer: /@microsoft\.com|^Microsoft\b/i },
  { name: 'MySQL', maintainer: /@oracle\.com|^MySQL\b/i },
  { name: 'MariaDB', maintainer: /@mariadb\.(?:com|org)/i, version: /\+maria~/ },
  { name: 'nginx', maintainer: /@nginx\.(?:com|org)/i },
  { name: 'Grafana', maintainer: /@grafana\.com/i },
  { name: 'Elastic', maintainer: /@elastic\.co\b/i },
  { name: 'MongoDB', maintainer: /mongodb/i },
  { name: 'Percona', maintainer: /@percona\.com/i },
  { name: 'Zabbix', maintainer: /@zabbix\.com/i },
  { name: 'Proxmox', maintainer: /@proxmox\.com/i },
  { name: 'Mozilla', maintainer: /@mozilla\.(?:com|org)/i },
];

/** Of Debian and Ubuntu themselves; many of their maintainers write under addresses of their own. */
const OWN = /debian|ubuntu|canonical/i;

/** The vendor; null for the distribution's own and for whoever is not known. */
export function vendorOf(version: string, maintainer: string): string | null {
  const found = VENDORS.find(
    (one) => one.version?.test(version) || (one.maintainer?.test(maintainer) && !OWN.test(maintainer)),
  );

  return found?.name ?? null;
}

/** True where neither the list nor the maintainer's address says whose build it is. */
export function isUncertain(version: string, maintainer: string): boolean {
  return maintainer !== '' && !OWN.test(maintainer) && vendorOf(version, maintainer) === null;
}

/*
 * Package: nodejs
 * Maintainer: NodeSource Support <support@nodesource.com>
 */
/** Package → maintainer, of a status file that was read before. */
export function maintainersIn(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of text.split('\n\n')) {
    const name = /^Package:[ \t]*(\S+)/m.exec(entry)?.[1];
    const maintainer = /^Maintainer:[ \t]*(.*)$/m.exec(entry)?.[1];
    if (name !== undefined && maintainer !== undefined) found.set(name, maintainer.slice(0, 300));
  }

  return found;
}
