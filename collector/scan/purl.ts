// One component of an SBOM by its package URL: a package of a distribution's release, a library, or a reason why it is neither. Pure.
import { PackageURL } from 'packageurl-js';
import { DISTRIBUTIONS, kindOf } from '../matching/ecosystem.ts';
import { streamOfLabel } from '../matching/modules.ts';
import { packageOf } from '../vex/purl.ts';
import type { Library, SystemPackage } from './software.ts';
import type { ScannedOs } from './subject.ts';

export type Component =
  | {
      readonly what: 'system';
      /** The release that the URL names; null: that of the whole. */
      readonly os: ScannedOs | null;
      readonly package: SystemPackage;
      readonly sourceKnown: boolean;
    }
  | { readonly what: 'library'; readonly library: Library }
  | { readonly what: 'unread'; readonly reason: string };

/** What other fields of a component say about where it is built from. */
export interface SaidSource {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly module?: string | undefined;
}

const MANAGERS = { deb: 'apt', rpm: 'dnf', apk: 'apk', alpm: 'pacman' } as const;
const SOURCE_RPM = /^(.+)-([^-]+)-([^-]+?)(?:[.](?:no)?src)?(?:[.]rpm)?$/;

/** No package or version is longer, in characters. */
const MAX_TEXT = 1000;

export function componentOf(purl: string, said: SaidSource = {}): Component {
  const lengths = [purl, said.name ?? '', said.version ?? '', said.module ?? ''].map(({ length }) => length);
  if (Math.max(...lengths) > MAX_TEXT) return { what: 'unread', reason: `it is longer than ${MAX_TEXT} characters` };
  const url = parsed(purl);
  if (url === null) return { what: 'unread', reason: 'its package URL is none' };
  const { type, namespace, name, version } = url;
  const qualifiers = url.qualifiers ?? {};
  const facts = packageOf(purl);
  const manager = MANAGERS[type as keyof typeof MANAGERS];
  if (manager === undefined) {
    if (facts === null) return { what: 'unread', reason: `no feed here knows packages of the type ${type}` };
    if (!version) return { what: 'unread', reason: 'it has no version' };

    return { what: 'library', library: { ecosystem: facts.ecosystem, name: facts.name, version } };
  }
  if (!version) return { what: 'unread', reason: 'it has no version' };
  const full = withEpoch(version, qualifiers.epoch);
  const source = sourceOf(type, { name, version: full }, qualifiers, said);
  const os = facts === null ? strangeOs(namespace, qualifiers.distro) : osOf(facts.ecosystem);

  return {
    what: 'system',
    os,
    package: {
      ...{ manager, name, version: full, arch: qualifiers.arch ?? 'unknown' },
      ...{ source: source?.name ?? name, sourceVersion: source?.version ?? full },
      module: streamIn(said.module, qualifiers.rpmmod, qualifiers.modularitylabel),
    },
    sourceKnown: source !== null || type === 'rpm',
  };
}

function parsed(purl: string): PackageURL | null {
  try {
    return PackageURL.fromString(purl);
  } catch {
    // Whoever asked says that it is none.
    return null;
  }
}

/** Of the labels that there may be, in other fields or as a qualifier, the first that is one. */
function streamIn(...labels: readonly (string | undefined)[]): string | null {
  return labels.map(streamOfLabel).find((stream) => stream !== null) ?? null;
}

function withEpoch(version: string, epoch: string | undefined): string {
  return epoch === undefined || !/^[1-9]\d{0,8}$/.test(epoch) || /^\d+:/.test(version)
    ? version
    : `${epoch}:${version}`;
}

/** Syft: `upstream=glibc%402.36-9` (of an rpm the file of the source); scalibr: `source`, `sourceversion`, `origin`, `sourcerpm`. */
function sourceOf(
  type: string,
  binary: { readonly name: string; readonly version: string },
  qualifiers: Readonly<Record<string, string | undefined>>,
  said: SaidSource,
): { readonly name: string; readonly version: string } | null {
  if (said.name) return { name: said.name, version: said.version || binary.version };
  const upstream = qualifiers.upstream ?? qualifiers.source ?? qualifiers.origin ?? qualifiers.sourcerpm;
  if (upstream === undefined || upstream === '') return qualifiers.arch === 'source' ? binary : null;
  if (type === 'rpm') {
    const [, name, version, release] = SOURCE_RPM.exec(upstream) ?? [];
    const epoch = /^(\d+:)/.exec(binary.version)?.[1] ?? '';

    return name === undefined
      ? { name: upstream, version: binary.version }
      : { name, version: `${epoch}${version}-${release}` };
  }
  const at = upstream.indexOf('@');
  if (at === 0 || at === upstream.length - 1) return null;

  return at < 0
    ? { name: upstream, version: qualifiers.sourceversion || binary.version }
    : { name: upstream.slice(0, at), version: upstream.slice(at + 1) };
}

/** `Debian:12` → its ID and version; null for a distribution without its release. */
function osOf(ecosystem: string): ScannedOs | null {
  const [name = '', ...rest] = ecosystem.split(':');
  const distribution = DISTRIBUTIONS.find((one) => one.name === name);
  const version = rest.join(':');
  if (distribution === undefined || kindOf(ecosystem) === 'language') return null;
  if (version === '' && distribution.release !== 'none') return null;

  return { id: distribution.osId, version, prettyName: ecosystem.replace(':', ' ') };
}

/** A distribution that nobody here knows keeps its name: its packages are unknown under it, not under another's. */
function strangeOs(namespace: string | null | undefined, distro: string | undefined): ScannedOs | null {
  if (!namespace) return null;
  if (DISTRIBUTIONS.some((one) => one.osId === namespace.toLowerCase())) return null;
  const version = distro?.replace(/^[a-z_]+-/i, '') ?? '';

  return { id: namespace.toLowerCase(), version, prettyName: `${namespace} ${version}`.trim() };
}
