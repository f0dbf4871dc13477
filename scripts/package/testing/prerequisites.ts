// What the root of a machine with rpm has besides ours, as one package that provides it and has no files: a Debian's own are not known to rpm.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';

const DEADLINE_MS = 120_000;
const PROVIDES = [
  '/bin/sh',
  '/usr/sbin/useradd',
  'coreutils',
  'libc.so.6(GLIBC_2.28)(64bit)',
  'libgcc_s.so.1()(64bit)',
  'libstdc++.so.6(GLIBCXX_3.4.21)(64bit)',
];

export async function buildPrerequisites(folder: string, run: Run): Promise<string> {
  await mkdir(folder);
  const spec = join(folder, 'prerequisites.spec');
  const lines = [
    'Name: prerequisites',
    'Version: 1',
    'Release: 1',
    'Summary: what a system has',
    'License: none',
    'BuildArch: noarch',
    `Provides: ${PROVIDES.join(' ')}`,
    '%description',
    'What a system has.',
    '%files',
  ];
  await writeFile(spec, `${lines.join('\n')}\n`);
  const args = ['-bb', '--define', `_topdir ${folder}`, '--define', `_rpmdir ${folder}`, spec];
  await run({ file: 'rpmbuild', args, env: { HOME: folder }, deadlineMs: DEADLINE_MS, check: true });

  return join(folder, 'noarch/prerequisites-1-1.noarch.rpm');
}
