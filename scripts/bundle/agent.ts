// Bundles the agent: ES modules split by command, so that each loads only what it needs, and the resident connector as one
// CommonJS file (Node's ES module loader is 1.4 MB of a process that stays). It downloads nothing.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';

const root = join(import.meta.dirname, '../..');

export interface Bundled {
  /** The file that Node starts. */
  readonly entry: string;
  /** Of all programs together. */
  readonly bytes: number;
  /** What went into the resident connector: paths below the checkout. */
  readonly resident: { readonly bytes: number; readonly inputs: readonly string[] };
}

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node26',
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

export async function bundleAgent(folder: string): Promise<Bundled> {
  const commands = await build({
    ...COMMON,
    entryPoints: { 'selvage-agent': 'agent/bin/selvage-agent.mjs' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    splitting: true,
    format: 'esm',
    // CommonJS dependencies ask for `require` at run time.
    banner: {
      js: "import { createRequire as selvageRequire } from 'node:module'; const require = selvageRequire(import.meta.url);",
    },
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
    bytes: size(commands.metafile) + size(resident.metafile),
    resident: { bytes: size(resident.metafile), inputs: inputsOf(resident.metafile) },
  };
}

function size({ outputs }: Metafile): number {
  return Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
}

/** Those of which something is left. */
function inputsOf({ outputs }: Metafile): readonly string[] {
  const all = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));

  return all.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
}

/** The lock file without what is for development: from it the agent says which packages it brings. */
async function shippedLock(): Promise<string> {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    await readFile(join(root, 'package-lock.json'), 'utf8'),
  );
  const packages = Object.entries(lock.packages).filter(([, { dev }]) => dev !== true);

  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) })}\n`;
}
