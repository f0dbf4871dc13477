// Packages of npm and pip that lie on the host beside the package manager's. What a distribution package owns is left out:
// that package speaks for it, with the distribution's own fixes. A bounded walk; past the bound it is an error.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { isLinkNow, namesNow, textNow } from '../files.ts';

type LanguagePackage = Section<'languagePackages'>[number];

const NPM_FOLDERS = ['usr/lib/node_modules', 'usr/local/lib/node_modules'];
/** Red Hat and SUSE: in lib64 lies what has a compiled part, such as cryptography. */
const PYTHON_FOLDERS = ['usr/lib', 'usr/lib64', 'usr/local/lib', 'usr/local/lib64'];
const MAX_PACKAGES = 20_000;
/** node_modules within node_modules; deeper ones exist only in broken trees. */
const MAX_DEPTH = 12;
/** Links may lead a walk in circles: then it is an error in time, not a walk without end. */
const MAX_ENTRIES = 200_000;
const MAX_METADATA_BYTES = 4 * 1024 * 1024;

export async function collectLanguagePackages(context: InventoryContext): Promise<Section<'languagePackages'>> {
  const found: LanguagePackage[] = [];
  const add = (entry: LanguagePackage) => {
    if (found.push(entry) > MAX_PACKAGES) {
      throw new CodedError('FILE_TOO_LARGE', `more than ${MAX_PACKAGES} npm and pip packages lie on this host`);
    }
  };

  let entries = 0;
  const names = (folder: string) => {
    const inside = namesNow(folder);
    entries += 1 + inside.length;
    if (entries > MAX_ENTRIES) throw new CodedError('FILE_TOO_LARGE', `more than ${MAX_ENTRIES} names to look at`);

    return inside;
  };

  for (const folder of NPM_FOLDERS) walkNpm(context.at(folder), 0, { add, names });
  for (const folder of PYTHON_FOLDERS) {
    // Arch: /usr/lib64 is /usr/lib, which is looked at anyway.
    if (isLinkNow(context.at(folder))) continue;
    walkPython(context.at(folder), { add, names });
  }

  const metadata = (entry: LanguagePackage) => entry.path.slice(context.settings.root.replace(/\/$/, '').length);
  const owners = await context.owners(found.map(metadata));

  return found.filter((entry) => !owners.has(metadata(entry)));
}

interface Walk {
  readonly add: (entry: LanguagePackage) => void;
  /** Bounded over the whole walk. */
  readonly names: (folder: string) => readonly string[];
}

function walkNpm(folder: string, depth: number, walk: Walk): void {
  if (depth > MAX_DEPTH) return;

  for (const name of walk.names(folder)) {
    if (name.startsWith('.')) continue;
    if (name.startsWith('@')) {
      walkNpm(join(folder, name), depth + 1, walk);
      continue;
    }
    const path = join(folder, name, 'package.json');
    const text = textNow(path, MAX_METADATA_BYTES);
    const facts = text === null ? null : parseJson(text);
    if (facts) walk.add({ ecosystem: 'npm', name: facts.name, version: facts.version, path });
    walkNpm(join(folder, name, 'node_modules'), depth + 1, walk);
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
function walkPython(folder: string, walk: Walk): void {
  for (const python of walk.names(folder)) {
    if (!/^python3(\.\d+)?$/.test(python)) continue;
    for (const kind of ['dist-packages', 'site-packages']) {
      const packages = join(folder, python, kind);
      for (const name of walk.names(packages)) {
        const file = name.endsWith('.dist-info') ? 'METADATA' : name.endsWith('.egg-info') ? 'PKG-INFO' : null;
        if (file === null) continue;
        const path = join(packages, name, file);
        const head = textNow(path, MAX_METADATA_BYTES)?.split('\n\n')[0] ?? '';
        const is = /^Name: *(\S+)/m.exec(head)?.[1];
        const version = /^Version: *(\S+)/m.exec(head)?.[1];
        if (is && version) walk.add({ ecosystem: 'pypi', name: is, version, path });
      }
    }
  }
}
