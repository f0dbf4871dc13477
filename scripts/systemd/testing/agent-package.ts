import { join } from 'node:path';
import { arch } from 'node:process';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { buildProduct } from '../../package/build.ts';
import { runtimeFor } from '../../package/runtime.ts';

const root = join(import.meta.dirname, '../../..');
const run = createRun(process.env);
const EPOCH_SECONDS = 1_790_000_000;
/** Hardly packed at all: it is unpacked a moment later. */
const LEVEL = 0;

/** Path of the .deb; `version`: of another than this one. */
export async function packAgent(version?: string): Promise<string> {
  const work = temporaryFolder('package');
  const runtime = await runtimeFor({ arch: arch === 'arm64' ? 'arm64' : 'x64', root, work, run });
  const { files } = await buildProduct({
    root,
    work,
    out: join(work, 'out'),
    product: 'agent',
    runtime,
    formats: ['deb'],
    epoch: EPOCH_SECONDS,
    level: LEVEL,
    ...(version === undefined ? {} : { version }),
    run,
  });
  const [deb] = files;
  if (deb === undefined) throw new Error('nothing was packed');

  return deb.file;
}
