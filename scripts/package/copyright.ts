// The licences of everything in a package, as /usr/share/doc/<package>/copyright in Debian's machine-readable format 1.0: Selvage's own,
// Node's, libatomic's, and those of the npm packages that went into the bundle.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from './runtime.ts';

const FORMAT = 'https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';
/** The innermost package of a path: `node_modules/ajv/node_modules/fast-uri/index.js`. */
const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const TEXT = /^(licen[cs]e|copying)/i;
const COPYRIGHT = /^\s*((?:portions )?copyright (?:\(c\)|©|\d).*)$/im;

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** `inputs` are paths below `root`. By name, each once. */
export async function bundledPackages(root: string, inputs: readonly string[]): Promise<readonly BundledPackage[]> {
  const folders = new Set(inputs.map((path) => PACKAGE.exec(path)?.[1]).filter((path) => path !== undefined));
  const packages = await Promise.all([...folders].map((folder) => readPackage(join(root, folder))));

  return packages.sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

export async function copyrightOf(
  home: string,
  { node, libatomic }: Runtime,
  packages: readonly BundledPackage[],
): Promise<string> {
  const paragraphs = [
    `Format: ${FORMAT}\nUpstream-Name: Selvage`,
    `Files: *\nCopyright: the authors of Selvage\nLicense: Apache-2.0`,
    `Files: ${home}/bin/node\nCopyright: Node.js contributors, Joyent, Inc. and other Node contributors\nLicense: Node.js`,
    `Files: ${home}/lib/libatomic.so.1\nCopyright: Free Software Foundation, Inc.\nLicense: libatomic\nComment: libatomic1 ${libatomic.version} of Debian`,
    ...packages.map(
      ({ name, version, license, text }) =>
        `Files: ${home}/*\nCopyright: ${COPYRIGHT.exec(text)?.[1] ?? `the authors of ${name}`}\nLicense: ${keyOf(name, version)}\nComment: the npm package ${name} ${version} (${license}) is part of the bundled program`,
    ),
    'License: Apache-2.0\n On Debian systems its text is in /usr/share/common-licenses/Apache-2.0;\n everywhere at https://www.apache.org/licenses/LICENSE-2.0',
    `License: Node.js\n${indented(await readFile(node.license, 'utf8'))}`,
    `License: libatomic\n${indented(await readFile(libatomic.copyright, 'utf8'))}`,
    ...packages.map(({ name, version, license, text }) => {
      return `License: ${keyOf(name, version)}\n${indented(text === '' ? license : text)}`;
    }),
  ];

  return `${paragraphs.join('\n\n')}\n`;
}

function keyOf(name: string, version: string): string {
  return `npm-${name.replace('@', '').replace('/', '-')}-${version}`;
}

async function readPackage(folder: string): Promise<BundledPackage> {
  const facts = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
  const file = (await readdir(folder)).sort().find((name) => TEXT.test(name));

  return {
    name: facts.name ?? folder,
    version: facts.version ?? '',
    license: facts.license ?? 'unknown',
    text: file === undefined ? '' : await readFile(join(folder, file), 'utf8'),
  };
}

/** A line of a field begins with a blank, and an empty one is a dot. */
function indented(text: string): string {
  return text
    .trim()
    .split(/\r?\n/)
    .map((line) => ` ${line.trim() === '' ? '.' : line.trimEnd()}`)
    .join('\n');
}
