// Builds real .deb files with dpkg-deb. Members are stored uncompressed, so that the same layout with other bytes of the
// same length gives a file of the same size: what a forger would do.
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';

export const MAINTAINER_SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm', 'config'] as const;
export type MaintainerScript = (typeof MAINTAINER_SCRIPTS)[number];

/** One binary package to be built. Relations are in dpkg's own syntax: `libc6 (>= 2.36), foo | bar`. */
export interface DebSpec {
  readonly name: string;
  readonly version: string;
  /** Default `all`. */
  readonly arch?: string;
  /** Source package name, when it differs from the name. */
  readonly source?: string;
  /** Source version, when it differs from the binary's. */
  readonly sourceVersion?: string;
  readonly depends?: string;
  readonly preDepends?: string;
  readonly recommends?: string;
  readonly conflicts?: string;
  readonly breaks?: string;
  readonly replaces?: string;
  readonly provides?: string;
  readonly section?: string;
  /** `same`, `foreign` or `allowed`. */
  readonly multiArch?: string;
  readonly essential?: boolean;
  /** Absolute path → content. A package without any gets one file under /usr/share/doc. */
  readonly files?: Readonly<Record<string, string>>;
  /** Paths of `files` that are conffiles. */
  readonly conffiles?: readonly string[];
  /** Bodies of maintainer scripts, run by /bin/sh. */
  readonly scripts?: Partial<Readonly<Record<MaintainerScript, string>>>;
  /** Content of DEBIAN/triggers. */
  readonly triggers?: string;
  /** Further control fields, such as `Phased-Update-Percentage`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Suite and component of an archive it is published in; default: the archive's first. */
  readonly suite?: string;
  readonly component?: string;
  /** A .deb that is there already and is taken as it is; name, version and arch say what it is. */
  readonly built?: string;
}

const BUILD_DEADLINE_MS = 120_000;
const FOLDER = 0o755;
const SCRIPT = 0o755;
const FILE = 0o644;

/** Builds the package into `folder` and returns the path of the .deb. Throws PROCESS_FAILED with dpkg-deb's words. */
export async function buildDeb(run: Run, spec: DebSpec, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, fileName(spec));
  if (spec.built !== undefined) {
    await copyFile(spec.built, target);
    await chmod(target, FILE);

    return target;
  }
  const tree = await mkdtemp(join(folder, '.build-'));

  try {
    await writeTree(tree, spec);
    await run({
      file: 'dpkg-deb',
      args: ['--root-owner-group', '-Znone', '--build', tree, target],
      deadlineMs: BUILD_DEADLINE_MS,
      check: true,
    });
    await chmod(target, FILE);

    return target;
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** `<name>_<version without epoch>_<arch>.deb`, as the archives of Debian name their files. */
export function fileName(spec: DebSpec): string {
  return `${spec.name}_${spec.version.replace(/^\d+:/, '')}_${spec.arch ?? 'all'}.deb`;
}

async function writeTree(tree: string, spec: DebSpec): Promise<void> {
  const doc = { [`/usr/share/doc/${spec.name}/version`]: `${spec.name} ${spec.version}\n` };
  await chmod(tree, FOLDER);
  await put(join(tree, 'DEBIAN/control'), control(spec));
  if (spec.conffiles?.length) await put(join(tree, 'DEBIAN/conffiles'), `${spec.conffiles.join('\n')}\n`);
  if (spec.triggers !== undefined) await put(join(tree, 'DEBIAN/triggers'), spec.triggers);
  for (const [name, body] of Object.entries(spec.scripts ?? {})) {
    await put(join(tree, 'DEBIAN', name), `#!/bin/sh\nset -e\n${body}\n`, SCRIPT);
  }
  for (const [path, content] of Object.entries(spec.files ?? doc)) await put(join(tree, path), content);
}

async function put(path: string, content: string, mode = FILE): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER });
  await writeFile(path, content, { mode });
  await chmod(path, mode);
}

function control(spec: DebSpec): string {
  const source = spec.source ?? spec.name;
  const named = spec.sourceVersion === undefined ? source : `${source} (${spec.sourceVersion})`;
  const fields: Record<string, string | undefined> = {
    Package: spec.name,
    Source: named === spec.name ? undefined : named,
    Version: spec.version,
    Architecture: spec.arch ?? 'all',
    'Multi-Arch': spec.multiArch,
    Essential: spec.essential ? 'yes' : undefined,
    Maintainer: 'Selvage lab <lab@example.org>',
    'Installed-Size': '1',
    'Pre-Depends': spec.preDepends,
    Depends: spec.depends,
    Recommends: spec.recommends,
    Provides: spec.provides,
    Conflicts: spec.conflicts,
    Breaks: spec.breaks,
    Replaces: spec.replaces,
    Section: spec.section ?? 'utils',
    Priority: 'optional',
    ...spec.fields,
    Description: `${spec.name} of the lab`,
  };

  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}
