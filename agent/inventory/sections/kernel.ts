// The running kernel and the installed ones. A container or chroot has no kernel images, which is no error.
import { release, version } from 'node:os';
import { newestFor, releasesOf } from '@selvage/shared/linux/kernel-release.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { namesIn } from '../files.ts';

export async function collectKernel(context: InventoryContext): Promise<Section<'kernel'>> {
  const images = new Set(
    (await namesIn(context.at('boot')))
      .filter((name) => name.startsWith('vmlinuz-'))
      .map((name) => name.slice('vmlinuz-'.length)),
  );
  const installed = (await context.installed()).flatMap((one) =>
    releasesOf(one)
      .filter((release) => images.has(release))
      .map((release) => ({ release, package: one.name, version: one.version })),
  );
  const running = release();

  return { running, runningVersion: version(), installed, newest: newestFor(running, installed) };
}
