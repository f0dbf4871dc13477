// Systems in which collect.sh is run for real: this machine, a root with nothing but busybox, and this machine with another
// package manager put over its own. All in namespaces: nothing of this machine changes. For tests only.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';

export const SCRIPT = join(import.meta.dirname, '../../../packaging/collect/collect.sh');
const DEADLINE_MS = 60_000;
/** What collect.sh uses, and no more. */
const APPLETS =
  'cat chmod cut date echo find grep head id ls mkdir mount printf pwd readlink rm sed sh sha256sum stat tar tr uname wc'.split(
    ' ',
  );

export interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The tar, empty when there is none. */
  readonly tar: Uint8Array;
  /** What lies in the folder afterwards. */
  readonly left: readonly string[];
}

/** Runs the script by that command in an empty folder of this machine. */
export function collectHere(
  command: readonly [string, ...string[]],
  how: { readonly uid?: number; readonly env?: Readonly<Record<string, string>>; readonly before?: string } = {},
): Ran {
  const folder = temporaryFolder('collect');
  // Whoever runs it must be able to read it, wherever the checkout lies.
  const carried = temporaryFolder('carried');
  const script = join(carried, 'collect.sh');
  copyFileSync(SCRIPT, script);
  for (const own of [folder, carried]) chmodSync(own, 0o777);
  const [file, ...args] = command;
  const prepared =
    how.before === undefined
      ? [file, ...args, script, 'out.tar']
      : ['unshare', '-r', '-m', 'sh', '-c', `${how.before} && exec "$@"`, 'sh', file, ...args, script, 'out.tar'];
  const [program = '', ...rest] = prepared;
  const { status, stdout, stderr } = spawnSync(program, rest, {
    ...{ cwd: folder, encoding: 'utf8', timeout: DEADLINE_MS },
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...how.env },
    ...(how.uid === undefined ? {} : { uid: how.uid, gid: how.uid }),
  });

  return ranIn(folder, { status, stdout, stderr });
}

/** A root with busybox as every program, the files given, and this machine's /proc. */
export function collectInBusybox(files: Readonly<Record<string, string>>): Ran {
  const root = temporaryFolder('busybox-root');
  for (const folder of ['bin', 'etc', 'proc', 'tmp', 'run']) mkdirSync(join(root, folder));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  copyFileSync(SCRIPT, join(root, 'collect.sh'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const enter = 'mount --rbind /proc "$1/proc" && exec chroot "$1" /bin/sh -c "cd /tmp && sh /collect.sh out.tar"';
  const { status, stdout, stderr } = spawnSync('unshare', ['-r', '-m', 'sh', '-c', enter, 'sh', root], {
    ...{ encoding: 'utf8', timeout: DEADLINE_MS, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  });

  return ranIn(join(root, 'tmp'), { status, stdout, stderr });
}

function ranIn(
  folder: string,
  { status, stdout, stderr }: { readonly status: number | null; readonly stdout: string; readonly stderr: string },
): Ran {
  const left = readdirSync(folder).sort();
  const tar = left.includes('out.tar') ? new Uint8Array(readFileSync(join(folder, 'out.tar'))) : new Uint8Array();

  return { exit: status, stdout, stderr, tar, left };
}
