// What both products need to run on a machine that has nothing: Node, told where its library lies, and that library.
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { ARCHES, type Arch } from './arches.ts';
import { type Libatomic, libatomicFor } from './libatomic.ts';
import { type NodePackage, nodeFor } from './node.ts';
import { PRODUCTS } from './product.ts';
import { runTool } from './tool.ts';
import { type Entry, FILE_MODE, PROGRAM_MODE } from './tree.ts';

const PATCH_DEADLINE_MS = 120_000;
/** Beside the program. Without /proc (a rescue system) the loader does not know where that is: then where packages put it. */
const LIBRARIES = ['$ORIGIN/../lib', ...Object.values(PRODUCTS).map(({ home }) => `/${home}/lib`)].join(':');

export interface Runtime {
  readonly arch: Arch;
  readonly node: NodePackage;
  readonly libatomic: Libatomic;
  /** Node with its way to the library. */
  readonly program: string;
}

export interface RuntimeParts {
  readonly arch: Arch;
  readonly root: string;
  readonly work: string;
  readonly run: Run;
}

/** By RUNPATH and not by LD_LIBRARY_PATH, which every child (apt, dpkg and what they start) would inherit. */
export async function runtimeFor({ arch, root, work, run }: RuntimeParts): Promise<Runtime> {
  const node = await nodeFor(arch, root, work, run);
  const libatomic = await libatomicFor(arch, work, run);
  await mkdir(join(work, 'runtime'), { recursive: true });
  const program = join(work, 'runtime', `node-${arch}`);
  await copyFile(node.program, program);
  const args = ['--set-rpath', LIBRARIES, program];
  await runTool(run, 'patchelf', { file: 'patchelf', args, deadlineMs: PATCH_DEADLINE_MS });

  return { arch, node, libatomic, program };
}

/** Below `home`, the product's own folder. */
export function runtimeEntries({ arch, program, libatomic }: Runtime, home: string): readonly Entry[] {
  return [
    { kind: 'copy', path: `${home}/bin/node`, mode: PROGRAM_MODE, from: program },
    { kind: 'copy', path: `${home}/lib/libatomic.so.1`, mode: FILE_MODE, from: libatomic.library },
    {
      kind: 'file',
      path: `${home}/bundled.json`,
      mode: FILE_MODE,
      content: `${JSON.stringify(bundled(arch, libatomic))}\n`,
    },
  ];
}

/** Of a path in a package: Node, or the library that only Node needs. */
export function isRuntime(path: string): boolean {
  return /^usr\/lib\/[^/]+\/(bin\/node|lib\/libatomic\.so\.1)$/.test(path);
}

/** What is in the package and can tell nobody by itself; the agent reports it with its components. */
function bundled(arch: Arch, { version, source }: Libatomic): object {
  const purl = `pkg:deb/debian/libatomic1@${encodeURIComponent(version)}?arch=${ARCHES[arch].deb}&upstream=${source}`;

  return { components: [{ name: 'libatomic', version, purl }] };
}
