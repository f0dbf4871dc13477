// Order of kernel release strings as uname(2) gives them (6.1.0-28-amd64). Pure; package versions have rules of their own.
import type { Section } from '../model/inventory.ts';
import type { InstalledPackage } from '../model/package.ts';
import { compareRpmVersions } from '../versions/rpm.ts';

/** Red Hat's: `5.14.0-427.13.1.el9_4.x86_64`, with `+rt`, `+debug` or `+64k` behind it where it is another build. */
const RED_HAT = /^(\d[^-]*-.+)[.](?:x86_64|aarch64|ppc64le|s390x|i686)([+]\S+)?$/;

/** Ascending: numbers by value, the rest by code unit, a shorter one first; Red Hat's as rpm orders their packages. */
export function compareReleases(one: string, other: string): number {
  const left = RED_HAT.exec(one)?.[1];
  const right = RED_HAT.exec(other)?.[1];
  if (left !== undefined && right !== undefined) return compareRpmVersions(left, right);
  const a = one.match(/\d+|\D+/g) ?? [];
  const b = other.match(/\d+|\D+/g) ?? [];

  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    if (left === right) continue;
    if (/^\d/.test(left) && /^\d/.test(right)) {
      const difference = Number(left) - Number(right);
      if (difference !== 0) return difference;
    } else return left < right ? -1 : 1;
  }

  return a.length - b.length;
}

/** What follows the numbers: `amd64`, `cloud-amd64`, `generic`; empty for a release that is only numbers, and for Red Hat's plain one. */
export function flavour(release: string): string {
  const redHat = RED_HAT.exec(release);
  // Older real-time kernels and Oracle's say it in the release: 4.18.0-553.rt7.342.el8_10, 5.15.0-205.149.5.1.el9uek.
  if (redHat) return `${redHat[2] ?? ''}${/[.](rt)\d|el\d+(uek)/.exec(release)?.slice(1).join('') ?? ''}`;

  return /^[\d.]+(?:-\d[\d.]*)*(?:[+~][^-]*)?-?(.*)$/.exec(release)?.[1] ?? '';
}

/** Why the kernel that runs is not the installed one, null where it is (or where no kernel image is installed). */
export function kernelReason({ running, runningVersion, installed, newest }: Section<'kernel'>): string | null {
  if (newest === null) return null;
  if (newest !== running) return `kernel ${newest} is installed, ${running} is running`;

  // Debian keeps the release and raises the version behind it: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.187-1 (2026-07-05)".
  const image = installed.find(({ release }) => release === running);
  const version = /Debian (\S+)/.exec(runningVersion)?.[1];
  if (!image || version === undefined || version === image.version) return null;

  return `kernel ${running} is installed as ${image.version}, ${version} is running`;
}

/** Debian and Ubuntu name the package after the release: linux-image-6.1.0-28-amd64, linux-image-unsigned-…-generic. */
const IMAGE = /^linux-image-(?:unsigned-)?(\d\S*)$/;

/** Names of kernel packages that carry the image itself, with the build. SUSE: kernel-default, kernel-azure, kernel-rt … */
const RPM_IMAGE = /^kernel(?:-((?:rt|64k|uek|rt-64k)(?:-debug)?|debug|default|azure|pae|64kb))?(?:-core)?$/;

/**
 * The release strings that a package may have brought: Red Hat's are `version-release.arch` with `+build` behind it where it is not the
 * plain one, SUSE's are `version-release-flavour` without the last number of the release.
 */
export function releasesOf({
  provider,
  name,
  version,
  arch,
}: Pick<InstalledPackage, 'provider' | 'name' | 'version' | 'arch'>): readonly string[] {
  if (provider === 'apt') return IMAGE.exec(name)?.slice(1) ?? [];
  const match = RPM_IMAGE.exec(name);
  if (!match) return [];
  const plain = version.replace(/^\d+:/, '');
  const build = match[1] ?? '';
  // Oracle's and older real-time kernels say in their version which build they are.
  const beside = build.startsWith('uek') || /[.]rt\d/.test(plain) ? build.replace(/^(?:uek|rt)-?/, '') : build;
  const flavour = build === '' ? 'default' : build;

  return [
    `${plain}.${arch}${beside === '' ? '' : `+${beside}`}`,
    `${plain.replace(/[.][^.]+$/, '')}-${flavour}`,
    `${plain}-${flavour}`,
  ];
}

/** The release that should run; another flavour (cloud, rt) only where there is none of the running one. */
export function newestFor(running: string, installed: Section<'kernel'>['installed']): string | null {
  const same = installed.filter((image) => flavour(image.release) === flavour(running));
  const releases = (same.length > 0 ? same : installed).map((image) => image.release);

  return releases.sort(compareReleases).at(-1) ?? null;
}
