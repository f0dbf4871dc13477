// Packs a product as one folder in a tar.gz, for machines and images without dpkg and rpm: it runs wherever it is unpacked. No user is made
// and nothing is set up, so the vendor's settings, which name that user, stay out.
import { createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { packTar, type TarSource } from 'modern-tar/fs';
import { type Built, type Packing, PRODUCTS } from './product.ts';
import { type Entry, PROGRAM_MODE } from './tree.ts';

const MS = 1000;
const UNITS = 'usr/lib/systemd/system/';

/** `own`: a folder of programs that find the rest beside them, in place of those that know where a package puts it. */
export async function buildTarball({ product, level, out }: Packing, own: string): Promise<Built> {
  const { version, arch, tree, epoch } = product;
  const { name } = PRODUCTS[product.product];
  const top = `${name}-${version}-linux-${arch}`;
  const file = join(out, `${top}.tar.gz`);
  const facts = { mtime: new Date(epoch * MS), uid: 0, gid: 0, uname: 'root', gname: 'root' };
  const sources = [
    ...tree.flatMap((entry) => sourceOf(entry, product.product)),
    ...(await readdir(own)).sort().map((program) => ({
      type: 'file' as const,
      source: join(own, program),
      target: program,
      mode: PROGRAM_MODE,
    })),
  ].sort((a, b) => (a.target < b.target ? -1 : 1));
  // One after the other: they come in this order.
  const packed = packTar(
    sources.map((source) => ({ ...source, ...facts, target: `${top}/${source.target}` })),
    { concurrency: 1 },
  );
  await pipeline(packed, createGzip({ level }), createWriteStream(file));

  return { file, bytes: (await stat(file)).size };
}

function sourceOf(entry: Entry, product: keyof typeof PRODUCTS): readonly TarSource[] {
  if (entry.kind === 'folder' || entry.kind === 'link') return [];
  const target = placeOf(entry.path, product);
  if (target === null) return [];
  const { mode } = entry;

  return entry.kind === 'file'
    ? [{ type: 'content', content: entry.content, target, mode }]
    : [{ type: 'file', source: entry.from, target, mode }];
}

/** Null for what only a package needs. */
function placeOf(path: string, product: keyof typeof PRODUCTS): string | null {
  const home = `${PRODUCTS[product].home}/`;
  if (path === `${home}settings.json`) return null;
  if (path.startsWith(home)) return path.slice(home.length);
  if (path.startsWith(UNITS)) return `systemd/${path.slice(UNITS.length)}`;

  return path.endsWith('/copyright') ? 'copyright' : null;
}
