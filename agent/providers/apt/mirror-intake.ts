// From the fetcher's mirror folders into the runner's own copy, which is all that a privileged apt ever reads. Whoever owns the
// mirror may plant anything and change it at any time: each file is taken once, by descriptors, up to the size and with the hash
// that the index gives it. It judges no signature: apt does that, over these very bytes.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type ForeignFolder, openForeign } from '@selvage/shared/files/foreign.ts';
import { isInside } from './mirror.ts';
import { MIRROR_FILE, putFile, putFolder } from './mirror-files.ts';
import { type ListedFile, listedFiles } from './release.ts';

/** A file that a verified index lists. */
export interface WantedFile extends ListedFile {
  /** Folder of the repository, as the fetcher names it. */
  readonly repository: string;
}

export interface Taken {
  /** `InRelease`, or `Release` where the archive signs it apart. */
  readonly index: string;
  readonly bytes: Uint8Array;
}

/** apt's own bound (Acquire::MaxReleaseFileSize). */
const MAX_RELEASE_BYTES = 10 * 1024 * 1024;
/**
 * All lists of one repository that the mirror holds; Debian's main is 55 MB uncompressed. Nobody has verified their sizes yet: sparse
 * files that cost their planter nothing would fill the disk of root.
 */
export const MAX_LISTS_BYTES = 512 * 1024 * 1024;
/** Its size comes from a verified list, and room was looked for: this only bounds a mistake of the archive. */
const MAX_PACKAGE_BYTES = 16 * 1024 * 1024 * 1024;
/** Lists that an index may name: components times architectures, debug and installer lists. */
const MAX_LISTS = 4096;
/** Repositories of one host; what lies there besides is refused by name. */
const MAX_REPOSITORIES = 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Names of the folders in the mirror; null when there is no mirror. Throws MIRROR_REFUSED. */
export function mirrorFolders(packages: string): Promise<readonly string[] | null> {
  return inMirror(packages, (mirror) => mirror.names('', MAX_REPOSITORIES));
}

/** Removes what an earlier pass took. */
export async function forgetTaken(own: string): Promise<void> {
  await rm(own, { recursive: true, force: true });
}

/** Takes the signed index of one repository and the lists that it names. Throws MIRROR_REFUSED. */
export async function takeIndexes(packages: string, repository: string, suite: string, own: string): Promise<Taken> {
  const taken = await inMirror(packages, async (mirror) => {
    const at = (name: string) => posix.join(repository, suite, name);
    const found = await readIndex(mirror, at);
    if (found === null) return null;

    for (const [name, bytes] of found.files) await putFile(join(own, at(name)), bytes);
    let left = MAX_LISTS_BYTES;
    for (const list of listsOf(found.index, found.bytes)) {
      const to = join(own, at(list.path));
      if (await take(mirror, at(list.path), { to, file: list, most: left })) left -= list.size;
    }

    return { index: found.index, bytes: found.bytes };
  });
  if (taken === null) {
    throw refused(`${join(packages, repository)} has no signed index`, undefined, { folder: repository });
  }

  return taken;
}

/**
 * Takes the packages, each with the size and hash that the verified list gives it. Answers the paths of those that are not
 * there. Throws MIRROR_REFUSED for other bytes and for what is no plain file.
 */
export async function takePackages(
  packages: string,
  files: readonly WantedFile[],
  own: string,
): Promise<readonly string[]> {
  const missing = await inMirror(packages, async (mirror) => {
    const absent: string[] = [];
    for (const file of files) {
      const path = posix.join(file.repository, file.path);
      const given = { to: join(own, path), file, most: MAX_PACKAGE_BYTES };
      if (!(await take(mirror, path, given))) absent.push(join(packages, path));
    }

    return absent;
  });

  return missing ?? files.map((file) => join(packages, file.repository, file.path));
}

interface FoundIndex extends Taken {
  readonly files: readonly (readonly [string, Uint8Array])[];
}

async function readIndex(mirror: ForeignFolder, at: (name: string) => string): Promise<FoundIndex | null> {
  const clear = await mirror.read(at('InRelease'), MAX_RELEASE_BYTES);
  if (clear !== null) return { index: 'InRelease', bytes: clear, files: [['InRelease', clear]] };

  const release = await mirror.read(at('Release'), MAX_RELEASE_BYTES);
  if (release === null) return null;
  const signature = await mirror.read(at('Release.gpg'), MAX_RELEASE_BYTES);
  const files = [['Release', release] as const, ...(signature ? [['Release.gpg', signature] as const] : [])];

  return { index: 'Release', bytes: release, files };
}

/** Names come from a text that nobody has verified yet: only plain ones, and no more bytes than a large archive has. */
function listsOf(index: string, bytes: Uint8Array): readonly ListedFile[] {
  const lists = listedFiles(new TextDecoder().decode(bytes), index).filter(
    ({ path }) => posix.basename(path) === 'Packages' && isInside(path) && posix.normalize(path) === path,
  );
  if (lists.length > MAX_LISTS) throw refused(`${index} names ${lists.length} lists`);

  return lists;
}

/** False when it is not there. Written only where it is whole: a partial copy is removed. */
async function take(
  mirror: ForeignFolder,
  path: string,
  { to, file, most }: { readonly to: string; readonly file: ListedFile; readonly most: number },
): Promise<boolean> {
  const source = await mirror.open(path);
  if (source === null) return false;

  try {
    if (file.size > most) throw refused(`${path} is listed with ${file.size} bytes; ${most} may be taken`);
    const { size } = await source.stat();
    if (size !== file.size) throw refused(`${path} has ${size} bytes; its index says ${file.size}`);
    await putFolder(dirname(to));
    await rm(to, { force: true });
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const target = await open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, MIRROR_FILE);
    try {
      const hash = await copy(source, target, file);
      await target.chmod(MIRROR_FILE);
      if (hash === file.hash) return true;
    } finally {
      await target.close();
    }
    await rm(to);
    throw refused(`${path} is not what its index says`);
  } finally {
    await source.close();
  }
}

/** Never more than the listed bytes, whatever the file grows to meanwhile. */
async function copy(source: FileHandle, target: FileHandle, { size, algorithm }: ListedFile): Promise<string> {
  const hash = createHash(algorithm);
  const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(1, size)));

  for (let at = 0; at < size; ) {
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await target.writeFile(chunk);
    at += bytesRead;
  }

  return hash.digest('hex');
}

async function inMirror<T>(packages: string, work: (mirror: ForeignFolder) => Promise<T>): Promise<T | null> {
  try {
    const mirror = await openForeign(packages);
    if (mirror === null) return null;

    try {
      return await work(mirror);
    } finally {
      await mirror.close();
    }
  } catch (error) {
    const coded = asCoded(error);
    // What was planted is the mirror's fault; a full disk of ours, say, is not.
    if (coded.code !== 'FILE_UNSAFE' && coded.code !== 'FILE_TOO_LARGE') throw error;
    throw refused(coded.message, error);
  }
}

function refused(message: string, cause?: unknown, details: Readonly<Record<string, unknown>> = {}): CodedError {
  return new CodedError('MIRROR_REFUSED', message, cause === undefined ? { details } : { cause, details });
}
