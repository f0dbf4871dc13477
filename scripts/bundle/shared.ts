// What both bundles have in common: how esbuild is asked, and the lock file that goes with the program.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildOptions, Metafile } from 'esbuild';

export const root = join(import.meta.dirname, '../..');

export const COMMON = {
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

/** ES modules split by what is loaded together. CommonJS dependencies in them ask for `require` at run time. */
export const SPLIT = {
  ...COMMON,
  outExtension: { '.js': '.mjs' },
  splitting: true,
  format: 'esm',
  banner: {
    js: "import { createRequire as selvageRequire } from 'node:module'; const require = selvageRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

export function sizeOf({ outputs }: Metafile): number {
  return Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
}

/** Paths below the checkout of those of which something is left. */
export function inputsOf({ outputs }: Metafile): readonly string[] {
  const all = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));

  return all.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
}

/** The lock file without what is for development: from it a program says which packages it brings. */
export async function shippedLock(): Promise<string> {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    await readFile(join(root, 'package-lock.json'), 'utf8'),
  );
  const packages = Object.entries(lock.packages).filter(([, { dev }]) => dev !== true);

  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) })}\n`;
}
