// Bundles the agent: ES modules, split so that each command loads only what it needs. It downloads nothing.
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

export interface Bundled {
  /** The file that Node starts. */
  readonly entry: string;
  /** Of all files together. */
  readonly bytes: number;
}

export async function bundleAgent(folder: string): Promise<Bundled> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { 'selvage-agent': 'agent/bin/selvage-agent.mjs' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    minifySyntax: true,
    minifyWhitespace: true,
    metafile: true,
    // CommonJS dependencies ask for `require` at run time.
    banner: {
      js: "import { createRequire as selvageRequire } from 'node:module'; const require = selvageRequire(import.meta.url);",
    },
    legalComments: 'none',
    logLevel: 'warning',
  });
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);

  return { entry: join(folder, 'selvage-agent.mjs'), bytes };
}
