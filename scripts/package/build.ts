// Builds the packages of one product for one architecture. What the machine lacks the tool for is said, and the rest is built.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { agentBundle } from './agent.ts';
import { collectorBundle } from './collector.ts';
import { bundledPackages, copyrightOf } from './copyright.ts';
import { buildDeb } from './deb.ts';
import { compareVersions, needsOf } from './libc.ts';
import { type Built, MAINTAINER, type Packing, PRODUCTS, type Product, type ProductName } from './product.ts';
import { buildRpm } from './rpm.ts';
import { isRuntime, type Runtime, runtimeEntries } from './runtime.ts';
import { maintainerScripts } from './scripts.ts';
import { buildTarball } from './tarball.ts';
import { bytesOf, FILE_MODE, type Tree, treeOf } from './tree.ts';

const MS = 1000;

export const FORMATS = ['deb', 'rpm', 'tar'] as const;
export type Format = (typeof FORMATS)[number];

export interface Build {
  /** The checkout. */
  readonly root: string;
  /** An empty folder for what is made on the way. */
  readonly work: string;
  readonly out: string;
  readonly product: ProductName;
  readonly runtime: Runtime;
  readonly formats: readonly Format[];
  /** Seconds. */
  readonly epoch: number;
  /** 0 (not compressed) to 9 (small). */
  readonly level: number;
  /** Default: the product's own. */
  readonly version?: string;
  readonly run: Run;
}

export interface BuiltProduct {
  readonly files: readonly Built[];
  /** What could not be built for want of a program. */
  readonly missing: readonly CodedError[];
  readonly installed: InstalledSize;
}

/** Bytes of the files that are installed. */
export interface InstalledSize {
  readonly withNode: number;
  /** Without Node and the library that only Node needs. */
  readonly withoutNode: number;
}

export async function buildProduct(build: Build): Promise<BuiltProduct> {
  const { root, work, out, run, level, formats } = build;
  await mkdir(out, { recursive: true });
  const product = await productOf(build);
  const files: Built[] = [];
  const missing: CodedError[] = [];

  for (const format of formats) {
    const scripts =
      format === 'tar' ? new Map() : await maintainerScripts(join(root, 'packaging', build.product), format);
    try {
      files.push(await pack(format, { product, scripts, level, work, out }, build, run));
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'TOOL_MISSING') throw error;
      missing.push(error);
    }
  }

  return { files, missing, installed: await installedSize(product.tree) };
}

function pack(format: Format, packing: Packing, { root, product }: Build, run: Run): Promise<Built> {
  switch (format) {
    case 'deb':
      return buildDeb(packing, run);
    case 'rpm':
      return buildRpm(packing, run);
    case 'tar':
      return buildTarball(packing, join(root, 'packaging', product, 'tar'));
  }
}

async function productOf({ root, work, runtime, product, epoch, version }: Build): Promise<Product> {
  const { name, home } = PRODUCTS[product];
  const of = version ?? (await versionOf(join(root, product)));
  const { inputs, entries } = await (product === 'agent'
    ? agentBundle(root, work)
    : collectorBundle(root, work, runtime.arch));
  const copyright = await copyrightOf(home, runtime, await bundledPackages(root, inputs));
  const tree = treeOf([
    ...entries,
    ...runtimeEntries(runtime, home),
    { kind: 'file', path: `usr/share/doc/${name}/copyright`, mode: FILE_MODE, content: copyright },
    { kind: 'file', path: `usr/share/doc/${name}/changelog.gz`, mode: FILE_MODE, content: changelog(name, of, epoch) },
  ]);

  return {
    product,
    version: of,
    arch: runtime.arch,
    tree,
    ...(await needsOfTree(tree)),
    epoch,
  };
}

/** In Debian's format; there is one entry, for this version. */
function changelog(name: string, version: string, epoch: number): Uint8Array {
  const date = new Date(epoch * MS).toUTCString().replace('GMT', '+0000');
  const text = `${name} (${version}) stable; urgency=medium\n\n  * Version ${version}.\n\n -- ${MAINTAINER}  ${date}\n`;

  return gzipSync(text, { level: 9 });
}

async function versionOf(folder: string): Promise<string> {
  return (JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

async function installedSize(tree: Tree): Promise<InstalledSize> {
  return { withNode: await bytesOf(tree), withoutNode: await bytesOf(tree.filter(({ path }) => !isRuntime(path))) };
}

/** Everything in it that is a program or a library. */
async function needsOfTree(tree: Tree): Promise<{ readonly glibc: string; readonly glibcxx: string }> {
  const programs = tree
    .filter((entry) => entry.kind === 'copy')
    .filter(({ path }) => /\/bin\/node$|\.so\.\d+$|\.node$/.test(path));
  const needs = await Promise.all(programs.map(({ from }) => needsOf(from)));
  const newest = (versions: readonly (string | null)[]) =>
    versions
      .filter((version) => version !== null)
      .sort(compareVersions)
      .at(-1) ?? '0';

  return { glibc: newest(needs.map(({ glibc }) => glibc)), glibcxx: newest(needs.map(({ glibcxx }) => glibcxx)) };
}
