// The running kernel and the installed ones. A container or chroot has no kernel images, which is no error.
import { release, version } from 'node:os';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { namesIn } from '../files.ts';
import { compareReleases, flavour } from '../kernel-release.ts';

/** Debian and Ubuntu name the package after the release: linux-image-6.1.0-28-amd64, linux-image-unsigned-…-generic. */
const IMAGE = /^linux-image-(?:unsigned-)?(\d\S*)$/;

export async function collectKernel(context: InventoryContext): Promise<Section<'kernel'>> {
  const images = new Set(
    (await namesIn(context.at('boot')))
      .filter((name) => name.startsWith('vmlinuz-'))
      .map((name) => name.slice('vmlinuz-'.length)),
  );
  const installed = (await context.installed()).flatMap(({ name, version: packaged }) => {
    const of = IMAGE.exec(name)?.[1];

    return of !== undefined && images.has(of) ? [{ release: of, package: name, version: packaged }] : [];
  });
  const running = release();
  const same = installed.filter((image) => flavour(image.release) === flavour(running));
  // Another flavour (cloud, rt) is not the successor of the running one, unless there is no other.
  const newest = (same.length > 0 ? same : installed)
    .map((image) => image.release)
    .sort(compareReleases)
    .at(-1);

  return { running, runningVersion: version(), installed, newest: newest ?? null };
}
