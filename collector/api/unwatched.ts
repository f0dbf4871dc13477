// Machines of a release that no feed speaks of: none of their packages is watched, and that no finding is there says nothing. Pure.
import type { Machine } from '../findings/fleet.ts';
import { watchersOf } from '../matching/coverage.ts';
import { ecosystemOf } from '../matching/ecosystem.ts';

/**
 * The release that nobody watches (`Debian:11`), null for a machine that is watched or that says nothing of itself. `ecosystems`: what
 * current feeds speak of; a feed may have other releases of the same name only.
 */
export function unwatchedRelease(
  ecosystems: ReadonlyMap<string, readonly string[]>,
): (machine: Pick<Machine, 'os' | 'unknown'>) => string | null {
  const releases = new Map<string, string | null>();
  const unwatched = (id: string, version: string) => {
    const ecosystem = ecosystemOf(id, version);
    if (ecosystem === null) return `${id} ${version}`.trim();

    return watchersOf(ecosystem, ecosystems).length > 0 ? null : ecosystem;
  };

  return ({ os, unknown }) => {
    if (os === null || unknown !== null) return null;
    const key = `${os.id} ${os.version}`;
    const known = releases.get(key);
    if (known !== undefined) return known;
    const release = unwatched(os.id, os.version);
    releases.set(key, release);

    return release;
  };
}
