// Which package owns a path, from dpkg's file lists, without a process per path. One pass over all lists, and only for the
// paths asked for: a map of every file on the host would take some 100 MB.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from './files.ts';

/** Path as asked for → package name. */
export type Owners = ReadonlyMap<string, string>;

const CODE_UNITS = 0x10000;

/** One file list of dpkg; all of them are some ten MB. */
export interface FileList {
  readonly owner: string;
  readonly text: string;
}

export async function readFileLists(info: string): Promise<readonly FileList[]> {
  const lists = (await namesIn(info)).filter((name) => name.endsWith('.list'));

  // One after the other and in one go: by the thread pool it takes five times as long.
  return lists.map((name) => ({
    owner: name.slice(0, -'.list'.length).replace(/:.*$/, ''),
    text: readFileSync(join(info, name), 'latin1'),
  }));
}

export function findOwners(lists: readonly FileList[], paths: readonly string[]): Owners {
  const wanted = new Map<string, string[]>();
  for (const path of new Set(paths)) {
    for (const name of namesOf(path)) wanted.set(name, [...(wanted.get(name) ?? []), path]);
  }

  const owners = new Map<string, string>();
  // Most lines can be told by their length and last letter not to be wanted, without making a string of each.
  const ends = new Set([...wanted.keys()].map((path) => endOf(path, 0, path.length)));

  for (const { owner, text } of lists) {
    for (let start = 0, end = text.indexOf('\n'); end !== -1; start = end + 1, end = text.indexOf('\n', start)) {
      if (!ends.has(endOf(text, start, end))) continue;
      for (const path of wanted.get(text.slice(start, end)) ?? []) owners.set(path, owner);
    }
  }

  return owners;
}

function endOf(text: string, start: number, end: number): number {
  return (end - start) * CODE_UNITS + text.charCodeAt(end - 1);
}

/** Where /lib is a link to /usr/lib, packages still list either name for the same file (merged /usr). */
function namesOf(path: string): readonly string[] {
  if (/^\/usr\/(?:bin|sbin|lib[^/]*)\//.test(path)) return [path, path.slice('/usr'.length)];

  return /^\/(?:bin|sbin|lib[^/]*)\//.test(path) ? [path, `/usr${path}`] : [path];
}
