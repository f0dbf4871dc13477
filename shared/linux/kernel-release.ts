// Order of kernel release strings as uname(2) gives them (6.1.0-28-amd64). Pure; package versions have rules of their own.
import type { Section } from '../model/inventory.ts';

/** Ascending: numbers by value, the rest by code unit, a shorter one first. */
export function compareReleases(one: string, other: string): number {
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

/** What follows the numbers: `amd64`, `cloud-amd64`, `generic`; empty for a release that is only numbers. */
export function flavour(release: string): string {
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

/** The release that a package of Debian's or Ubuntu's brings, null for any other package. */
export function parseImageName(name: string): string | null {
  return IMAGE.exec(name)?.[1] ?? null;
}

/** The release that should run; another flavour (cloud, rt) only where there is none of the running one. */
export function newestFor(running: string, installed: Section<'kernel'>['installed']): string | null {
  const same = installed.filter((image) => flavour(image.release) === flavour(running));
  const releases = (same.length > 0 ? same : installed).map((image) => image.release);

  return releases.sort(compareReleases).at(-1) ?? null;
}
