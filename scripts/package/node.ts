// The Node that goes into a package: the platform package of the locked version. That of this machine's own kind is installed here; another
// is brought by npm and believed only when its bytes are those that the lock file names.
import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { ARCHES, type Arch } from './arches.ts';

const DOWNLOAD_DEADLINE_MS = 10 * 60_000;
const UNPACK_DEADLINE_MS = 5 * 60_000;

export interface NodePackage {
  readonly version: string;
  readonly program: string;
  readonly license: string;
}

interface Locked {
  readonly version: string;
  readonly integrity?: string;
}

/** `work`: a folder for what is brought. Throws FILE_CORRUPT for bytes that the lock file does not name, UNREACHABLE without a registry. */
export async function nodeFor(arch: Arch, root: string, work: string, run: Run): Promise<NodePackage> {
  const name = ARCHES[arch].node;
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new CodedError('FILE_CORRUPT', `package-lock.json does not know ${name}`);
  const installed = join(root, 'node_modules', name);
  const folder = (await exists(join(installed, 'bin/node'))) ? installed : await bring(name, locked, work, run);

  return { version: locked.version, program: join(folder, 'bin/node'), license: join(folder, 'LICENSE') };
}

async function bring(name: string, { version, integrity }: Locked, work: string, run: Run): Promise<string> {
  const packed = await run({
    file: 'npm',
    args: ['pack', `${name}@${version}`, '--pack-destination', work, '--silent'],
    cwd: work,
    deadlineMs: DOWNLOAD_DEADLINE_MS,
  });
  if (packed.exitCode !== 0) {
    throw new CodedError('UNREACHABLE', `npm did not bring ${name} ${version}: ${packed.stderr.trim().slice(-500)}`, {
      next: 'check the network or proxy; or leave this architecture out with --arch',
    });
  }
  const file = join(work, packed.stdout.trim().split('\n').at(-1) ?? '');
  await refuseOther(file, integrity);
  const folder = join(work, name);
  await run({ file: 'mkdir', args: ['-p', folder], deadlineMs: UNPACK_DEADLINE_MS, check: true });
  const args = ['-xzf', file, '-C', folder, '--strip-components=1', '--no-same-owner'];
  await run({ file: 'tar', args, deadlineMs: UNPACK_DEADLINE_MS, check: true });

  return folder;
}

/** `integrity` as in a lock file: `sha512-<base64>`. */
export async function refuseOther(file: string, integrity: string | undefined): Promise<void> {
  const [algorithm, wanted] = integrity?.split(/-(.*)/s) ?? [];
  const got = createHash('sha512')
    .update(await readFile(file))
    .digest('base64');
  if (algorithm === 'sha512' && wanted === got) return;
  throw new CodedError('FILE_CORRUPT', `${file} is not what package-lock.json names: sha512-${got}`, {
    next: 'find out why the registry gave other bytes; nothing was built from them',
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
