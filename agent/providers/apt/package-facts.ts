// What the signed indexes say about exact package versions: size, installed size, file. A version without a file in an index
// is only known from dpkg's status, so it counts as not there.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';

export interface PackageFacts extends PackageVersion {
  readonly downloadBytes: number;
  readonly installedBytes: number;
}

/** apt-cache(8) prints Installed-Size in KiB, as deb-control(5) defines it. */
const KIB = 1024;

/*
 * Package: beta
 * Architecture: all
 * Version: 2.0
 * Installed-Size: 1
 * Filename: pool/bookworm/main/b/beta/beta_2.0_all.deb
 * Size: 20672
 * SHA256: c2d3e02e92ec3cc77a8a0100900717ae06655c2e1d39ad7be41ed2c61588e9f8
 */
export function parseShow(text: string): readonly PackageFacts[] {
  return parseStanzas(text, { file: 'apt-cache show', comments: false }).flatMap(({ fields, line }) => {
    const need = (name: string): string => {
      const value = fields.get(name);
      if (value === undefined) throw new CodedError('PARSE', `apt-cache show, line ${line}: no field ${name}`);

      return value;
    };
    if (!fields.has('filename')) return [];

    return [
      {
        name: need('package'),
        version: need('version'),
        arch: need('architecture'),
        downloadBytes: number(need('size'), line),
        installedBytes: number(fields.get('installed-size') ?? '0', line) * KIB,
      },
    ];
  });
}

/** The facts of exactly that version, or undefined. */
export function factsFor(facts: readonly PackageFacts[], wanted: PackageVersion): PackageFacts | undefined {
  return facts.find(
    (item) => item.name === wanted.name && item.version === wanted.version && item.arch === wanted.arch,
  );
}

/** `name:arch=version`, as apt-get and apt-cache take it after `--`. */
export function exactly({ name, arch, version }: PackageVersion): string {
  return `${name}:${arch}=${version}`;
}

function number(text: string, line: number): number {
  if (!/^\d+$/.test(text))
    throw new CodedError('PARSE', `apt-cache show, line ${line}: ${JSON.stringify(text)} is no size`);

  return Number(text);
}
