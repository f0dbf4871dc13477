// Packs a product as .deb with dpkg-deb. Owners, modes, order and times are fixed, so that the same product gives the same bytes.
import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { ARCHES } from './arches.ts';
import { type Built, MAINTAINER, type Packing, PRODUCTS, type Product } from './product.ts';
import { runTool } from './tool.ts';
import { type Entry, FILE_MODE, PROGRAM_MODE, type Tree, treeOf, writeTree } from './tree.ts';

const PACK_DEADLINE_MS = 15 * 60_000;
const KIB = 1024;
/** What dpkg counts for a path without content. */
const PATH_KIB = 1;

export async function buildDeb({ product, scripts, level, work, out }: Packing, run: Run): Promise<Built> {
  const { version, arch, tree, epoch } = product;
  const { name } = PRODUCTS[product.product];
  const folder = join(work, `deb-${name}-${arch}`);
  const file = join(out, `${name}_${version}_${ARCHES[arch].deb}.deb`);
  const control: readonly Entry[] = [
    { kind: 'file', path: 'DEBIAN/control', mode: FILE_MODE, content: await controlOf(product) },
    { kind: 'file', path: 'DEBIAN/md5sums', mode: FILE_MODE, content: await md5sums(tree) },
    ...[...scripts].map(
      ([script, content]): Entry => ({ kind: 'file', path: `DEBIAN/${script}`, mode: PROGRAM_MODE, content }),
    ),
  ];
  await writeTree(folder, treeOf([...tree, ...control]), epoch);
  await runTool(run, 'dpkg', {
    file: 'dpkg-deb',
    args: ['--root-owner-group', ...(level === 0 ? ['-Znone'] : ['-Zxz', `-z${level}`]), '--build', folder, file],
    env: { SOURCE_DATE_EPOCH: String(epoch) },
    deadlineMs: PACK_DEADLINE_MS,
  });
  await rm(folder, { recursive: true });

  return { file, bytes: (await stat(file)).size };
}

async function controlOf(product: Product): Promise<string> {
  const { version, arch, tree, glibc, glibcxx } = product;
  const { name, summary, description, tools } = PRODUCTS[product.product];
  const libraries = [`libc6 (>= ${glibc})`, 'libgcc-s1 | libgcc1', `libstdc++6 (>= ${packageOf(glibcxx)})`];
  const fields = {
    Package: name,
    Version: version,
    Architecture: ARCHES[arch].deb,
    Maintainer: MAINTAINER,
    'Installed-Size': String(await installedKib(tree)),
    Depends: [...libraries, ...tools.deb].join(', '),
    Section: 'admin',
    Priority: 'optional',
    Description: [summary, ...description].join('\n '),
  };

  return Object.entries(fields)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('');
}

/** The version of the package with the C++ library that has these symbols; gcc's manual, "ABI Policy and Guidelines". */
function packageOf(glibcxx: string): string {
  const known: Readonly<Record<string, string>> = {
    '3.4.21': '5',
    '3.4.22': '6',
    '3.4.25': '8',
    '3.4.29': '11',
    '3.4.30': '12',
  };

  return known[glibcxx] ?? '13';
}

async function installedKib(tree: Tree): Promise<number> {
  const sizes = await Promise.all(
    tree.map(async (entry) => {
      if (entry.kind === 'file') return Math.ceil(Buffer.byteLength(entry.content) / KIB);

      return entry.kind === 'copy' ? Math.ceil((await stat(entry.from)).size / KIB) : PATH_KIB;
    }),
  );

  return sizes.reduce((sum, size) => sum + size, 0);
}

/** dpkg --verify holds files against these. */
async function md5sums(tree: Tree): Promise<string> {
  const lines: string[] = [];
  for (const entry of tree) {
    if (entry.kind !== 'file' && entry.kind !== 'copy') continue;
    const bytes = entry.kind === 'file' ? entry.content : await readFile(entry.from);
    lines.push(`${createHash('md5').update(bytes).digest('hex')}  ${entry.path}\n`);
  }

  return lines.join('');
}
