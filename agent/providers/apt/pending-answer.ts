// The kept answer about pending updates, and the fingerprint that says whether it still holds. Sizes, inodes and times of
// files are compared, not their bytes: a change that leaves them all alone needs the rights of the agent itself.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import { hasErrno, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { type PendingUpdate, pendingUpdate, type Repository } from '@selvage/shared/model/package.ts';
import * as z from 'zod';
import { DPKG_FOLDER } from './dpkg-database.ts';
import { sourceFiles } from './source-files.ts';
import type { Workspace } from './workspace.ts';

export interface AnswerDeps {
  readonly root: string;
  readonly workspace: Workspace;
  readonly repositories: readonly Repository[];
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const ANSWER_MODE = 0o644;
/** Counts up when the meaning of the kept answer changes. */
const FORMAT = 1;

const answer = z.strictObject({ format: z.literal(FORMAT), of: z.string(), pending: z.array(pendingUpdate) });

export async function keepAnswer(path: string, of: string, pending: readonly PendingUpdate[]): Promise<void> {
  await writeDurable(path, JSON.stringify({ format: FORMAT, of, pending }), { mode: ANSWER_MODE });
}

/** Changes with everything that the answer depends on: lists, status, pins, sources and settings of apt. */
export async function fingerprint({ root, workspace, repositories }: AnswerDeps): Promise<string> {
  const etc = join(root, 'etc/apt');
  const folders = [join(etc, 'preferences.d'), join(etc, 'apt.conf.d'), join(root, DPKG_FOLDER, 'updates')];
  const inLists = (await inFolder(workspace.lists)).filter((path) =>
    /(_|^)(InRelease|Release|Packages)([.]|$)/.test(path),
  );
  const paths = [
    ...inLists,
    join(root, DPKG_FOLDER, 'status'),
    join(root, DPKG_FOLDER, 'arch'),
    join(etc, 'preferences'),
    join(etc, 'apt.conf'),
    ...(await sourceFiles(root)),
    ...(await Promise.all(folders.map(inFolder))).flat(),
  ];
  const marks = await Promise.all(paths.map(async (path) => [path, await mark(path)]));
  const trusted = repositories.map(({ id, security }) => [id, security]);

  return sha256(canonicalJson([FORMAT, marks, trusted]));
}

async function inFolder(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort().map((name) => join(folder, name));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function mark(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });

    return [ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Null when there is none, or when it is of another fingerprint. */
export async function readAnswer(path: string, of: string): Promise<readonly PendingUpdate[] | null> {
  const bytes = await readBounded(path, MAX_ANSWER_BYTES);
  if (!bytes) return null;

  try {
    const read = answer.safeParse(JSON.parse(new TextDecoder().decode(bytes)));

    return read.success && read.data.of === of ? read.data.pending : null;
  } catch {
    // A torn answer is no answer: apt is asked again.
    return null;
  }
}
