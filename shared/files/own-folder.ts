// Is a folder really its owner's alone? Whoever owns a folder on the way, or may write into it, can rename what lies below
// and put something else in its place, whatever the modes of that are. It only looks; it changes nothing.
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CodedError } from '../errors/coded-error.ts';

const ROOT = 0;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
/** In a sticky folder (/tmp) only the owner of an entry may rename or remove it. */
const STICKY = 0o1000;
/** What the kernel follows at most (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * Throws FILE_UNSAFE unless the folder, everything above it and every link on the way belong to this user or to the
 * system's owner, and nobody else may write there. A group counts when this is root: for an ordinary user it is often
 * their own, and nothing is gained over them.
 */
export async function refuseForeignFolder(path: string): Promise<void> {
  // Who owns `/` is the system: root, or what root looks like from inside a user namespace.
  const owners = new Set([process.geteuid?.(), ROOT, (await stat('/')).uid]);
  const writes = process.geteuid?.() === ROOT ? OTHERS_WRITE | GROUP_WRITES : OTHERS_WRITE;
  const place = await realpath(path);
  const pending = [resolve(path)];
  const seen = new Set<string>();

  for (let links = 0; ; ) {
    const at = pending.pop();
    if (at === undefined) return;
    if (seen.has(at)) continue;
    seen.add(at);

    const facts = await lstat(at);
    if (!owners.has(facts.uid)) throw unsafe(path, `${at} belongs to the user with id ${facts.uid}`);
    if (facts.isSymbolicLink()) {
      links += 1;
      if (links > MAX_LINKS) throw unsafe(path, 'too many links lead to it');
      pending.push(resolve(dirname(at), await readlink(at)));
    } else if ((facts.mode & writes) !== 0 && (at === place || (facts.mode & STICKY) === 0)) {
      throw unsafe(path, `others may write into ${at}`);
    }
    if (dirname(at) !== at) pending.push(dirname(at));
  }
}

function unsafe(path: string, why: string): CodedError {
  return new CodedError('FILE_UNSAFE', `${path} cannot be relied on: ${why}`, {
    next: 'give it, and every folder above it, to the user that runs this, and let nobody else write there',
  });
}
