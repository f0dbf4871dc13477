// Which source package a kernel really is built from, and what of it can run. Debian and Ubuntu sign kernels in a source package of
// its own, under which no advisory is ever written.
import type { Ecosystem, Software } from './software.ts';

export interface SourcePackage {
  readonly name: string;
  readonly version: string;
}

/** Debian: `linux-signed-amd64` 6.1.76+1 is `linux` 6.1.76-1, its first plus was the dash. Ubuntu: `linux-signed-aws` is `linux-aws`. */
const DEBIAN_SIGNED = /^linux-signed-(?:amd64|arm64|i386)$/;
const UBUNTU_SIGNED = /^linux-signed(-[a-z0-9.+-]+)?$/;

/** Debian rebuilds without changing the source: only the binary says `+b1`. Where no source version is known it is cut off. */
const REBUILD = /\+b\d+$/;

/** The source that advisories speak of. Everything else stays as it is. */
export function advisedSource(ecosystem: Ecosystem, source: SourcePackage): SourcePackage {
  if (ecosystem.startsWith('Debian:')) {
    const version = source.version.replace(REBUILD, '');
    if (!DEBIAN_SIGNED.test(source.name)) return { name: source.name, version };

    return { name: 'linux', version: version.replace('+', '-') };
  }
  const ubuntu = ecosystem.startsWith('Ubuntu:') ? UBUNTU_SIGNED.exec(source.name) : null;

  return ubuntu === null ? source : { name: `linux${ubuntu[1] ?? ''}`, version: source.version };
}

/** The same software under the name and version of which advisories speak. */
export function asAdvised(software: Software): Software {
  if (software.name !== software.source) return software;
  const { name, version } = advisedSource(software.ecosystem, software);
  if (name === software.name && version === software.version) return software;

  return { ...software, name, version, source: name };
}

/** A source package whose binaries include kernels: a CVE in it can only be used against one that runs. */
const KERNEL_SOURCE = /^(linux|kernel)(?:-(?!base|firmware|atm|doc|igd|sound|tools|utils)[a-z0-9.-]+)?$/;

function isKernelSource(source: string): boolean {
  return KERNEL_SOURCE.test(source);
}

/** What stands behind findings of a kernel source on a machine that runs no such kernel; null for everything else. */
export function kernelNote(software: Software): string | null {
  if (software.kernel === 'installed') return 'this kernel is installed but does not run';
  if (software.kernel === 'running' || !isKernelSource(software.source)) return null;

  return 'only headers or tools of the kernel sources are meant here, no kernel that runs';
}
