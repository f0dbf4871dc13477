// Bundles the collector with its command line: ES modules split by command, so that a thin client loads no server. The database's
// binding is a program of its own and stays a package beside them. It downloads nothing.
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { inputsOf, root, SPLIT, shippedLock, sizeOf } from './shared.ts';

export interface BundledCollector {
  /** The file that Node starts. */
  readonly entry: string;
  readonly bytes: number;
  /** Paths below the checkout of what went into it. */
  readonly inputs: readonly string[];
}

const BINDING = 'node_modules/better-sqlite3';
/** Source code, other systems' binaries and what is for compiling stay out. */
const BINDING_PARTS = ['package.json', 'LICENSE', 'lib'];

/** `arch`: whose binding; it only fits that one. */
export async function bundleCollector(folder: string, arch: string): Promise<BundledCollector> {
  const { metafile } = await build({
    ...SPLIT,
    entryPoints: {
      selvage: 'collector/bin/selvage.mjs',
      // Started as threads, by their place beside the parts that start them.
      'collector/parts/parser-thread': 'collector/intake/parser-thread.ts',
      'collector/parts/import-thread': 'collector/imports/import-thread.ts',
      'collector/parts/list-thread': 'collector/assets/list-thread.ts',
      'collector/parts/feed-thread': 'collector/feeds/import/feed-thread.ts',
      'collector/parts/report-thread': 'collector/compare/report-thread.ts',
      'collector/parts/vex-thread': 'collector/vex/vex-thread.ts',
    },
    outdir: folder,
    // As deep as in the checkout: what a program reads lies at the same place above it.
    chunkNames: 'collector/parts/[name]-[hash]',
    external: ['better-sqlite3'],
  });
  for (const part of [...BINDING_PARTS, `prebuilds/linux-${arch}.node`]) {
    await cp(join(root, BINDING, part), join(folder, BINDING, part), { recursive: true });
  }
  for (const part of ['docs/errors', 'packaging/collect', 'collector/feeds/snapshot']) {
    await cp(join(root, part), join(folder, part), { recursive: true });
  }
  await writeFile(join(folder, 'package-lock.json'), await shippedLock());

  return { entry: join(folder, 'selvage.mjs'), bytes: sizeOf(metafile), inputs: inputsOf(metafile) };
}
