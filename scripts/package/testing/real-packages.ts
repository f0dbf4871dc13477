// The packages of this checkout as they are shipped, only not compressed, in two versions of the same program.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { buildProduct, type Format } from '../build.ts';
import type { ProductName } from '../product.ts';
import { type Runtime, runtimeFor } from '../runtime.ts';

const root = join(import.meta.dirname, '../../..');
/** Seconds; any. */
const EPOCH = 1_700_000_000;

export interface RealPackages {
  /** Each only once. */
  build(product: ProductName, format: Format, version: string): Promise<string>;
}

export async function realPackages(folder: string, run: Run): Promise<RealPackages> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  await mkdir(folder);
  const runtime: Runtime = await runtimeFor({ arch, root, work: folder, run });

  const built = new Map<string, Promise<string>>();
  const build = async (product: ProductName, format: Format, version: string) => {
    const work = join(folder, `${product}-${format}-${version}`);
    await mkdir(work);
    const parts = {
      root,
      work,
      out: folder,
      product,
      runtime,
      formats: [format],
      epoch: EPOCH,
      level: 0,
      version,
      run,
    };
    const { files, missing } = await buildProduct(parts);
    for (const error of missing) throw error;

    return files[0]?.file ?? '';
  };

  return {
    build: (product, format, version) => {
      const key = `${product} ${format} ${version}`;
      const file = built.get(key) ?? build(product, format, version);
      built.set(key, file);

      return file;
    },
  };
}
