// The mirror folder: one folder per repository in the archive's own layout, `packages/<key>/dists/…` and `…/pool/…`. Names
// only; the fetcher writes it, the installer lets apt verify it. Pure.
import { createHash } from 'node:crypto';
import type { ListedRepository } from '@selvage/shared/packages/apt-repositories.ts';

const READABLE_LENGTH = 80;
const HASH_LENGTH = 12;

/** Folder name of a repository: readable, and told apart by a hash of its id. Never begins with a dot. */
export function mirrorKey({ id, uri, suite }: Pick<ListedRepository, 'id' | 'uri' | 'suite'>): string {
  const words = `${uri.replace(/^[a-z0-9+.-]+:\/*/i, '')}_${suite}`.replaceAll(/[^A-Za-z0-9.-]+/g, '_');
  const hash = createHash('sha256').update(id).digest('hex').slice(0, HASH_LENGTH);

  return `${words.replace(/^[._]+/, '').slice(0, READABLE_LENGTH)}-${hash}`;
}

/** Path of the suite's folder inside the archive: `dists/<suite>`, or the exact path of a flat repository. */
export function suiteFolder({ suite }: Pick<ListedRepository, 'suite'>): string {
  return suite.endsWith('/') ? suite.replace(/\/+$/, '') : `dists/${suite}`;
}

/** A relative path without steps upwards: names in an index come from outside until its signature was checked. */
export function isInside(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0');
}
