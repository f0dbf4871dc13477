// Bundles the agent: ES modules split by command, so that each loads only what it needs, and the resident connector as one
// CommonJS file (Node's ES module loader is 1.4 MB of a process that stays). It downloads nothing.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { COMMON, inputsOf, SPLIT, shippedLock, sizeOf } from './shared.ts';

export interface Bundled {
  /** The file that Node starts. */
  readonly entry: string;
  /** Of all programs together. */
  readonly bytes: number;
  /** What went into each: paths below the checkout. */
  readonly inputs: readonly string[];
  readonly resident: { readonly bytes: number; readonly inputs: readonly string[] };
}

export async function bundleAgent(folder: string): Promise<Bundled> {
  const commands = await build({
    ...SPLIT,
    entryPoints: { 'selvage-agent': 'agent/bin/selvage-agent.mjs' },
    outdir: folder,
    chunkNames: 'parts/[name]-[hash]',
  });
  const resident = await build({
    ...COMMON,
    entryPoints: { 'selvage-resident': 'agent/bin/selvage-resident.mjs' },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    // Behind an import that the resident connector never reaches: it starts children with Node's own means.
    external: ['execa'],
  });
  await writeFile(join(folder, 'package-lock.json'), await shippedLock());

  return {
    entry: join(folder, 'selvage-agent.mjs'),
    bytes: sizeOf(commands.metafile) + sizeOf(resident.metafile),
    inputs: inputsOf(commands.metafile),
    resident: { bytes: sizeOf(resident.metafile), inputs: inputsOf(resident.metafile) },
  };
}
