// libatomic.so.1, which Node needs and a small system does not have: this machine's own where it is of the right kind.
import { access } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { ARCHES, type Arch } from './arches.ts';

const QUERY_DEADLINE_MS = 30_000;

export interface Libatomic {
  readonly library: string;
  readonly copyright: string;
  /** Of the Debian package it is from. */
  readonly version: string;
  readonly source: string;
}

export async function libatomicFor(arch: Arch, _work: string, run: Run): Promise<Libatomic> {
  const own = await ownLibatomic(arch, run);
  if (own !== null) return own;
  throw new CodedError('TOOL_MISSING', `libatomic1 for ${ARCHES[arch].deb} is not installed here`, {
    next: `apt-get install libatomic1`,
  });
}

async function ownLibatomic(arch: Arch, run: Run): Promise<Libatomic | null> {
  const { deb, triplet } = ARCHES[arch];
  const library = `/usr/lib/${triplet}/libatomic.so.1`;
  // The Debian package, and nothing that somebody built here.
  const facts = await run({
    file: 'dpkg-query',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format
    args: ['-W', '-f', '${Version} ${source:Package}', `libatomic1:${deb}`],
    deadlineMs: QUERY_DEADLINE_MS,
  }).catch(() => null);
  const [version, source] = facts?.exitCode === 0 ? facts.stdout.split(' ') : [];
  if (version === undefined || source === undefined) return null;
  await access(library);

  return { library, copyright: '/usr/share/doc/libatomic1/copyright', version, source };
}
