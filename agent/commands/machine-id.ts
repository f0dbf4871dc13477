// The machine id as it is told to the collector: a hash, because machine-id(5) asks not to expose the id itself.
import { hostname } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';

const MAX_BYTES = 256;

/** Lower-case hex. A system without a machine id (never booted, a container) is told apart by its host name. */
export async function machineIdOf(root: string): Promise<string> {
  const bytes = await readBounded(join(root, 'etc/machine-id'), MAX_BYTES);
  const id = Buffer.from(bytes ?? [])
    .toString('utf8')
    .trim();

  return sha256(`selvage machine ${id === '' ? `without id: ${hostname()}` : id}`);
}
