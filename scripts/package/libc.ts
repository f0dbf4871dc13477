// Which versions of the C and C++ libraries a program of Linux asks for, read from its version references. It starts nothing.
import { readFile } from 'node:fs/promises';

export interface LibraryNeeds {
  /** `2.28`, or null when it asks for none. */
  readonly glibc: string | null;
  /** `3.4.21` of GLIBCXX. */
  readonly glibcxx: string | null;
}

/** Names of versions stand as text in the table of strings of an ELF file: `GLIBC_2.28`, `GLIBCXX_3.4.21`. */
const VERSION = /\0(GLIBC|GLIBCXX)_(\d+(?:\.\d+){1,2})(?=\0)/g;

export async function needsOf(path: string): Promise<LibraryNeeds> {
  const text = (await readFile(path)).toString('latin1');
  const found = [...text.matchAll(VERSION)];
  const newest = (name: string) =>
    found
      .filter(([, library]) => library === name)
      .map(([, , version]) => version ?? '')
      .sort(compareVersions)
      .at(-1) ?? null;

  return { glibc: newest('GLIBC'), glibcxx: newest('GLIBCXX') };
}

/** Numbers between points: `2.28` is newer than `2.9`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }

  return 0;
}
