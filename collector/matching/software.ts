// One distinct piece of software as advisories speak of it: what matching works on, instead of hosts. Types and pure functions only.

/** The release whose advisories apply, in OSV's words without its suffixes: `Debian:12`, `Ubuntu:22.04`, `AlmaLinux:9`, `PyPI` … */
export type Ecosystem = string;

/**
 * Everything that decides which advisories apply, and nothing else: two hosts with the same package share one.
 * `kernel`: of a kernel image only: whether it is the one that runs. `origin`: the repository of a vendor that it came from, null
 * where it is the distribution's own or nobody knows.
 */
export interface Software {
  readonly ecosystem: Ecosystem;
  /** deb and apk: the source package; rpm: the binary package; language packages: the name in their registry. */
  readonly name: string;
  /** Of `name`: deb the source version, rpm epoch:version-release. */
  readonly version: string;
  /** Source package, the same as `name` where the ecosystem speaks of sources. */
  readonly source: string;
  /** rpm only, where it is not that of the package: version-release of the source, without an epoch, as rpms name their source. */
  readonly sourceVersion?: string;
  /** Module stream of an rpm, such as `nodejs:18`. */
  readonly module: string | null;
  readonly kernel: 'running' | 'installed' | null;
  readonly origin: string | null;
}

/** The same text for the same software, another for another. */
export function softwareKey(software: Software): string {
  const { ecosystem, name, version, source, module, kernel, origin, sourceVersion } = software;
  const more = sourceVersion === undefined ? [] : [sourceVersion];

  return JSON.stringify([ecosystem, name, version, source, module, kernel, origin, ...more]);
}
