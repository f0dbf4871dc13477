// Sends a file or folder of a feed to the collector, piece by piece: neither side holds more than one. A folder goes as a tar of its
// regular files.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { packTar } from 'modern-tar/fs';
import { feedUpload } from '../api/contract/feeds.ts';
import { FILE_TYPE } from '../api/contract/imports.ts';
import type { Cli } from './cli.ts';
import type { Client } from './client.ts';

/** Bytes: as much as the collector takes at once. */
const PIECE_BYTES = 8 * 1024 * 1024;
const MIB = 1024 * 1024;
/** Pieces between two lines about it. */
const TELL_EVERY = 8;

/** The number of the upload. Throws NOT_FOUND, FILE_UNREADABLE, FILE_UNSAFE and what the collector answers. */
export async function sendFile({ screen }: Pick<Cli, 'screen'>, client: Client, path: string): Promise<string> {
  const facts = await stat(path).catch(unreadable(path));
  if (!facts.isFile() && !facts.isDirectory()) throw new CodedError('FILE_UNSAFE', `${path} is no file and no folder`);
  const bytes = facts.isFile() ? facts.size : null;
  if (bytes === 0) throw new CodedError('FEED_INVALID', `${path} is empty: nothing was imported`);
  const content: AsyncIterable<Buffer> = facts.isFile()
    ? createReadStream(path, { highWaterMark: MIB })
    : packTar(path, { filter: (_path, entry) => entry.isFile() || entry.isDirectory() });
  const { id } = await client.post('/v1/feeds/uploads', { file: basename(path), bytes }, feedUpload);
  let sent = 0;
  let count = 0;

  try {
    for await (const piece of pieces(content)) {
      const target = `/v1/feeds/uploads/${id}?offset=${sent}`;
      await client.upload(target, { type: FILE_TYPE, bytes: piece }, feedUpload);
      sent += piece.length;
      count += 1;
      if (count % TELL_EVERY === 0) screen.note(`${basename(path)}: ${Math.round(sent / MIB)} MiB sent`);
    }
  } catch (error) {
    throw error instanceof CodedError ? error : unreadable(path)(error);
  }

  return id;
}

async function* pieces(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let kept: Buffer[] = [];
  let size = 0;
  for await (const part of content) {
    for (let at = 0; at < part.length; ) {
      const taken = part.subarray(at, at + PIECE_BYTES - size);
      kept.push(taken);
      size += taken.length;
      at += taken.length;
      if (size < PIECE_BYTES) continue;
      yield Buffer.concat(kept);
      kept = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(kept);
}

function unreadable(path: string) {
  return (error: unknown): never => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) {
      throw new CodedError('NOT_FOUND', `there is no file ${path}`, { cause: error, next: 'check the path' });
    }
    if (hasErrno(error, 'EACCES', 'EPERM')) {
      throw new CodedError('FILE_UNREADABLE', `${path} may not be read`, { cause: error, next: 'look at its rights' });
    }
    throw error;
  };
}
