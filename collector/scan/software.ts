// From packages and libraries that a scan found to distinct software, by the same rules as for machines that report. Pure.
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { type Installed, softwareSteps } from '../findings/software-of.ts';
import { ecosystemOf, kindOf, normaliseName } from '../matching/ecosystem.ts';
import { type Software, softwareKey } from '../matching/software.ts';
import { HOW_TO_NAME_THE_OS, scanInvalid } from './invalid.ts';
import type { ScannedOs } from './subject.ts';

/** A package of a distribution. */
export interface SystemPackage {
  readonly manager: 'apt' | 'dnf' | 'apk' | 'pacman';
  readonly name: string;
  readonly version: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly arch?: string;
  readonly module?: string | null;
  readonly origin?: string | null;
}

/** A package of a registry, by OSV's name of it. */
export interface Library {
  readonly ecosystem: string;
  readonly name: string;
  readonly version: string;
}

/** What each manager's packages are called in advisories. */
const KINDS = { apt: 'deb', dnf: 'rpm', apk: 'apk', pacman: 'pacman' } as const;

/**
 * `kernel`: which one runs, where that is known; else every kernel image is taken as running. Throws SCAN_INVALID for packages that the
 * distribution does not have: they are of another one.
 */
export function softwareOfPackages(
  os: ScannedOs,
  packages: readonly SystemPackage[],
  kernel: Parameters<typeof softwareSteps>[0]['kernel'] = null,
): readonly Installed[] {
  const wanted = kindOf(ecosystemOf(os.id, os.version) ?? '');
  const strange = packages.find(({ manager }) => wanted !== null && KINDS[manager] !== wanted);
  if (strange !== undefined) {
    throw scanInvalid(
      `${strange.name} is a package of ${KINDS[strange.manager]}, and ${os.prettyName} has none: it is not of that release`,
      HOW_TO_NAME_THE_OS,
    );
  }
  const apk = packages.filter(({ manager }) => manager === 'apk').map((one) => softwareOfApk(os, one));
  const others = packages.flatMap(({ manager, ...one }) =>
    manager === 'apk' ? [] : [inventoryRow({ manager, ...one })],
  );
  const steps = softwareSteps({
    os: { ...NO_OS, ...os },
    ...{ packages: others, kernel, languagePackages: null, agent: null },
  });

  return merged([...apk, ...lastOf(steps)]);
}

export function softwareOfLibraries(libraries: readonly Library[]): readonly Installed[] {
  return merged(
    libraries.map(({ ecosystem, name, version }) => {
      const known = normaliseName(ecosystem, name);
      const software = { ecosystem, name: known, version, source: known, module: null, kernel: null, origin: null };

      return { software, binaries: [[name, version]] };
    }),
  );
}

/** Each piece of software once, with all of its binaries. */
export function merged(all: readonly Installed[]): readonly Installed[] {
  const found = new Map<string, { readonly software: Software; readonly binaries: Map<string, string> }>();
  for (const { software, binaries } of all) {
    const key = softwareKey(software);
    const known = found.get(key) ?? { software, binaries: new Map<string, string>() };
    for (const [name, version] of binaries) known.binaries.set(name, version);
    found.set(key, known);
  }

  return [...found.values()].map(({ software, binaries }) => ({
    software,
    binaries: [...binaries].sort(([a], [b]) => (a < b ? -1 : 1)),
  }));
}

const NO_OS = {
  ...{ codename: null, idLike: [], hostname: 'scan', machineId: 'uninitialized', arch: 'unknown', timezone: 'UTC' },
  ...{ bootedAt: '1970-01-01T00:00:00Z', endOfLife: null },
};

function inventoryRow(
  one: SystemPackage & { readonly manager: InstalledPackage['provider'] | 'apk' },
): InstalledPackage {
  const { manager, module, origin, arch = 'unknown', ...rest } = one;

  return {
    ...{
      provider: manager as InstalledPackage['provider'],
      ...rest,
      arch,
      state: 'installed',
      held: false,
      installedAt: null,
    },
    ...(module === null || module === undefined ? {} : { module }),
    ...(origin === undefined ? {} : { origin }),
  };
}

/** Alpine's advisories speak of the package that a binary is built from; both have one version. */
function softwareOfApk(os: ScannedOs, { name, version, source }: SystemPackage): Installed {
  const ecosystem = ecosystemOf(os.id, os.version) ?? `apk:${os.id}:${os.version}`;
  const software = { ecosystem, name: source, version, source, module: null, kernel: null, origin: null };

  return { software, binaries: [[name, version]] };
}

function lastOf<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
