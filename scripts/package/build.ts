// Builds the packages of one product for one architecture.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { AGENT_HOME, agentEntries } from './agent.ts';
import type { Arch } from './arches.ts';
import { buildDeb } from './deb.ts';
import { compareVersions, needsOf } from './libc.ts';
import type { Built, Product, ProductName } from './product.ts';
import { runtimeEntries, runtimeFor } from './runtime.ts';
import { maintainerScripts } from './scripts.ts';
import { type Tree, treeOf } from './tree.ts';

export interface Build {
  /** The checkout. */
  readonly root: string;
  /** An empty folder for what is made on the way. */
  readonly work: string;
  readonly out: string;
  readonly product: ProductName;
  readonly arch: Arch;
  /** Seconds. */
  readonly epoch: number;
  readonly level: number;
  /** Default: the product's own. */
  readonly version?: string;
  readonly run: Run;
}

export async function buildPackages(build: Build): Promise<readonly Built[]> {
  const { root, work, out, run, level, product: name } = build;
  await mkdir(out, { recursive: true });
  const product = await productOf(build);
  const scripts = await maintainerScripts(join(root, 'packaging', name), 'deb');

  return [await buildDeb({ product, scripts, depends: ['passwd'], level, work, out, run })];
}

async function productOf(build: Build): Promise<Product> {
  const { root, work, run, product, arch, epoch } = build;
  const runtime = await runtimeFor({ arch, root, work, run });
  const tree = treeOf([...(await agentEntries(root, work)), ...runtimeEntries(runtime, AGENT_HOME)]);
  const { version } = JSON.parse(await readFile(join(root, product, 'package.json'), 'utf8')) as { version: string };

  return {
    product,
    name: 'selvage-agent',
    version: build.version ?? version,
    arch,
    summary: 'agent of Selvage, a patch management',
    description: ['Inventories this machine, and installs fixes that its admins have signed, in their windows.'],
    tree,
    ...(await needsOfTree(tree)),
    epoch,
  };
}

async function needsOfTree(tree: Tree): Promise<{ glibc: string; glibcxx: string }> {
  const programs = tree
    .filter((entry) => entry.kind === 'copy')
    .filter(({ path }) => /\/bin\/node$|\.so\.1$|\.node$/.test(path));
  const needs = await Promise.all(programs.map(({ from }) => needsOf(from)));
  const newest = (versions: readonly (string | null)[]) =>
    versions
      .filter((version) => version !== null)
      .sort(compareVersions)
      .at(-1) ?? '0';

  return { glibc: newest(needs.map(({ glibc }) => glibc)), glibcxx: newest(needs.map(({ glibcxx }) => glibcxx)) };
}
