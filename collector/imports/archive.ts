// The tar of collect.sh as its few files, in memory: nothing is ever written to disk, and nothing but regular files of known
// names is taken. What is anything else (links, devices, other folders, sparse files, names twice) is refused by its name.
import { constants, gunzipSync } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { type ParsedTarEntryWithData, unpackTar } from 'modern-tar';

/** Bytes of the tar as it comes; one of a machine with 3,000 packages has 5 MiB. */
export const MAX_ARCHIVE_BYTES = 64 * 1024 * 1024;
/** Bytes of the tar after gunzip: as much as collect.sh writes at most. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
/** Bytes of a header that only says more about the next file: dates and owners need some hundred. */
const MAX_EXTENDED_BYTES = 8 * 1024;
const MAX_ENTRIES = 64;
const BLOCK = 512;
const FOLDER = 'selvage-collect';
/** What collect.sh writes, and nothing else. */
export const FILES = [
  'facts',
  'os-release',
  'dpkg-status',
  'dpkg-updates',
  'dpkg-times',
  'rpm-list',
  'kernels',
  'sockets',
  'processes',
  'deleted',
  'unreadable',
  'macs',
  'repositories',
  'not-collected',
] as const;
export type FileName = (typeof FILES)[number];
/** The text of a file, null where the machine did not bring it. */
export type Text = (name: FileName) => string | null;
export type Files = ReadonlyMap<FileName, Uint8Array>;

/** ustar: a file (two spellings) and a folder; POSIX's own header for the next entry. All else is refused before it is read. */
const FILE_TYPES = ['0', '\0'];
const FOLDER_TYPE = '5';
const EXTENDED_TYPE = 'x';
const TYPE_NAMES: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
  '7': 'a contiguous file',
  g: 'a header for all files',
  K: 'a long link',
  L: 'a long name',
  S: 'a sparse file',
  D: 'a folder of a dump',
  M: 'a part of a file',
};
/** Keys of POSIX headers that change nothing about what a file is called or holds. */
const HARMLESS_KEYS = /^(mtime|atime|ctime|uid|gid|uname|gname|comment|SCHILY[.](dev|ino|nlink))$/;

/** The files by name. Throws IMPORT_INVALID naming the entry; then nothing of it is to be kept. */
export async function openArchive(sent: Uint8Array): Promise<Files> {
  const tar = unpacked(sent);
  assertPlain(tar);
  const entries = await unpackTar(tar, { strict: true }).catch((error: unknown) => {
    throw invalid(`the tar is damaged: ${error instanceof Error ? error.message : String(error)}`, error);
  });
  const files = new Map<FileName, Uint8Array>();

  for (const entry of entries) {
    const name = nameOf(entry);
    if (name === null) continue;
    if (files.has(name)) throw invalid(`${shown(entry.header.name)} is in the tar twice`);
    files.set(name, entry.data ?? new Uint8Array());
  }
  if (!files.has('facts')) throw invalid(`there is no ${FOLDER}/facts in it: it is not from collect.sh`);

  return files;
}

/** gzip is for carrying it, nothing else. */
function unpacked(sent: Uint8Array): Uint8Array {
  if (sent[0] !== 0x1f || sent[1] !== 0x8b) return sent;

  try {
    return gunzipSync(sent, { maxOutputLength: MAX_UNPACKED_BYTES, finishFlush: constants.Z_FINISH });
  } catch (error) {
    const why = hasErrno(error, 'ERR_BUFFER_TOO_LARGE')
      ? `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
      : 'is damaged';
    throw invalid(`the gzip file ${why}`, error);
  }
}

/**
 * Walks over the headers before anything is taken from them: a reader of tar files makes the best of what it does not know, and a
 * sparse file becomes an ordinary one.
 */
function assertPlain(tar: Uint8Array): void {
  let entries = 0;

  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    // Two empty blocks end a tar; the reader that follows insists on them.
    if (header.every((byte) => byte === 0)) return;
    if (text(header, 257, 5) !== 'ustar') throw invalid(entries === 0 ? 'it is no tar' : 'the tar is damaged');
    const name = shown(text(header, 0, 100));
    entries += 1;
    if (entries > MAX_ENTRIES) throw invalid(`${name}: there are more than ${MAX_ENTRIES} entries`);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = sizeOf(header, name);
    const isFile = FILE_TYPES.includes(type);
    if (!isFile && type !== FOLDER_TYPE && type !== EXTENDED_TYPE) {
      throw invalid(`${name} is ${TYPE_NAMES[type] ?? `of the unknown type ${JSON.stringify(type)}`}, no regular file`);
    }
    if (type === EXTENDED_TYPE && size > MAX_EXTENDED_BYTES) throw invalid(`${name}: its header has ${size} bytes`);
    if (type === FOLDER_TYPE && size !== 0) throw invalid(`${name} is a folder of ${size} bytes`);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (at > tar.length) throw invalid(`${name} is said to have ${size} bytes, which the file does not hold`);
  }
}

/** ustar: octal digits; other ways to write a size are for files larger than 8 GiB. */
function sizeOf(header: Uint8Array, name: string): number {
  if ((header[124] ?? 0) >= 0x80) throw invalid(`${name} is said to be larger than 8 GiB`);
  const digits = text(header, 124, 12).trim();
  if (!/^[0-7]{1,12}$/.test(digits)) throw invalid(`${name} has no size`);

  return Number.parseInt(digits, 8);
}

/** Null for the folder itself. */
function nameOf({ header }: ParsedTarEntryWithData): FileName | null {
  const { name, type, pax } = header;
  const odd = Object.keys(pax ?? {}).find((key) => !HARMLESS_KEYS.test(key));
  if (odd !== undefined) throw invalid(`${shown(name)} has a header ${shown(odd)}, which collect.sh never writes`);
  const path = name.replace(/^[.]\//, '');
  if (type === 'directory' && path.replace(/\/$/, '') === FOLDER) return null;
  const [folder, file, ...rest] = path.split('/');
  const known = FILES.find((each) => each === file);
  if (type !== 'file' || folder !== FOLDER || rest.length > 0 || known === undefined) {
    throw invalid(`${shown(name)} is no file of collect.sh`);
  }

  return known;
}

function text(header: Uint8Array, start: number, length: number): string {
  return Buffer.from(header.subarray(start, start + length))
    .toString('latin1')
    .replace(/\0.*$/s, '');
}

const SHOWN_LENGTH = 120;
const shown = (name: string) => JSON.stringify(name.length > SHOWN_LENGTH ? `${name.slice(0, SHOWN_LENGTH)}…` : name);

function invalid(why: string, cause?: unknown): CodedError {
  return new CodedError('IMPORT_INVALID', `nothing was imported: ${why}`, cause === undefined ? {} : { cause });
}
