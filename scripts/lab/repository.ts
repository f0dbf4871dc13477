// A small archive as Debian lays it out, built with the real tools and signed with a key of its own: pool/ and dists/ with
// Packages, Release and InRelease. It can be published again with other packages, dates and (bad) signatures.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Run } from '@selvage/shared/exec/run.ts';
import { buildDeb, type DebSpec, fileName } from './deb.ts';
import { type ArchiveKey, makeKey } from './signing.ts';

export interface SuiteSpec {
  /** Folder under dists/, also the suite named in sources: `bookworm-security`. */
  readonly name: string;
  readonly components?: readonly string[];
  readonly origin?: string;
  readonly label?: string;
  /** The Suite field; default: the name. */
  readonly suite?: string;
  readonly codename?: string;
}

/**
 * `good`; `bad`: signed, then changed; `other-key`: well signed by a key that is not in the keyring; `none`: only an
 * unsigned Release; `garbled`: an InRelease that is no OpenPGP message at all.
 */
export type Signature = 'good' | 'bad' | 'other-key' | 'none' | 'garbled';

export interface PublishOptions {
  /** Only this suite; default: all of them. */
  readonly suite?: string;
  /** Replaces what the archive holds (of that suite); default: what it held before. Archives serve one version each. */
  readonly packages?: readonly DebSpec[];
  /** Date field; default: now, always later than the one before. */
  readonly date?: Temporal.Instant;
  /** Valid-Until field; `null` (the default): none. */
  readonly validUntil?: Temporal.Instant | null;
  readonly signature?: Signature;
}

export interface Repository {
  readonly folder: string;
  /** `file:` address of the archive. */
  readonly uri: string;
  /** Binary keyring with the key that signs it, for Signed-By. */
  readonly keyring: string;
  readonly suites: readonly SuiteSpec[];
  readonly arch: string;
  publish(options?: PublishOptions): Promise<void>;
  /** A deb822 stanza for sources.list.d over all suites. */
  sources(options?: { readonly uri?: string; readonly suites?: readonly string[]; readonly keyring?: string }): string;
  /** Path of the .deb of a package in the pool. NOT_FOUND-like Error when the archive does not hold it. */
  poolFile(name: string, version: string): string;
  /** Path of a suite's folder under dists/. */
  dists(suite: string): string;
}

export interface MakeRepository {
  /** An empty or absent folder; everything, the secret key too, lies in it. */
  readonly folder: string;
  readonly run: Run;
  readonly packages: readonly DebSpec[];
  readonly suites?: readonly SuiteSpec[];
  /** Architecture of the indexes; default `amd64`. */
  readonly arch?: string;
}

const DEBIAN_SUITES: readonly SuiteSpec[] = [
  { name: 'bookworm', origin: 'Debian', label: 'Debian', suite: 'stable', codename: 'bookworm' },
  {
    name: 'bookworm-security',
    origin: 'Debian',
    label: 'Debian-Security',
    suite: 'stable-security',
    codename: 'bookworm-security',
  },
];

const DEADLINE_MS = 120_000;
const FOLDER = 0o755;
const FILE = 0o644;
const pack = promisify(gzip);

/** Needs dpkg-deb, apt-ftparchive, gpg and gpg-agent. */
export async function makeRepository(options: MakeRepository): Promise<Repository> {
  const { folder, run, suites = DEBIAN_SUITES, arch = 'amd64' } = options;
  await mkdir(folder, { recursive: true, mode: FOLDER });
  await chmod(folder, FOLDER);
  const key = await makeKey(run, folder, 'archive');
  const archive = new Archive({ folder, run, suites, arch, key });
  await archive.publish({ packages: options.packages });

  return archive;
}

interface Parts {
  readonly folder: string;
  readonly run: Run;
  readonly suites: readonly SuiteSpec[];
  readonly arch: string;
  readonly key: ArchiveKey;
}

class Archive implements Repository {
  readonly #parts: Parts;
  readonly #held = new Map<string, readonly DebSpec[]>();
  #stranger: ArchiveKey | undefined;
  #lastDate = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get folder(): string {
    return this.#parts.folder;
  }

  get uri(): string {
    return `file://${this.#parts.folder}`;
  }

  get keyring(): string {
    return this.#parts.key.keyring;
  }

  get suites(): readonly SuiteSpec[] {
    return this.#parts.suites;
  }

  get arch(): string {
    return this.#parts.arch;
  }

  async publish(options: PublishOptions = {}): Promise<void> {
    const first = this.suites[0]?.name;

    for (const suite of this.suites) {
      if (options.suite !== undefined && options.suite !== suite.name) continue;
      const packages = options.packages?.filter((spec) => (spec.suite ?? options.suite ?? first) === suite.name);
      await this.#publishSuite(suite, packages ?? this.#held.get(suite.name) ?? [], options);
    }
  }

  sources(options: { uri?: string; suites?: readonly string[]; keyring?: string } = {}): string {
    const names = options.suites ?? this.suites.map((suite) => suite.name);
    const components = new Set(this.suites.flatMap(componentsOf));

    return [
      'Types: deb',
      `URIs: ${options.uri ?? this.uri}`,
      `Suites: ${names.join(' ')}`,
      `Components: ${[...components].join(' ')}`,
      `Architectures: ${this.arch}`,
      `Signed-By: ${options.keyring ?? this.keyring}`,
      '',
    ].join('\n');
  }

  poolFile(name: string, version: string): string {
    for (const [suite, packages] of this.#held) {
      const spec = packages.find((held) => held.name === name && held.version === version);
      if (spec) return join(this.folder, poolFolder(suite, this.#component(suite, spec), spec), fileName(spec));
    }
    throw new Error(`the archive does not hold ${name} ${version}`);
  }

  dists(suite: string): string {
    return join(this.folder, 'dists', suite);
  }

  #component(suite: string, spec: DebSpec): string {
    const named = this.suites.find((other) => other.name === suite);

    return spec.component ?? (named && componentsOf(named)[0]) ?? 'main';
  }

  async #publishSuite(suite: SuiteSpec, packages: readonly DebSpec[], options: PublishOptions): Promise<void> {
    if (this.#held.get(suite.name) !== packages) {
      await rm(join(this.folder, 'pool', suite.name), { recursive: true, force: true });
      for (const spec of packages) {
        const component = this.#component(suite.name, spec);
        const folder = join(this.folder, poolFolder(suite.name, component, spec));
        await makeReadable(this.folder, folder);
        await buildDeb(this.#parts.run, spec, folder);
      }
      this.#held.set(suite.name, packages);
    }

    await rm(this.dists(suite.name), { recursive: true, force: true });
    for (const component of componentsOf(suite)) await this.#writeIndex(suite, component);
    await this.#writeRelease(suite, options);
  }

  async #writeIndex(suite: SuiteSpec, component: string): Promise<void> {
    const pool = join('pool', suite.name, component);
    const target = join(this.dists(suite.name), component, `binary-${this.arch}`);
    await makeReadable(this.folder, join(this.folder, pool));
    await makeReadable(this.folder, target);
    const { stdout } = await this.#parts.run({
      file: 'apt-ftparchive',
      args: ['-q', '--arch', this.arch, 'packages', pool],
      cwd: this.folder,
      deadlineMs: DEADLINE_MS,
      check: true,
    });
    await put(join(target, 'Packages'), stdout);
    await put(join(target, 'Packages.gz'), await pack(stdout));
  }

  async #writeRelease(suite: SuiteSpec, options: PublishOptions): Promise<void> {
    const fields: Readonly<Record<string, string>> = {
      Origin: suite.origin ?? 'Lab',
      Label: suite.label ?? 'Lab',
      Suite: suite.suite ?? suite.name,
      Codename: suite.codename ?? suite.name,
      Architectures: `all ${this.arch}`,
      Components: componentsOf(suite).join(' '),
      'No-Support-for-Architecture-all': 'Packages',
      Date: releaseDate(options.date ?? this.#now()),
    };
    const { stdout } = await this.#parts.run({
      file: 'apt-ftparchive',
      args: [
        '-q',
        ...Object.entries(fields).flatMap(([name, value]) => ['-o', `APT::FTPArchive::Release::${name}=${value}`]),
        ...['MD5', 'SHA1', 'SHA512'].flatMap((hash) => ['-o', `APT::FTPArchive::${hash}=false`]),
        'release',
        '.',
      ],
      cwd: this.dists(suite.name),
      deadlineMs: DEADLINE_MS,
      check: true,
    });
    // apt-ftparchive works Valid-Until out from the clock only, so that a past one is written here.
    const until = options.validUntil ? `Valid-Until: ${releaseDate(options.validUntil)}\n` : '';
    const release = stdout.replace(/^Date: .*\n/m, (line) => line + until);
    await put(join(this.dists(suite.name), 'Release'), release);
    const signed = await this.#sign(release, options.signature ?? 'good');
    if (signed !== null) await put(join(this.dists(suite.name), 'InRelease'), signed);
  }

  async #sign(release: string, signature: Signature): Promise<string | null> {
    switch (signature) {
      case 'good':
        return this.#parts.key.clearSign(release);
      case 'bad':
        return (await this.#parts.key.clearSign(release)).replace(/^Label: .*$/m, 'Label: Forged');
      case 'other-key':
        this.#stranger ??= await makeKey(this.#parts.run, this.folder, 'stranger');

        return this.#stranger.clearSign(release);
      case 'none':
        return null;
      case 'garbled':
        return '<html><body>Please log in to the network</body></html>\n';
    }
  }

  /** Now, and at least a second after the last one: apt takes an index of the same date for the same index. */
  #now(): Temporal.Instant {
    this.#lastDate = Math.max(Math.floor(Temporal.Now.instant().epochMilliseconds / 1000), this.#lastDate + 1);

    return Temporal.Instant.fromEpochMilliseconds(this.#lastDate * 1000);
  }
}

/** Changes one byte in the middle of a file; its size stays. Compare `buildDeb` with another body for a working forgery. */
export async function tamper(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}

/** RFC 1123 date in UTC, as a Release file holds it: `Mon, 23 Nov 2026 00:00:00 UTC`. */
function releaseDate(instant: Temporal.Instant): string {
  return new Date(instant.epochMilliseconds).toUTCString().replace('GMT', 'UTC');
}

function componentsOf(suite: SuiteSpec): readonly string[] {
  return suite.components ?? ['main'];
}

function poolFolder(suite: string, component: string, spec: DebSpec): string {
  const source = spec.source ?? spec.name;

  return join('pool', suite, component, source.slice(0, source.startsWith('lib') ? 4 : 1), source);
}

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: FILE });
  await chmod(path, FILE);
}

/** Makes a folder below `top`, each step readable for everybody whatever the umask. */
async function makeReadable(top: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const steps = relative(top, folder).split('/');
  for (let index = 1; index <= steps.length; index += 1) await chmod(join(top, ...steps.slice(0, index)), FOLDER);
}
