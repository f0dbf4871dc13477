// libatomic.so.1, which Node needs and a small system does not have: this machine's own where it is of the right kind, else from Debian's
// signed archive, by apt in a folder of its own that knows nothing of this machine's sources and changes nothing here.
import { access, lstat, mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { ARCHES, type Arch } from './arches.ts';
import { runTool } from './tool.ts';

const QUERY_DEADLINE_MS = 30_000;
const DOWNLOAD_DEADLINE_MS = 10 * 60_000;
const PACKAGE = 'libatomic1';

export interface Libatomic {
  readonly library: string;
  readonly copyright: string;
  /** Of the Debian package it is from. */
  readonly version: string;
  readonly source: string;
}

export interface Archive {
  /** One-line sources of apt, without the options in brackets. */
  readonly sources: readonly string[];
  /** Whose signatures count. */
  readonly keyring: string;
}

/** Its library asks for no newer C library than Node does. */
const DEBIAN: Archive = {
  sources: [
    'http://deb.debian.org/debian bookworm main',
    'http://deb.debian.org/debian-security bookworm-security main',
  ],
  keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
};

/** `work`: a folder for what is brought. */
export async function libatomicFor(arch: Arch, work: string, run: Run): Promise<Libatomic> {
  return (await ownLibatomic(arch, run)) ?? (await bringLibatomic(arch, DEBIAN, work, run));
}

async function ownLibatomic(arch: Arch, run: Run): Promise<Libatomic | null> {
  const { deb, triplet } = ARCHES[arch];
  const library = `/usr/lib/${triplet}/libatomic.so.1`;
  const facts = await run({
    file: 'dpkg-query',
    args: ['-W', '-f', `$\{Version} $\{source:Package}`, `${PACKAGE}:${deb}`],
    deadlineMs: QUERY_DEADLINE_MS,
  }).catch(withoutTool);
  const [version, source] = facts?.exitCode === 0 ? facts.stdout.split(' ') : [];
  // What no package of Debian brought has no version, and no licence beside it.
  if (version === undefined || source === undefined) return null;
  await access(library);

  return { library, copyright: `/usr/share/doc/${PACKAGE}/copyright`, version, source };
}

/** Throws UNREACHABLE when the archive does not answer, or answers with something that is not signed. */
export async function bringLibatomic(arch: Arch, archive: Archive, work: string, run: Run): Promise<Libatomic> {
  const { triplet } = ARCHES[arch];
  const apt = await privateApt(join(work, `archive-${arch}`), arch, archive, run);
  const file = await apt.download(PACKAGE);
  const tree = await apt.unpacked(file);
  const field = async (name: string) => (await apt.tool('dpkg-deb', 'dpkg', ['--field', file, name])).trim();
  const version = await field('Version');
  const [source = PACKAGE] = (await field('Source')).split(' ');

  return {
    library: join(tree, `usr/lib/${triplet}/libatomic.so.1`),
    copyright: await copyrightIn(tree, apt),
    version,
    source,
  };
}

/** Its own, or that of the package which all of gcc's share: /usr/share/doc/libatomic1 -> gcc-12-base. */
async function copyrightIn(tree: string, apt: PrivateApt): Promise<string> {
  const own = join(tree, 'usr/share/doc', PACKAGE);
  if (!(await lstat(own)).isSymbolicLink()) return join(own, 'copyright');
  const shared = basename(await readlink(own));
  const base = await apt.unpacked(await apt.download(shared));

  return join(base, 'usr/share/doc', shared, 'copyright');
}

interface PrivateApt {
  tool(file: string, debian: string, args: readonly string[]): Promise<string>;
  /** The file of a package, which apt has held against the signed index. */
  download(name: string): Promise<string>;
  /** The folder in which its files lie. */
  unpacked(file: string): Promise<string>;
}

async function privateApt(folder: string, arch: Arch, { sources, keyring }: Archive, run: Run): Promise<PrivateApt> {
  const { deb } = ARCHES[arch];
  for (const name of ['lists/partial', 'cache/archives/partial', 'etc']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  const config = join(folder, 'apt.conf');
  const list = join(folder, 'etc/sources.list');
  await writeFile(join(folder, 'status'), '');
  await writeFile(list, sources.map((source) => `deb [arch=${deb} signed-by=${keyring}] ${source}\n`).join(''));
  await writeFile(config, configOf(folder, list, deb));
  const tool = async (file: string, debian: string, args: readonly string[]) => {
    const env = { APT_CONFIG: config };
    const { stdout } = await runTool(run, debian, { file, args, env, cwd: folder, deadlineMs: DOWNLOAD_DEADLINE_MS });

    return stdout;
  };
  await tool('apt-get', 'apt', ['-q', 'update']).catch(unreachable);

  return {
    tool,
    download: async (name) => {
      await tool('apt-get', 'apt', ['-q', 'download', `${name}:${deb}`]).catch(unreachable);
      const file = (await readdir(folder)).find((entry) => entry.startsWith(`${name}_`));
      if (file === undefined) throw new CodedError('UNREACHABLE', `apt did not bring ${name}:${deb}`);

      return join(folder, file);
    },
    unpacked: async (file) => {
      await tool('dpkg-deb', 'dpkg', ['--extract', file, `${file}.tree`]);

      return `${file}.tree`;
    },
  };
}

/** Read before any other configuration; nothing of this machine is left in it. */
function configOf(folder: string, list: string, deb: string): string {
  const settings = {
    Dir: folder,
    'Dir::Etc::main': '/dev/null',
    'Dir::Etc::parts': '/dev/null',
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::trusted': '/dev/null',
    'Dir::Etc::trustedparts': '/dev/null',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Architecture': deb,
    'APT::Architectures': deb,
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };

  return Object.entries(settings)
    .map(([name, value]) => `${name} "${value}";\n`)
    .join('');
}

function unreachable(error: unknown): never {
  if (error instanceof CodedError && error.code === 'PROCESS_FAILED') {
    throw new CodedError('UNREACHABLE', `libatomic1 could not be brought from Debian's archive: ${error.message}`, {
      cause: error,
      next: 'check the network or proxy; or leave this architecture out with --arch',
    });
  }
  throw error;
}

/** A machine without dpkg has no package of Debian's. */
function withoutTool(error: unknown): null {
  if (error instanceof CodedError && error.code === 'TOOL_MISSING') return null;
  throw error;
}
