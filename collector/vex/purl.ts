// Package URLs, as VEX and scanners write them, against the software of this store. Pure. INVARIANT: a package URL that says less
// than the release is no word about every release of another distribution.
import { PackageURL } from 'packageurl-js';
import { DISTRIBUTIONS, ecosystemOf, kindOf, normaliseEcosystem, normaliseName } from '../matching/ecosystem.ts';
import { isModular, streamOfLabel } from '../matching/modules.ts';
import type { Software } from '../matching/software.ts';

export interface PackageFacts {
  /** With its release where that is said (`Debian:12`), else the distribution alone (`Debian`), or a registry (`PyPI`). */
  readonly ecosystem: string;
  readonly name: string;
  /** Null: every version. */
  readonly version: string | null;
  /**
   * Only of this module stream of an rpm; null: only of builds outside of modules; empty: of one that is not understood, which no
   * software is of. Left out: of all.
   */
  readonly module?: string | null;
}

/** Types of package URLs of registries → OSV's name. */
const REGISTRY_TYPES: Readonly<Record<string, string>> = {
  pypi: 'PyPI',
  npm: 'npm',
  golang: 'Go',
  cargo: 'crates.io',
  maven: 'Maven',
  gem: 'RubyGems',
  nuget: 'NuGet',
  composer: 'Packagist',
  hex: 'Hex',
  pub: 'Pub',
};
const SYSTEM_TYPES: readonly string[] = ['deb', 'rpm', 'apk', 'alpm'];
/** Namespaces that are not the ID of os-release(5). */
const NAMESPACES: Readonly<Record<string, string>> = {
  redhat: 'rhel',
  alma: 'almalinux',
  rockylinux: 'rocky',
  oracle: 'ol',
  oraclelinux: 'ol',
  amazon: 'amzn',
  suse: 'sles',
  opensuse: 'opensuse-leap',
  alpinelinux: 'alpine',
  archlinux: 'arch',
};
const CODENAMES: Readonly<Record<string, string>> = {
  ...{ buster: 'Debian:10', bullseye: 'Debian:11', bookworm: 'Debian:12', trixie: 'Debian:13', forky: 'Debian:14' },
  ...{ trusty: 'Ubuntu:14.04', xenial: 'Ubuntu:16.04', bionic: 'Ubuntu:18.04', focal: 'Ubuntu:20.04' },
  ...{ jammy: 'Ubuntu:22.04', noble: 'Ubuntu:24.04' },
};

/** What rpm writes for a label that a package does not have, and whoever copies it. */
const NO_LABEL = '(none)';

/** What a package URL names; null for one that is none, or of a kind that no feed here knows. */
export function packageOf(purl: string): PackageFacts | null {
  const url = parse(purl);
  if (url === null) return null;
  const { type, namespace, name, version, qualifiers } = url;
  const registry = said(REGISTRY_TYPES, type);
  if (registry !== undefined) {
    const separator = registry === 'Maven' ? ':' : '/';
    const full = namespace ? `${namespace}${separator}${name}` : name;

    return { ecosystem: registry, name: normaliseName(registry, full), version: version ?? null };
  }
  const ecosystem = SYSTEM_TYPES.includes(type) ? releaseOf(namespace ?? '', qualifiers?.distro) : null;
  if (ecosystem === null) return null;
  // Of a binary package: the source that it is built from, with its version where that is another.
  const upstream = type === 'rpm' ? undefined : qualifiers?.upstream;
  if (upstream !== undefined) {
    const at = upstream.lastIndexOf('@');

    return {
      ...{ ecosystem, name: at > 0 ? upstream.slice(0, at) : upstream },
      version: at > 0 ? upstream.slice(at + 1) : (version ?? null),
    };
  }
  const epoch = qualifiers?.epoch;
  const full = version && epoch !== undefined && !version.includes(':') ? `${epoch}:${version}` : version;

  const label = type === 'rpm' ? qualifiers?.rpmmod : undefined;

  return {
    ...{ ecosystem, name, version: full ?? null },
    ...(label === undefined ? {} : { module: label === NO_LABEL ? null : (streamOfLabel(label) ?? '') }),
  };
}

/** Whether the package is about the software; names of sources and of the software itself both do. */
export function isAbout({ ecosystem, name, version, module }: PackageFacts, software: Software): boolean {
  const [distribution] = software.ecosystem.split(':', 1);
  if (ecosystem !== software.ecosystem && ecosystem !== distribution) return false;
  const wanted = normaliseName(software.ecosystem, name);
  if (wanted !== software.name && wanted !== software.source) return false;
  if (module === null ? isModular(software) : module !== undefined && module !== software.module) return false;

  return version === null || plain(version) === plain(software.version);
}

/** The package URL of software, always the same text for the same. */
export function purlOf({ ecosystem, name, version }: Software): string {
  const [distribution = '', release] = ecosystem.split(':', 2);
  const registry = Object.entries(REGISTRY_TYPES).find(([, known]) => known === distribution)?.[0];
  if (registry !== undefined) {
    const at = name.lastIndexOf(registry === 'maven' ? ':' : '/');

    return text(registry, at < 0 ? undefined : name.slice(0, at), name.slice(at + 1), version);
  }
  const kind = kindOf(ecosystem);
  const type = kind === 'pacman' ? 'alpm' : kind === null || kind === 'language' ? 'generic' : kind;
  const id = DISTRIBUTIONS.find((one) => one.name === distribution)?.osId ?? distribution.toLowerCase();
  const namespace = Object.entries(NAMESPACES).find(([, osId]) => osId === id)?.[0] ?? id;
  const own = id === 'rhel' || id === 'sles' || id === 'opensuse-leap' ? namespace : id;
  const distro: Record<string, string> = release === undefined ? {} : { distro: `${id}-${release}` };

  return text(type, own, name, version, { ...(type === 'deb' ? { arch: 'source' } : {}), ...distro });
}

function text(
  type: string,
  namespace: string | undefined,
  name: string,
  version: string,
  qualifiers?: Record<string, string>,
): string {
  return new PackageURL(type, namespace, name, version, qualifiers, undefined).toString();
}

/** An epoch of 0 is none. */
function plain(version: string): string {
  return version.replace(/^0:/, '');
}

/** `debian-12`, `bookworm`, `12`, `redhat-9.2`, `alpine-3.18.4`: the release, else the distribution alone. */
function releaseOf(namespace: string, distro: string | undefined): string | null {
  const id = said(NAMESPACES, namespace.toLowerCase()) ?? namespace.toLowerCase();
  const distribution = DISTRIBUTIONS.find((one) => one.osId === id);
  if (distribution === undefined) return null;
  if (distro === undefined) return distribution.name;
  const codename = said(CODENAMES, distro.toLowerCase());
  if (codename?.startsWith(`${distribution.name}:`)) return codename;
  const release = /^[a-z_-]*(\d[\d.]*)$/i.exec(distro)?.[1];

  // A release that is not understood is not every release.
  return release === undefined ? null : ecosystemOf(id, release);
}

function parse(purl: string): PackageURL | null {
  try {
    return PackageURL.fromString(purl);
  } catch {
    // Not a package URL: whoever asked says so.
    return null;
  }
}

/** Ecosystem of a platform's CPE, such as `cpe:/o:redhat:enterprise_linux:9`; null for others. */
export function ecosystemOfCpe(cpe: string): string | null {
  const words = cpe.replace(/^cpe:(2\.3:|\/)/, '').split(':');
  const [, vendor = '', product = '', version = ''] = words;
  if (vendor === 'redhat') return normaliseEcosystem(`Red Hat:${product}:${version}`)?.ecosystem ?? null;
  const id = { debian: 'debian', canonical: 'ubuntu', almalinux: 'almalinux', rocky: 'rocky', suse: 'sles' }[vendor];

  return id === undefined ? null : ecosystemOf(id, version);
}

/** Whoever writes a package URL may call anything `constructor`, which every object has. */
function said(table: Readonly<Record<string, string>>, word: string): string | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
