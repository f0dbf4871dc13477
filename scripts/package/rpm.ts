// Packs a product as .rpm with rpmbuild, from a specification made here: no dependency is guessed, nothing is stripped or compiled, and
// owners, modes, times and the build host are fixed, so that the same product gives the same bytes.
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { ARCHES } from './arches.ts';
import { type Built, type Packing, PRODUCTS, type Product } from './product.ts';
import { runTool } from './tool.ts';
import { type Entry, writeTree } from './tree.ts';

const PACK_DEADLINE_MS = 15 * 60_000;
const RELEASE = '1';
/** Folders of the system; those below are the package's own. */
const SHARED = /^(usr|usr\/(bin|lib|share)|usr\/share\/doc|usr\/lib\/systemd(\/system)?|etc)$/;
/** In the order of a transaction. */
const SCRIPTLETS = ['pre', 'post', 'preun', 'postun', 'posttrans'];
/** Everything that depends on the distribution, or on the machine and the hour of the build. */
const MACROS = {
  _buildhost: 'localhost',
  _build_id_links: 'none',
  _build_name_fmt: '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
  __os_install_post: '%{nil}',
  __arch_install_post: '%{nil}',
  clamp_mtime_to_source_date_epoch: '1',
  debug_package: '%{nil}',
  dist: '%{nil}',
  source_date_epoch_from_changelog: '0',
  use_source_date_epoch_as_buildtime: '1',
} as const;

export async function buildRpm({ product, scripts, level, work, out }: Packing, run: Run): Promise<Built> {
  const { version, arch, tree, epoch } = product;
  const { name } = PRODUCTS[product.product];
  const { rpm } = ARCHES[arch];
  const folder = join(work, `rpm-${name}-${arch}`);
  const built = `${name}-${version}-${RELEASE}.${rpm}.rpm`;
  const file = join(out, built);
  await mkdir(folder);
  await writeTree(join(folder, 'tree'), tree, epoch);
  await writeFile(join(folder, 'product.spec'), specOf(product, scripts));
  const macros = {
    ...MACROS,
    _topdir: folder,
    _tmppath: join(folder, 'tmp'),
    _rpmdir: folder,
    _binary_payload: level === 0 ? 'w.ufdio' : `w${level}.xzdio`,
    selvage_tree: join(folder, 'tree'),
  };
  await runTool(run, 'rpm', {
    file: 'rpmbuild',
    args: [
      '-bb',
      '--nodeps',
      `--target=${rpm}-linux`,
      ...Object.entries(macros).flatMap(([macro, value]) => ['--define', `${macro} ${value}`]),
      join(folder, 'product.spec'),
    ],
    // Nobody's ~/.rpmmacros.
    env: { SOURCE_DATE_EPOCH: String(epoch), HOME: folder, TZ: 'UTC' },
    cwd: folder,
    deadlineMs: PACK_DEADLINE_MS,
  });
  await rename(join(folder, built), file);
  await rm(folder, { recursive: true });

  return { file, bytes: (await stat(file)).size };
}

function specOf({ product, version, tree, glibc, glibcxx }: Product, scripts: ReadonlyMap<string, string>): string {
  const { name, summary, description, tools } = PRODUCTS[product];
  const libraries = [
    `libc.so.6(GLIBC_${glibc})(64bit)`,
    `libstdc++.so.6(GLIBCXX_${glibcxx})(64bit)`,
    'libgcc_s.so.1()(64bit)',
  ];
  const scriptlets = SCRIPTLETS.filter((scriptlet) => scripts.has(scriptlet));

  return `${[
    `Name: ${name}`,
    `Version: ${version}`,
    `Release: ${RELEASE}`,
    `Summary: ${summary}`,
    'License: Apache-2.0 AND MIT AND GPL-3.0-or-later WITH GCC-exception-3.1',
    'Vendor: Selvage',
    'AutoReqProv: no',
    `Provides: ${name} = ${version}-${RELEASE}`,
    `Requires: ${libraries.join(', ')}`,
    `Requires(pre,post,preun,postun): ${tools.rpm.join(', ')}`,
    '',
    '%description',
    ...description,
    '',
    '%install',
    'cp -a %{selvage_tree}/. %{buildroot}/',
    ...scriptlets.flatMap((scriptlet) => ['', `%${scriptlet} -p /bin/sh`, escaped(scripts.get(scriptlet) ?? '')]),
    '',
    '%files',
    '%defattr(-,root,root,-)',
    ...tree.filter(({ path }) => !SHARED.test(path)).map(listed),
  ].join('\n')}\n`;
}

function listed(entry: Entry): string {
  const path = `"/${entry.path}"`;

  return entry.kind === 'folder' ? `%dir ${path}` : path;
}

/** A specification expands macros everywhere; the scriptlets have none. Their first line names the shell, which -p does here. */
function escaped(script: string): string {
  return script
    .replace(/^#!.*\n/, '')
    .replaceAll('%', '%%')
    .trimEnd();
}
