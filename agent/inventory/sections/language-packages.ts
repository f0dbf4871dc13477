// Packages of npm and pip that lie on the host beside the package manager's. What a distribution package owns is left out:
// that package speaks for it, with the distribution's own fixes. A bounded walk; past the bound it is an error.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { namesNow, textNow } from '../files.ts';

type LanguagePackage = Section<'languagePackages'>[number];

const NPM_FOLDERS = ['usr/lib/node_modules', 'usr/local/lib/node_modules'];
const PYTHON_FOLDERS = ['usr/lib', 'usr/local/lib'];
const MAX_PACKAGES = 20_000;
/** node_modules within node_modules; deeper ones exist only in broken trees. */
const MAX_DEPTH = 12;
const MAX_METADATA_BYTES = 4 * 1024 * 1024;

export async function collectLanguagePackages(context: InventoryContext): Promise<Section<'languagePackages'>> {
  const found: LanguagePackage[] = [];
  const add = (entry: LanguagePackage) => {
    if (found.push(entry) > MAX_PACKAGES) {
      throw new CodedError('FILE_TOO_LARGE', `more than ${MAX_PACKAGES} npm and pip packages lie on this host`);
    }
  };

  for (const folder of NPM_FOLDERS) walkNpm(context.at(folder), 0, add);
  for (const folder of PYTHON_FOLDERS) walkPython(context.at(folder), add);

  const metadata = (entry: LanguagePackage) => entry.path.slice(context.settings.root.replace(/\/$/, '').length);
  const owners = await context.owners(found.map(metadata));

  return found.filter((entry) => !owners.has(metadata(entry)));
}

function walkNpm(folder: string, depth: number, add: (entry: LanguagePackage) => void): void {
  if (depth > MAX_DEPTH) return;

  for (const name of namesNow(folder)) {
    if (name.startsWith('.')) continue;
    if (name.startsWith('@')) {
      walkNpm(join(folder, name), depth + 1, add);
      continue;
    }
    const path = join(folder, name, 'package.json');
    const text = textNow(path, MAX_METADATA_BYTES);
    const facts = text === null ? null : parseJson(text);
    if (facts) add({ ecosystem: 'npm', name: facts.name, version: facts.version, path });
    walkNpm(join(folder, name, 'node_modules'), depth + 1, add);
  }
}

/** npm itself takes a package.json without name and version for no package: examples and fixtures have such files. */
function parseJson(text: string): { readonly name: string; readonly version: string } | null {
  try {
    const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };

    return typeof name === 'string' && name !== '' && typeof version === 'string' ? { name, version } : null;
  } catch {
    // Broken JSON is no npm package either: node cannot load it.
    return null;
  }
}

/** `python3.11/dist-packages/requests-2.31.0.dist-info/METADATA`, in either kind of folder. */
function walkPython(folder: string, add: (entry: LanguagePackage) => void): void {
  for (const python of namesNow(folder)) {
    if (!/^python3(\.\d+)?$/.test(python)) continue;
    for (const kind of ['dist-packages', 'site-packages']) {
      const packages = join(folder, python, kind);
      for (const name of namesNow(packages)) {
        const file = name.endsWith('.dist-info') ? 'METADATA' : name.endsWith('.egg-info') ? 'PKG-INFO' : null;
        if (file === null) continue;
        const path = join(packages, name, file);
        const head = textNow(path, MAX_METADATA_BYTES)?.split('\n\n')[0] ?? '';
        const is = /^Name: *(\S+)/m.exec(head)?.[1];
        const version = /^Version: *(\S+)/m.exec(head)?.[1];
        if (is && version) add({ ecosystem: 'pypi', name: is, version, path });
      }
    }
  }
}
