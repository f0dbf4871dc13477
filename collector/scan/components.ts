// From the components of an SBOM to a subject: packages of each release that is named, libraries, and what could not be read. Pure.
import { HOW_TO_NAME_THE_OS, scanInvalid } from './invalid.ts';
import { type Component, componentOf, type SaidSource } from './purl.ts';
import { type Library, merged, type SystemPackage, softwareOfLibraries, softwareOfPackages } from './software.ts';
import type { ScanKind, ScannedOs, ScanSubject } from './subject.ts';

/** More is no SBOM of one thing. */
export const MAX_COMPONENTS = 100_000;

export interface SbomComponent extends SaidSource {
  readonly label: string;
  /** Null: it has none. */
  readonly purl: string | null;
}

export interface SbomContent {
  readonly kind: ScanKind;
  readonly file: string;
  /** The system that the SBOM says it is of. */
  readonly os: ScannedOs | null;
  readonly components: readonly SbomComponent[];
}

/** `os`: what somebody says it is of; counts before what the SBOM says. Throws SCAN_INVALID. */
export function subjectOfSbom({ kind, file, os: own, components }: SbomContent, given: ScannedOs | null): ScanSubject {
  const unread: { name: string; reason: string }[] = [];
  const libraries: Library[] = [];
  const byOs = new Map<string, { readonly os: ScannedOs; readonly packages: SystemPackage[] }>();
  let withoutOs = 0;
  let withoutSource = 0;

  for (const { label, purl, ...said } of components) {
    const found: Component =
      purl === null ? { what: 'unread', reason: 'it has no package URL' } : componentOf(purl, said);
    if (found.what === 'unread') unread.push({ name: label, reason: found.reason });
    else if (found.what === 'library') libraries.push(found.library);
    else {
      const os = given ?? own ?? found.os;
      // What its own URL names counts where the whole is of several systems or says none.
      const meant = given ?? found.os ?? os;
      if (meant === null) withoutOs += 1;
      else {
        const key = JSON.stringify([meant.id, meant.version]);
        const group = byOs.get(key) ?? { os: meant, packages: [] };
        byOs.set(key, group);
        group.packages.push(found.package);
        if (!found.sourceKnown) withoutSource += 1;
      }
    }
  }
  if (withoutOs > 0) {
    throw scanInvalid(
      `${file} has ${withoutOs} packages of a distribution, but does not say of which release`,
      HOW_TO_NAME_THE_OS,
    );
  }
  const groups = [...byOs.values()];
  const installed = merged([
    ...groups.flatMap(({ os, packages }) => softwareOfPackages(os, packages)),
    ...softwareOfLibraries(libraries),
  ]);
  if (installed.length === 0) {
    throw scanInvalid(
      components.length === 0
        ? `${file} lists no components: nothing can be said about what it is of`
        : `${file} lists ${components.length} component${components.length === 1 ? ', which is no package' : 's, and none of them is a package'} that could be looked up (${unread[0]?.name}: ${unread[0]?.reason})`,
      'make the SBOM anew with package URLs',
    );
  }

  return {
    ...{ kind, installed, unread, epochsUnknown: false, kernelKnown: false },
    os: given ?? (groups.length === 1 ? (groups[0]?.os ?? null) : own),
    packages: libraries.length + groups.reduce((sum, { packages }) => sum + packages.length, 0),
    notes: [
      ...(withoutSource === 0
        ? []
        : [`${withoutSource} packages do not say which source they are built from: looked up by their own names`]),
      ...(groups.length > 1
        ? [`packages of ${groups.length} releases: ${groups.map(({ os }) => os.prettyName).join(', ')}`]
        : []),
    ],
  };
}
