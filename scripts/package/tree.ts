// What a package puts on a machine, as data: every path with its mode and its content. Written to a folder with fixed modes and one time,
// whatever the umask and the clock of the build machine are; owners are the packers' business (root).
import { chmod, copyFile, lutimes, mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { hasErrno } from '@selvage/shared/files/durable.ts';

export type Entry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: string | Uint8Array }
  /** Content lies in another file of this machine. */
  | { readonly kind: 'copy'; readonly path: string; readonly mode: number; readonly from: string }
  | { readonly kind: 'link'; readonly path: string; readonly to: string };

/** Paths are below the root of a machine, without a leading slash, and sorted: `/` sorts before everything else. */
export type Tree = readonly Entry[];

export const FOLDER_MODE = 0o755;
export const FILE_MODE = 0o644;
export const PROGRAM_MODE = 0o755;
const LINK_BYTES = 0;
/** What of a mode no umask takes away. */
const OWNER_STARTS = 0o100;

/** Adds the folders above each entry, and sorts. */
export function treeOf(entries: readonly Entry[]): Tree {
  const all = new Map<string, Entry>();
  for (const { path } of entries) {
    for (let above = dirname(path); above !== '.'; above = dirname(above)) {
      all.set(above, { kind: 'folder', path: above, mode: FOLDER_MODE });
    }
  }
  for (const entry of entries) all.set(entry.path, entry);

  return [...all.values()].sort((a, b) => compare(a.path, b.path));
}

/** Every file of `folder`, programs as such, below `path` of the machine; none where the folder is not there. */
export async function copiesOf(folder: string, path: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  });

  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

  return Promise.all(
    files.map(async (from): Promise<Entry> => {
      const isProgram = ((await stat(from)).mode & OWNER_STARTS) !== 0;

      return {
        kind: 'copy',
        path: join(path, relative(folder, from)),
        mode: isProgram ? PROGRAM_MODE : FILE_MODE,
        from,
      };
    }),
  );
}

/** `epoch` in seconds. The folder is empty or absent. */
export async function writeTree(folder: string, tree: Tree, epoch: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const entry of tree) await writeEntry(join(folder, entry.path), entry);
  // Inner ones first: what is written into a folder changes its time.
  for (const { path, kind } of [...tree].reverse()) {
    await (kind === 'link' ? lutimes : utimes)(join(folder, path), epoch, epoch);
  }
  await chmod(folder, FOLDER_MODE);
  await utimes(folder, epoch, epoch);
}

/** Bytes of its files; folders and links count as nothing. */
export async function bytesOf(tree: Tree): Promise<number> {
  const sizes = await Promise.all(tree.map(sizeOf));

  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOf(entry: Entry): Promise<number> {
  if (entry.kind === 'file') return Buffer.byteLength(entry.content);

  return entry.kind === 'copy' ? (await stat(entry.from)).size : LINK_BYTES;
}

async function writeEntry(path: string, entry: Entry): Promise<void> {
  switch (entry.kind) {
    case 'folder':
      await mkdir(path);
      break;
    case 'file':
      await writeFile(path, entry.content, { flag: 'wx' });
      break;
    case 'copy':
      await copyFile(entry.from, path);
      break;
    case 'link':
      await symlink(entry.to, path);

      return;
  }
  // The umask cuts what mkdir and open are given.
  await chmod(path, entry.mode);
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a.replaceAll('/', '\0')), Buffer.from(b.replaceAll('/', '\0')));
}
