// Which files hold apt's sources, and what is in them: sources.list, *.list and *.sources below a root.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { parseDeb822, parseOneLine, type SourceEntry } from '@selvage/shared/packages/apt-sources.ts';
import { readSystemFile } from './system-file.ts';

/** sources.list(5): other names in the folder are ignored by apt. */
const NAME = /^[A-Za-z0-9_.-]+[.](list|sources)$/;
/** 4 MiB; a file of sources has some lines. */
const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

/** The files apt reads, in its order. */
export async function sourceFiles(root: string): Promise<readonly string[]> {
  const parts = join(root, 'etc/apt/sources.list.d');
  const names = await readdir(parts).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  });

  return [
    join(root, 'etc/apt/sources.list'),
    ...names
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => join(parts, name)),
  ];
}

/** Enabled entries for binary packages. Throws SETTINGS_INVALID for a malformed file, FILE_UNREADABLE. */
export async function readSources(root: string): Promise<readonly SourceEntry[]> {
  const entries: SourceEntry[] = [];

  for (const path of await sourceFiles(root)) {
    const text = await readSource(path);
    if (text === null) continue;
    entries.push(...(path.endsWith('.sources') ? parseDeb822(text, path) : parseOneLine(text, path)));
  }

  return entries;
}

async function readSource(path: string): Promise<string | null> {
  try {
    return await readSystemFile(path, MAX_SOURCE_BYTES);
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EPERM')) throw error;
    throw new CodedError(
      'FILE_UNREADABLE',
      `the agent may not read ${path}, so the list of repositories is not whole`,
      {
        cause: error,
      },
    );
  }
}
