// Copies one file and says what was copied: as many bytes as there are, in pieces, synced, never through a link.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const PRIVATE_FILE = 0o600;
const PIECE_BYTES = 1024 * 1024;

export interface Copied {
  readonly bytes: number;
  readonly sha256: Sha256;
}

/** `to` null: only reads. Null when there is no such file. Throws FILE_UNSAFE or DISK_FULL. */
export async function copyFile(from: string, to: string | null): Promise<Copied | null> {
  const source = await openSource(from);
  if (!source) return null;
  let target: FileHandle | undefined;

  try {
    if (!(await source.stat()).isFile()) throw unsafe(from);
    target = to === null ? undefined : await open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_FILE);
    const hash = createHash('sha256');
    const piece = Buffer.alloc(PIECE_BYTES);
    let bytes = 0;

    for (;;) {
      const { bytesRead } = await source.read(piece, 0, piece.length, bytes);
      if (bytesRead === 0) break;
      const read = piece.subarray(0, bytesRead);
      hash.update(read);
      await target?.writeFile(read);
      bytes += bytesRead;
    }
    await target?.sync();

    return { bytes, sha256: hash.digest('hex') as Sha256 };
  } catch (error) {
    if (!hasErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
    throw new CodedError('DISK_FULL', `no space to write ${to}`, { cause: error });
  } finally {
    await source.close();
    await target?.close();
  }
}

async function openSource(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    if (hasErrno(error, 'ELOOP', 'ENXIO')) throw unsafe(path, error);
    throw error;
  }
}

function unsafe(path: string, cause?: unknown): CodedError {
  return new CodedError('FILE_UNSAFE', `${path} is a link or not a regular file`, { cause });
}
