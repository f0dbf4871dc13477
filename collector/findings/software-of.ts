// From the sections of an inventory to software as advisories speak of it, with the binary packages of each. Pure. Whether a machine has
// an agent or is known from a file makes no difference. What cannot be told apart is never left out.
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InstalledPackage, ProviderName } from '@selvage/shared/model/package.ts';
import { ecosystemOf, normaliseName } from '../matching/ecosystem.ts';
import { advisedSource } from '../matching/kernel.ts';
import { streamOfLabel } from '../matching/modules.ts';
import { type Ecosystem, type Software, softwareKey } from '../matching/software.ts';
import type { Binary } from '../store/software-ports.ts';
import { type Kernels, kernelsOf } from './kernels.ts';

export interface Installed {
  readonly software: Software;
  /** Sorted by name. */
  readonly binaries: readonly Binary[];
}

/** Of a machine; null: not known. */
export interface SoftwareSections {
  readonly os: Section<'os'>;
  readonly packages: Section<'packages'>;
  readonly kernel: Section<'kernel'> | null;
  readonly languagePackages: Section<'languagePackages'> | null;
  readonly agent: Section<'agent'> | null;
}

/** In these states of dpkg no code of the package is on the machine. */
const ABSENT: readonly string[] = ['not-installed', 'config-files'];

/** How a package manager orders versions, for distributions that no advisory speaks of: `deb:raspbian:12`. */
const TYPES: Readonly<Record<ProviderName, string>> = { apt: 'deb', dnf: 'rpm', zypper: 'rpm', pacman: 'pacman' };

/** What agents call registries → what advisories do. */
const REGISTRIES: ReadonlyMap<string, Ecosystem> = new Map(
  Object.entries({
    ...{ npm: 'npm', pypi: 'PyPI', go: 'Go', golang: 'Go', cargo: 'crates.io', 'crates.io': 'crates.io' },
    ...{ gem: 'RubyGems', rubygems: 'RubyGems', maven: 'Maven', nuget: 'NuGet', composer: 'Packagist' },
  }),
);

const EPOCH = /^\d+:/;

/** pkg:npm/%40scope/name@1.2.3 and pkg:generic/node@26.0.0, as agents write them. */
const PURL = /^pkg:([a-z]+)\/([^?#]+)@([^@?#]+)/;

/** Steps, so that a machine with tens of thousands of packages is worked out in turns. Each piece of software once. */
export function* softwareSteps(sections: SoftwareSections): Generator<void, readonly Installed[]> {
  const found = new Map<string, { readonly software: Software; readonly binaries: Map<string, string> }>();
  const add = (software: Software, binaries: readonly Binary[]) => {
    const key = softwareKey(software);
    const known = found.get(key) ?? { software, binaries: new Map() };
    for (const [name, version] of binaries) known.binaries.set(name, version);
    found.set(key, known);
  };

  const kernels = kernelsOf(sections.os, sections.kernel);
  for (const one of sections.packages) {
    if (!ABSENT.includes(one.state)) add(softwareOfPackage(one, sections.os, kernels), [[one.name, one.version]]);
    yield;
  }
  const { booted } = kernels;
  if (booted !== null && ![...found.values()].some(({ software }) => software.kernel === 'running')) {
    const [provider] = sections.packages;
    const ecosystem = ecosystemFor(sections.os, provider?.provider ?? 'apt');
    add({ ecosystem, ...booted, source: booted.name, module: null, kernel: 'running', origin: null }, []);
  }
  for (const one of sections.languagePackages ?? []) {
    const ecosystem = REGISTRIES.get(one.ecosystem.toLowerCase()) ?? one.ecosystem;
    const name = normaliseName(ecosystem, one.name);
    add(plain(ecosystem, name, one.version), [[name, one.version]]);
    yield;
  }
  for (const component of sections.agent?.components ?? []) {
    const software = softwareOfComponent(component);
    add(software, [[software.name, software.version]]);
    yield;
  }

  return [...found.values()].map(({ software, binaries }) => ({
    software,
    binaries: [...binaries].sort(([a], [b]) => (a < b ? -1 : 1)),
  }));
}

/** The release whose advisories apply; where no list knows the distribution, a name of its own under which nothing is found. */
function ecosystemFor(os: Pick<Section<'os'>, 'id' | 'version'>, provider: ProviderName): Ecosystem {
  let release = releases.get(os);
  if (release === undefined) {
    release = { advised: ecosystemOf(os.id, os.version) };
    releases.set(os, release);
  }

  return release.advised ?? `${TYPES[provider]}:${os.id}:${os.version}`;
}

/** Asked for each package of a machine. */
const releases = new WeakMap<object, { readonly advised: Ecosystem | null }>();

/** The source that advisories speak of: kernels are signed in a source of their own. */
export function sourceOf(
  os: Pick<Section<'os'>, 'id' | 'version'>,
  { provider, source, sourceVersion }: Pick<InstalledPackage, 'provider' | 'source' | 'sourceVersion'>,
): { readonly name: string; readonly version: string } {
  return advisedSource(ecosystemFor(os, provider), { name: source, version: sourceVersion });
}

function softwareOfPackage(one: InstalledPackage, os: Section<'os'>, kernels: Kernels): Software {
  const ecosystem = ecosystemFor(os, one.provider);
  const source = sourceOf(os, one);
  const kernel = kernels.of(one);
  // Version and context of a module are those of a build, and decide nothing: hosts with the same stream share one.
  const module = streamOfLabel(one.module);
  const common = { ecosystem, source: source.name, module, kernel, origin: originOf(one, os) };

  return one.provider === 'apt'
    ? { ...common, name: source.name, version: source.version }
    : { ...common, name: one.name, version: one.version, ...sourceVersionOf(one) };
}

/** Packages of one rpm source may have versions of their own (perl-Errno of perl); records of sources mean the source's. */
function sourceVersionOf({ version, source, sourceVersion }: InstalledPackage): Pick<Software, 'sourceVersion'> {
  const plain = sourceVersion.replace(EPOCH, '');

  return source === '' || plain === version.replace(EPOCH, '') ? {} : { sourceVersion: plain };
}

/** EPEL's packages come from Fedora; Fedora's own are the distribution's. */
function originOf({ origin }: InstalledPackage, { id }: Pick<Section<'os'>, 'id'>): string | null {
  return origin === undefined || (id === 'fedora' && origin === 'Fedora Project') ? null : origin;
}

function softwareOfComponent({ name, version, purl }: Section<'agent'>['components'][number]): Software {
  const [, type, path, said] = PURL.exec(purl ?? '') ?? [];
  if (type !== undefined && path !== undefined && said !== undefined) {
    const ecosystem = REGISTRIES.get(type) ?? type;

    return plain(ecosystem, normaliseName(ecosystem, decoded(path)), decoded(said));
  }

  return name.startsWith('npm:') ? plain('npm', name.slice('npm:'.length), version) : plain('generic', name, version);
}

function plain(ecosystem: Ecosystem, name: string, version: string): Software {
  return { ecosystem, name, version, source: name, module: null, kernel: null, origin: null };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // What is no percent code is meant as it stands.
    return text;
  }
}
