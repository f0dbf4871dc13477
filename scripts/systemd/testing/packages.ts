import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { buildProduct } from '../../package/build.ts';
import type { ProductName } from '../../package/product.ts';
import { runtimeFor } from '../../package/runtime.ts';

const root = join(import.meta.dirname, '../../..');
const run = createRun(process.env);
const DEADLINE_MS = 180_000;
const EPOCH_SECONDS = 1_790_000_000;
/** Hardly packed at all: it is unpacked a moment later. */
const LEVEL = 0;

export const NEXT_VERSION = '99.0';

/** The same agent as a later version, of which every part has another name: what is gone cannot be loaded any more. */
export async function packNext(deb: string): Promise<string> {
  const folder = temporaryFolder('next');
  const tree = join(folder, 'tree');
  const next = join(folder, 'next.deb');
  const script = `set -e
dpkg-deb -R "$1" "$2"
sed -i 's/^Version: .*/Version: ${NEXT_VERSION}/' "$2/DEBIAN/control"
cd "$2/usr/lib/selvage-agent"
for part in parts/*.mjs; do
  name=$(basename "$part" .mjs)
  echo "s/$name/$name-next/g"
  mv "$part" "parts/$name-next.mjs"
done > ../names.sed
sed -i -f ../names.sed selvage-agent.mjs parts/*.mjs
rm ../names.sed "$2/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Znone -b "$2" "$3"`;
  await run({ file: 'sh', args: ['-c', script, 'sh', deb, tree, next], deadlineMs: DEADLINE_MS, check: true });

  return next;
}

/** Path of the .deb of this version. */
export async function packProduct(product: ProductName): Promise<string> {
  const work = temporaryFolder('package');
  const runtime = await runtimeFor({ arch: process.arch === 'arm64' ? 'arm64' : 'x64', root, work, run });
  const out = join(work, 'out');
  const made = {
    root,
    work,
    out,
    product,
    runtime,
    formats: ['deb'],
    epoch: EPOCH_SECONDS,
    level: LEVEL,
    run,
  } as const;
  const [deb] = (await buildProduct(made)).files;
  if (deb === undefined) throw new Error('nothing was packed');

  return deb.file;
}
