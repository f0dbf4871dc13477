// The files and folders that somebody brought → the members in them, opened one after the other, and the hash of all of it. It only
// reads, follows no link inside a folder and goes through every file once.
import { createHash } from 'node:crypto';
import { constants, type FileHandle, open, opendir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { Budget } from './bounds.ts';
import { kindOf, type Member, unpack } from './unpack.ts';
import { unzip } from './zip.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const CHUNK_BYTES = 256 * 1024;
const HEAD_BYTES = 512;
/** Folders within folders. */
const MAX_FOLDER_DEPTH = 16;

/** A file or folder on this machine, named by whoever runs this, never by what is in a file. */
export interface FeedFile {
  readonly path: string;
  /** What it is called when that is not its name here: of an upload, of an address. */
  readonly name?: string;
  /** What the settings say about it: written behind the name of each file in it. */
  readonly mark?: string;
}

/** Of one file its own hash; of several, or a folder, of their names and hashes in order. */
export async function hashOf(files: readonly FeedFile[], budget: Budget): Promise<Sha256> {
  const hashes: [string, string][] = [];
  for await (const { path, name } of eachFile(files, budget)) {
    const hash = createHash('sha256');
    const handle = await openFile(path);
    try {
      for await (const part of chunks(handle, budget)) hash.update(part);
    } finally {
      await handle.close();
    }
    hashes.push([name, hash.digest('hex')]);
  }
  const [only] = hashes;
  if (only === undefined) throw budget.refuse('or folder is empty');
  if (hashes.length === 1) return only[1] as Sha256;

  return createHash('sha256').update(JSON.stringify(hashes)).digest('hex') as Sha256;
}

export async function* membersOf(files: readonly FeedFile[], budget: Budget): AsyncGenerator<Member> {
  for await (const { path, name, packed } of eachFile(files, new Budget(budget.bounds))) {
    const handle = await openFile(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      if (kindOf(buffer.subarray(0, bytesRead)) === 'zip') yield* unzip(handle, budget);
      else yield* unpack(name, chunks(handle, budget), budget, { packed });
    } finally {
      await handle.close();
    }
  }
}

async function* eachFile(
  files: readonly FeedFile[],
  budget: Budget,
): AsyncGenerator<Required<Pick<FeedFile, 'path' | 'name'>> & { packed: boolean }> {
  for (const { path, name, mark = '' } of files) {
    const found: string[] = [];
    if (await isFolder(path)) await collect(path, found, budget, 0);
    else yield { path, name: `${name ?? basename(path)}${mark}`, packed: false };
    for (const each of found.sort()) yield { path: each, name: `${relative(path, each)}${mark}`, packed: true };
  }
}

async function collect(folder: string, found: string[], budget: Budget, depth: number): Promise<void> {
  if (depth > MAX_FOLDER_DEPTH) throw budget.refuse(`or folder is deeper than ${MAX_FOLDER_DEPTH}`);
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collect(path, found, budget, depth + 1);
    else if (entry.isFile() && !entry.name.startsWith('.')) {
      budget.member();
      found.push(path);
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  const handle = await openFile(path, O_RDONLY | O_NONBLOCK);
  try {
    return (await handle.stat()).isDirectory();
  } finally {
    await handle.close();
  }
}

async function openFile(path: string, flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) throw new CodedError('NOT_FOUND', `there is no file ${path}`, { cause: error });
    throw new CodedError('FILE_UNREADABLE', `${path} cannot be read`, { cause: error, next: 'look at its rights' });
  }
  const facts = await handle.stat();
  if (facts.isFile() || facts.isDirectory()) return handle;
  await handle.close();
  throw new CodedError('FILE_UNSAFE', `${path} is no regular file and no folder`);
}

async function* chunks(handle: FileHandle, budget: Budget): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    budget.read(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}
