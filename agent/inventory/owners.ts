// Which package owns a path, from dpkg's file lists, without a process per path. One pass over all lists, and only for the
// paths asked for: a map of every file on the host would take some 100 MB.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from './files.ts';

/** Path as asked for → package name. */
export type Owners = ReadonlyMap<string, string>;

const LISTS_AT_ONCE = 4;

export async function findOwners(info: string, paths: readonly string[]): Promise<Owners> {
  const wanted = new Map<string, string[]>();
  for (const path of new Set(paths)) {
    for (const name of namesOf(path)) wanted.set(name, [...(wanted.get(name) ?? []), path]);
  }

  const owners = new Map<string, string>();
  if (wanted.size === 0) return owners;
  const lists = (await namesIn(info)).filter((name) => name.endsWith('.list'));

  for (let start = 0; start < lists.length; start += LISTS_AT_ONCE) {
    await Promise.all(
      lists.slice(start, start + LISTS_AT_ONCE).map(async (name) => {
        const owner = name.slice(0, -'.list'.length).replace(/:.*$/, '');
        for (const line of (await readFile(join(info, name), 'latin1')).split('\n')) {
          for (const path of wanted.get(line) ?? []) owners.set(path, owner);
        }
      }),
    );
  }

  return owners;
}

/** Where /lib is a link to /usr/lib, packages still list either name for the same file (merged /usr). */
function namesOf(path: string): readonly string[] {
  if (/^\/usr\/(?:bin|sbin|lib[^/]*)\//.test(path)) return [path, path.slice('/usr'.length)];

  return /^\/(?:bin|sbin|lib[^/]*)\//.test(path) ? [path, `/usr${path}`] : [path];
}
