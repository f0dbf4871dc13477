// Who this host is, in the runner's own folder: its ring is worked out from it, so the connector must not be able to change it.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import * as z from 'zod/mini';

const MAX_BYTES = 4096;
const FILE_MODE = 0o644;
const file = z.strictObject({
  hostId: z.pipe(
    z.uuid(),
    z.transform((id) => id as HostId),
  ),
  name: z.string().check(z.minLength(1), z.maxLength(253)),
});

export type RunnerHost = z.output<typeof file>;

export async function writeRunnerHost(runnerDir: string, { hostId, name }: RunnerHost): Promise<void> {
  await writeDurable(join(runnerDir, 'host.json'), `${JSON.stringify({ hostId, name })}\n`, { mode: FILE_MODE });
}

/** Throws NOT_ENROLLED when there is none, FILE_CORRUPT when it is not what enrollment wrote. */
export async function readRunnerHost(runnerDir: string): Promise<RunnerHost> {
  const path = join(runnerDir, 'host.json');
  const bytes = await readBounded(path, MAX_BYTES);
  if (bytes === null) throw new CodedError('NOT_ENROLLED', `the runner does not know this host (${path} is missing)`);

  try {
    return file.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${path} is not what enrollment wrote`, { cause: error });
  }
}
