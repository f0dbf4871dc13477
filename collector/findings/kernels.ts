// Which packages are kernels, and which of them runs. Pure. A container sees its host's kernel, which is none of its packages.
import { releasesOf } from '@selvage/shared/linux/kernel-release.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import type { Software } from '../matching/software.ts';

export interface Kernels {
  /** Null: no part of a kernel (headers and tools are none). */
  of(one: InstalledPackage): Software['kernel'];
  /** The kernel that runs, by its own word, for where no package of it is there any more; null where that is not known. */
  readonly booted: { readonly name: string; readonly version: string } | null;
}

/** Images and modules of Debian and Ubuntu carry the release in their name. */
const DEB_PART = /^linux-(?:image|modules|modules-extra)-(?:unsigned-)?(\d\S*)$/;
/** Red Hat's are several packages with one version; SUSE's carry the flavour. What is before the part names the build. */
const RPM_PART =
  /^(kernel(?:-(?:(?:rt|64k|uek|rt-64k)(?:-debug)?|debug))?)(?:-(?:core|modules(?:-[a-z]+)*|uki-virt))?$|^(kernel-(?:default|azure|pae|64kb))$/;

export function kernelsOf(os: Pick<Section<'os'>, 'id'>, kernel: Section<'kernel'> | null): Kernels {
  return {
    of: (one) => {
      const releases = partOf(one);
      if (releases === null) return null;
      // Nobody could ask: taken as running, because one that is not would be listed apart.
      if (kernel === null) return 'running';

      return releases.includes(kernel.running) && !isOlder(kernel, one) ? 'running' : 'installed';
    },
    booted: kernel === null || kernel.installed.length === 0 ? null : bootedOf(os, kernel),
  };
}

/** Releases that it may be of; null when it is no part of a kernel. */
function partOf(one: InstalledPackage): readonly string[] | null {
  if (one.provider === 'apt') return DEB_PART.exec(one.name)?.slice(1) ?? null;
  const [, redHat, suse] = RPM_PART.exec(one.name) ?? [];
  const name = redHat ?? suse;

  return name === undefined ? null : releasesOf({ ...one, name });
}

/** Debian keeps the release and raises the version behind it: what lies on the disk is not what was started. */
function isOlder({ running, runningVersion, installed }: Section<'kernel'>, one: InstalledPackage): boolean {
  const version = debianVersion(runningVersion);
  const image = installed.find(({ release }) => release === running);

  return one.provider === 'apt' && version !== null && image !== undefined && image.version !== version;
}

/** `#1 SMP PREEMPT_DYNAMIC Debian 6.1.187-1 (2026-07-05)`. */
function debianVersion(runningVersion: string): string | null {
  return /\bDebian (\d\S*)/.exec(runningVersion)?.[1] ?? null;
}

function bootedOf(
  { id }: Pick<Section<'os'>, 'id'>,
  { running, runningVersion }: Section<'kernel'>,
): Kernels['booted'] {
  const debian = debianVersion(runningVersion);
  if (debian !== null) return { name: 'linux', version: debian };
  if (id === 'ubuntu') return ubuntuBooted(running, runningVersion);
  const redHat = /^(\d[^-]*-\S+)[.](?:x86_64|aarch64|ppc64le|s390x)(?:[+]\S+)?$/.exec(running)?.[1];
  if (redHat === undefined) return null;
  const build = /el\d+uek/.test(redHat) ? '-uek' : /[.]rt\d/.test(redHat) ? '-rt' : '';

  return { name: `kernel${build}`, version: redHat };
}

/** Flavours that are built from a source of their own; `generic` is of `linux` itself. */
const UBUNTU_RELEASE =
  /^((\d+[.]\d+)[\d.]*-\d+)-(generic|lowlatency|aws|azure|gcp|gke|ibm|kvm|oracle|raspi)(?:-64k|-lpae)?$/;

/**
 * Release 5.15.0-91-generic, version `#101-Ubuntu SMP …`: source linux 5.15.0-91.101. Of a newer Ubuntu's kernel in an older one
 * (6.8.0-40-generic, `#40~22.04.3-Ubuntu`): linux-hwe-6.8 6.8.0-40.40~22.04.3, and so for those of clouds (linux-aws-6.8).
 */
function ubuntuBooted(running: string, runningVersion: string): Kernels['booted'] {
  const [, abi, series, flavour] = UBUNTU_RELEASE.exec(running) ?? [];
  const [, upload, newer] = /^#(\d+(~[\d.]+)?)-Ubuntu\b/.exec(runningVersion) ?? [];
  if (abi === undefined || series === undefined || upload === undefined) return null;
  const parts = [
    ...['linux', ...(flavour === undefined || flavour === 'generic' ? [] : [flavour])],
    ...(newer !== undefined && (flavour === 'generic' || flavour === 'lowlatency') ? ['hwe'] : []),
    ...(newer === undefined ? [] : [series]),
  ];

  return { name: parts.join('-'), version: `${abi}.${upload}` };
}
