// The running kernel and the installed ones, from file names in /boot and the packages that bring them. Pure.
import { newestFor, releasesOf } from '@selvage/shared/linux/kernel-release.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import type { Facts } from './facts.ts';

type Kernel = Section<'kernel'>;

/** `files`: paths such as /boot/vmlinuz-6.1.0-28-amd64, one a line. A container has none, which is no error. */
export function parseKernels(facts: Facts, packages: readonly InstalledPackage[], files: string): Kernel {
  const images = new Set(
    files
      .split('\n')
      .filter((path) => path.startsWith('/boot/vmlinuz-'))
      .map((path) => path.slice('/boot/vmlinuz-'.length)),
  );
  const installed = packages.flatMap((one) =>
    releasesOf(one)
      .filter((release) => images.has(release))
      .map((release) => ({ release, package: one.name, version: one.version })),
  );

  return {
    running: facts.kernel,
    runningVersion: facts.kernelversion,
    installed,
    newest: newestFor(facts.kernel, installed),
  };
}
