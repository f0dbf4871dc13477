// Which source package a kernel really is built from, and what of it can run. Debian and Ubuntu sign kernels in a source package of
// its own, under which no advisory is ever written.
import { kindOf } from './ecosystem.ts';
import type { Ecosystem, Software } from './software.ts';

export interface SourcePackage {
  readonly name: string;
  readonly version: string;
}

/**
 * Debian: `linux-signed-amd64` 6.1.76+1 is `linux` 6.1.76-1, its first plus was the dash, and `linux-signed-6.12-arm64` is `linux-6.12`, a
 * newer kernel for an older release. Ubuntu: `linux-signed-aws` is `linux-aws`.
 */
const DEBIAN_SIGNED = /^linux-signed(-[2-9][.][\d.]+)?-(?:amd64|arm64|i386)$/;
const UBUNTU_SIGNED = /^linux-signed(-[a-z0-9.+-]+)?$/;

/** Debian rebuilds without changing the source: only the binary says `+b1`. Where no source version is known it is cut off. */
const REBUILD = /\+b\d+$/;

/** The source that advisories speak of. Everything else stays as it is. */
export function advisedSource(ecosystem: Ecosystem, source: SourcePackage): SourcePackage {
  if (ecosystem.startsWith('Debian:')) {
    const version = source.version.replace(REBUILD, '');
    const signed = DEBIAN_SIGNED.exec(source.name);
    if (signed === null) return { name: source.name, version };

    return { name: `linux${signed[1] ?? ''}`, version: version.replace('+', '-') };
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

/** Source packages of kernels by their whole names: one that is not known here counts as any other software (linux-ftpd is a server). */
const DEBIAN_KERNEL_SOURCE = /^linux(?:-[2-9][.][\d.]+)?$/;
const UBUNTU_KERNEL_SOURCE = new RegExp(
  `^linux(?:-(?:${[
    ...['allwinner', 'aws', 'azure', 'bluefield', 'fde', 'edge', 'fips', 'gcp', 'gke', 'gkeop', 'hwe', 'ibm', 'intel'],
    ...['iot', 'iotg', 'kvm', 'laptop', 'lowlatency', 'lts', 'nvidia', 'oem', 'oracle', 'osp1', 'raspi', 'raspi2'],
    ...['realtime', 'riscv', 'starfive', 'tegra', 'igx', 'xilinx', 'zynqmp', 'xenial', 'trusty', String.raw`\d[\d.]*`],
  ].join('|')}))*$`,
);
/** What is built from the sources of a Red Hat kernel and is no part of one. */
const RPM_KERNEL_TOOL =
  /^(?:kernel-(?:[a-z\d]+-)*(?:headers|devel|devel-matched|doc|tools|tools-libs|tools-libs-devel|abi-stablelists)|(?:python3-)?perf|bpftool|rtla|rv|libperf)$/;

/**
 * Whether it is headers or tools of the sources of a kernel: a hole in the kernel can only be used in one that runs. Only where images
 * are told apart by their packages; everything that is not known for certain counts as if it ran.
 */
export function isOnlyKernelSources({
  ecosystem,
  name,
  source,
  kernel,
}: Pick<Software, 'ecosystem' | 'name' | 'source' | 'kernel'>): boolean {
  if (kernel !== null) return false;
  if (ecosystem.startsWith('Debian:')) return DEBIAN_KERNEL_SOURCE.test(source);
  if (ecosystem.startsWith('Ubuntu:')) return UBUNTU_KERNEL_SOURCE.test(source);

  return kindOf(ecosystem) === 'rpm' && RPM_KERNEL_TOOL.test(name);
}

export const ONLY_KERNEL_SOURCES = 'only headers or tools of the kernel sources are here, no kernel that runs them';

/** What stands behind findings of a kernel source on a machine that runs no such kernel; null for everything else. */
export function kernelNote(software: Software): string | null {
  if (software.kernel === 'installed') return 'this kernel is installed but does not run';

  return isOnlyKernelSources(software) ? ONLY_KERNEL_SOURCES : null;
}
