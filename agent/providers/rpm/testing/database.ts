// A real rpm database with some packages, made by rpmbuild and rpm without privileges. For tests only.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RpmPackage {
  readonly name: string;
  readonly epoch?: number;
  readonly version: string;
  readonly release: string;
  readonly files?: readonly string[];
  /** Label of the module that it is built in. */
  readonly module?: string;
}

/** Writes the database to `database` (an absolute folder, made here); building goes on in `scratch`. */
export function makeRpmDatabase(database: string, packages: readonly RpmPackage[], scratch: string): void {
  mkdirSync(database, { recursive: true });
  rpm('rpm', ['--dbpath', database, '--initdb']);

  for (const { name, epoch, version, release, files = [], module } of packages) {
    const top = join(scratch, name);
    mkdirSync(top, { recursive: true });
    const spec = join(top, `${name}.spec`);
    const head = [`Name: ${name}`, ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]), `Version: ${version}`];
    const rest = [
      `Release: ${release}`,
      'Summary: for tests',
      'License: MIT',
      'BuildArch: noarch',
      ...(module === undefined ? [] : [`ModularityLabel: ${module}`]),
      '%description',
      '%install',
      ...files.map((path) => `install -D /dev/null %{buildroot}${path}`),
      '%files',
      ...files,
    ];
    writeFileSync(spec, `${[...head, ...rest].join('\n')}\n`);
    rpm('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${top}`, spec]);
    const folder = join(top, 'RPMS/noarch');
    const built = readdirSync(folder).map((file) => join(folder, file));
    rpm('rpm', ['--dbpath', database, '--justdb', '--nodeps', '--force-debian', '-i', ...built]);
  }
}

function rpm(file: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr}`);
}
