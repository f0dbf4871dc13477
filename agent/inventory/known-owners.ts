// Which package owns a path, remembered between inventories for as long as dpkg has changed nothing: reading every file list of a
// host takes a third of an inventory, and the paths that are asked for hardly change. It only saves time; what cannot be read,
// or may have changed while it was looked up, is looked up again.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { type FileList, findOwners, type Owners, readFileLists } from './owners.ts';

export interface KnownOwnersOptions {
  /** dpkg's folder, `var/lib/dpkg` below a root. */
  readonly dpkg: string;
  /** Where they are remembered: a folder that nobody else can write. Null: they are looked up each time. */
  readonly file: string | null;
  readonly clock: Clock;
}

/** Counts up when the meaning of the file changes. */
const FORMAT = 1;
const MAX_BYTES = 8 * 1024 * 1024;
/** Beyond it nothing is remembered: a host with more paths to ask for is slow, not wrong. */
const MAX_PATHS = 50_000;
/** A folder that changed only now may change again without another time on it: file systems count in ticks. */
const SETTLED_MS = 2000;

interface Remembered {
  readonly of: string;
  /** Path → package, or null where no package owns it. */
  readonly owners: Map<string, string | null>;
}

/** Answers like `findOwners` over the lists of the host. Calls may overlap. */
export function createKnownOwners(options: KnownOwnersOptions): (paths: readonly string[]) => Promise<Owners> {
  const info = join(options.dpkg, 'info');
  let opened: Promise<Remembered | null> | undefined;
  let lists: Promise<readonly FileList[]> | undefined;
  let saved: Promise<void> = Promise.resolve();
  const lookUp = async (paths: readonly string[]) => {
    lists ??= readFileLists(info);

    return findOwners(await lists, paths);
  };

  return async (paths) => {
    if (paths.length === 0) return new Map();
    opened ??= open(options);
    const known = await opened;
    if (known === null || options.file === null) return lookUp(paths);

    const unknown = paths.filter((path) => !known.owners.has(path));
    if (unknown.length > 0) {
      const found = await lookUp(unknown);
      for (const path of unknown) known.owners.set(path, found.get(path) ?? null);
      const { file } = options;
      // One after the other: the last write holds what all calls have found.
      saved = saved.then(() => save(file, known, options));
      await saved;
    }

    return new Map(paths.flatMap((path) => ownedBy(path, known.owners.get(path))));
  };
}

function ownedBy(path: string, owner: string | null | undefined): (readonly [string, string])[] {
  return owner === null || owner === undefined ? [] : [[path, owner]];
}

/** Null where nothing may be remembered now. */
async function open(options: KnownOwnersOptions): Promise<Remembered | null> {
  const of = options.file === null ? null : await fingerprint(options);
  if (of === null || options.file === null) return null;

  try {
    const bytes = await readBounded(options.file, MAX_BYTES);
    const kept: unknown = bytes === null ? null : JSON.parse(Buffer.from(bytes).toString('utf8'));

    return { of, owners: isOf(kept, of) ? new Map(Object.entries(kept.owners)) : new Map() };
  } catch {
    // Torn, changed by hand or not to be read: everything is looked up, and written over.
    return { of, owners: new Map() };
  }
}

function isOf(kept: unknown, of: string): kept is { readonly owners: Readonly<Record<string, string | null>> } {
  if (typeof kept !== 'object' || kept === null || !('owners' in kept) || !('of' in kept)) return false;
  const { owners } = kept;
  if (kept.of !== of || typeof owners !== 'object' || owners === null) return false;

  return Object.values(owners).every((owner) => owner === null || typeof owner === 'string');
}

/**
 * Changes with every file list: dpkg writes a new one beside it and renames it, which changes the folder, and the status with it.
 * Null when there is none, or when it changed a moment ago.
 */
async function fingerprint({ dpkg, clock }: KnownOwnersOptions): Promise<string | null> {
  try {
    const [info, status] = await Promise.all(
      [join(dpkg, 'info'), join(dpkg, 'status')].map((path) => stat(path, { bigint: true })),
    );
    if (info === undefined || status === undefined) return null;
    const ages = [info, status].map(({ ctimeMs }) => clock.now().epochMilliseconds - Number(ctimeMs));
    if (ages.some((age) => age < SETTLED_MS)) return null;
    const marks = [info, status].map(({ dev, ino, size, mtimeNs, ctimeNs }) => [dev, ino, size, mtimeNs, ctimeNs]);

    return [FORMAT, ...marks.flat()].join(' ');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return null;
    throw error;
  }
}

async function save(file: string, { of, owners }: Remembered, options: KnownOwnersOptions): Promise<void> {
  // What was read while dpkg wrote is of neither state.
  if (owners.size > MAX_PATHS || (await fingerprint(options)) !== of) return;

  try {
    await writeDurable(file, `${JSON.stringify({ of, owners: Object.fromEntries(owners) })}\n`);
  } catch (error) {
    // Without room, or where this user may not write, they are looked up the next time too.
    if (!hasCode(error) && !hasErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'EROFS')) throw error;
  }
}
