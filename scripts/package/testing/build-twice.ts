// Builds both products in every format from one checkout, with a small program in Node's place: how it is started (folder, user mask, zone,
// language) is the caller's. Prints the hash of each file.
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { buildProduct, FORMATS } from '../build.ts';
import type { ProductName } from '../product.ts';
import { runtimeFor } from '../runtime.ts';

const [root = '', folder = '', epoch = ''] = process.argv.slice(2);
const run = createRun(process.env);
const out = join(folder, 'out');
const work = join(folder, 'work');
await mkdir(work, { recursive: true });
const real = await runtimeFor({ arch: process.arch === 'arm64' ? 'arm64' : 'x64', root, work, run });
const runtime = { ...real, program: '/usr/bin/true' };
const hashes: Record<string, string> = {};

for (const product of ['agent', 'collector'] satisfies ProductName[]) {
  const parts = { root, work, out, product, runtime, formats: FORMATS, epoch: Number(epoch), level: 6, run };
  const { files, missing } = await buildProduct(parts);
  for (const error of missing) throw error;
  for (const { file } of files) {
    hashes[basename(file)] = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }
}
process.stdout.write(`${JSON.stringify(hashes)}\n`);
