// Maintainer scripts as they are packed: one file of their folder each, with what they share in the place that names it.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

const INCLUDE = /^#@include ([a-z.-]+)$/gm;

/** `folder` is `packaging/<product>`, `format` a folder in it. Name of the script → its text. */
export async function maintainerScripts(folder: string, format: 'deb' | 'rpm'): Promise<ReadonlyMap<string, string>> {
  const shared = new Map<string, string>();
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.sh'))) {
    shared.set(name, await readFile(join(folder, name), 'utf8'));
  }
  const names = (await readdir(join(folder, format))).sort();
  const scripts = names.map(async (name): Promise<[string, string]> => {
    const text = await readFile(join(folder, format, name), 'utf8');

    return [name, text.replace(INCLUDE, (_, file: string) => part(shared, file, name))];
  });

  return new Map(await Promise.all(scripts));
}

function part(shared: ReadonlyMap<string, string>, file: string, name: string): string {
  const text = shared.get(file);
  if (text === undefined)
    throw new CodedError('FILE_CORRUPT', `the script ${name} includes ${file}, which is not there`);

  return text.trimEnd();
}
