// `npm run package`: the packages of both products for both architectures, with their sizes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { buildPackages } from './build.ts';
import { readOptions } from './options.ts';

const root = join(import.meta.dirname, '../..');
const GIT_DEADLINE_MS = 30_000;

export async function main(args: readonly string[]): Promise<number> {
  const { arches, out } = readOptions(args, root);
  const run = createRun(process.env);
  const work = await mkdtemp(join(tmpdir(), 'selvage-package-'));
  const { stdout } = await run({
    file: 'git',
    args: ['log', '-1', '--format=%ct'],
    cwd: root,
    deadlineMs: GIT_DEADLINE_MS,
    check: true,
  });
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? stdout.trim());

  try {
    for (const arch of arches) {
      for (const { file, bytes } of await buildPackages({
        root,
        work,
        out,
        product: 'agent',
        arch,
        epoch,
        level: 6,
        run,
      })) {
        process.stdout.write(`${file}  ${bytes}\n`);
      }
    }
  } finally {
    await rm(work, { recursive: true });
  }

  return 0;
}
