// The privileged half of the apt provider. It reads packages only from the mirror folder, through a real apt that verifies
// them again, and opens no network. INVARIANTS: lists and cache are the runner's own; a started package manager is never
// killed and writes to a file, so that it also survives its parent.
import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { RUN_MARK } from '@selvage/shared/model/changes.ts';
import type { InstalledPackage, PackageVersion, Transaction } from '@selvage/shared/model/package.ts';
import type { Installer, InstallOptions, InstallProgress } from '../provider.ts';
import { type AptSystem, type AptSystemOptions, createAptSystem, TRANSACTION_MARK } from './apt-system.ts';
import { DPKG_FOLDER, readInstalled } from './dpkg-database.ts';
import { isInside } from './mirror.ts';
import { takePackages, type WantedFile } from './mirror-intake.ts';
import { loadMirrorFolder } from './mirror-load.ts';
import { exactly, factsFor, type PackageFacts, parseShow } from './package-facts.ts';
import { parseSimulation } from './simulation-output.ts';
import { refuseFull, spaceFor } from './space.ts';
import { transactionAlive } from './transaction-alive.ts';

export interface AptInstallerOptions extends AptSystemOptions {
  /** The fetcher's folder of mirrors. */
  readonly packages: string;
  readonly compare: (a: string, b: string) => number;
  /** Told once, while it goes on, of a transaction that takes longer than `overdueMs`. */
  readonly overdue?: (message: string) => void;
  /** Milliseconds; default: INSTALL_OVERDUE_MS. */
  readonly overdueMs?: number;
}

/** Past it the installation is reported as overdue and goes on. */
const INSTALL_OVERDUE_MS = 2 * 3_600_000;
/** Simulations and look-ups. */
const QUERY_DEADLINE_MS = 120_000;
const DOWNLOAD_DEADLINE_MS = 30 * 60_000;
const MAX_OUTPUT = 1024 * 1024;
const MAX_REASON = 4000;
/** dpkg(1) "Package states" that are whole; waiting for triggers of others is. */
const WHOLE = ['installed', 'triggers-awaited', 'triggers-pending'];

export function createAptInstaller(options: AptInstallerOptions): Installer {
  return new AptInstaller(options);
}

class AptInstaller implements Installer {
  readonly name = 'apt';
  readonly #options: AptInstallerOptions;
  readonly #system: AptSystem;

  constructor(options: AptInstallerOptions) {
    this.#options = options;
    this.#system = createAptSystem(options);
  }

  async loadMirror(): Promise<{ readonly repositories: readonly { readonly id: string; readonly date: string }[] }> {
    const { root, packages, runnerDir } = this.#options;
    await this.#system.prepare();
    const dates = join(runnerDir, 'apt/dates.json');

    return { repositories: await loadMirrorFolder(this.#system, { root, packages, dates }) };
  }

  installed(): Promise<readonly InstalledPackage[]> {
    return readInstalled(this.#options.root);
  }

  async simulate(packages: readonly PackageVersion[]): Promise<Transaction> {
    await this.#system.prepare();
    const known = await this.#show(packages);
    const missing = packages.filter((wanted) => factsFor(known, wanted) === undefined);
    if (missing.length > 0) {
      throw new CodedError('NO_CANDIDATE', `no signed index of the mirror has ${missing.map(exactly).join(', ')}`, {
        details: { missing },
      });
    }

    const output = await this.#apt(['-s', '-q', 'install', '--', ...packages.map(exactly)]);
    if (output.exitCode !== 0) {
      // The versions are there, so it is their relations that apt cannot satisfy.
      throw new CodedError('PLAN_CHANGED', `apt finds no transaction for the approved packages: ${words(output)}`);
    }
    const facts = {
      installed: await this.installed(),
      nativeArch: (
        await this.#system.run({ file: 'dpkg', args: ['--print-architecture'], deadlineMs: QUERY_DEADLINE_MS })
      ).stdout.trim(),
      compare: this.#options.compare,
      downloadBytes: null,
    };
    const transaction = parseSimulation(output.stdout, facts);
    const files = await this.#filesOf(transaction);

    return { ...transaction, downloadBytes: files.reduce((sum, item) => sum + item.downloadBytes, 0) };
  }

  async interrupted(): Promise<string | null> {
    const { root } = this.#options;
    const alive = await transactionAlive(root, this.#system.uid);
    if (alive !== null) throw new CodedError('PACKAGE_MANAGER_LOCKED', `a package manager is at work: ${alive}`);

    const journal = await names(join(root, DPKG_FOLDER, 'updates'));
    const broken = (await this.installed()).filter((item) => !WHOLE.includes(item.state));
    const parts = [
      ...(journal.some((name) => /^\d+$/.test(name)) ? ['changes that were not written into the status'] : []),
      ...broken.map((item) => `${item.name} is ${item.state}`),
    ];

    return parts.length === 0 ? null : parts.join(', ');
  }

  /** dpkg finishes what it unpacked; what was torn while unpacking is installed again from the verified cache. */
  async repair(progress: InstallProgress): Promise<void> {
    await this.#system.prepare();
    await this.#transaction('dpkg', [...this.#system.dpkgOptions, '--configure', '-a'], progress);
    const torn = (await this.installed()).filter((item) => !WHOLE.includes(item.state));
    const debs = await this.#cachedFor(torn);
    if (debs.length > 0) {
      await this.#transaction('dpkg', [...this.#system.dpkgOptions, '--install', '--', ...debs], progress);
    }

    const left = await this.interrupted();
    if (left !== null)
      throw new CodedError('PACKAGE_DATABASE_INTERRUPTED', `dpkg could not repair everything: ${left}`);
  }

  async space(transaction: Transaction) {
    return spaceFor(this.#options.root, this.#system.archives, transaction, await this.#filesOf(transaction));
  }

  async prepare(packages: readonly PackageVersion[], options: InstallOptions = {}): Promise<void> {
    await this.#system.prepare();
    // What lies there is older than this run; apt would take a file of the right size for the right file.
    for (const name of await names(this.#system.archives)) {
      if (name.endsWith('.deb')) await rm(join(this.#system.archives, name));
    }
    const { mirror } = this.#system;
    const files = await this.#wantedFiles(packages, options);
    const missing = await takePackages(this.#options.packages, files, mirror);
    if (missing.length > 0) {
      throw new CodedError('NOT_FETCHED', `the mirror folder lacks ${missing.join(', ')}`, { details: { missing } });
    }
    const args = this.#installArgs(packages, options, ['--download-only']);
    const output = await this.#system.run({ file: 'apt-get', args, deadlineMs: DOWNLOAD_DEADLINE_MS });
    if (output.exitCode !== 0) {
      await refuseFull(output.stderr, this.#system.archives);
      throw new CodedError('MIRROR_REFUSED', `apt does not accept the packages in the mirror folder: ${words(output)}`);
    }
    // apt has a copy of its own now.
    for (const { repository, path } of files) await rm(join(mirror, repository, path), { force: true });
  }

  async install(
    packages: readonly PackageVersion[],
    progress: InstallProgress,
    options: InstallOptions = {},
  ): Promise<void> {
    const { hooks } = await this.#system.prepare();
    for (const hook of hooks) progress.line(`hook of this host: ${hook}`);
    // First, because apt cuts long command lines in its history. apt itself has no use for the option.
    const mark = options.run === undefined ? [] : ['-o', `${RUN_MARK}=${options.run}`];
    const args = this.#installArgs(packages, options, ['--no-download'], mark);
    const exitCode = await this.#transaction('apt-get', args, progress);
    if (exitCode !== 0) {
      throw new CodedError('PACKAGE_MANAGER_FAILED', `apt-get ended with ${exitCode}`, { details: { exitCode } });
    }
  }

  #installArgs(
    packages: readonly PackageVersion[],
    { removes = [] }: InstallOptions,
    further: readonly string[],
    first: readonly string[] = [],
  ): readonly string[] {
    const remove = removes.length === 0 ? ['--no-remove'] : [];

    return [
      'install',
      ...first,
      '-y',
      '-q',
      '--no-install-recommends',
      ...remove,
      ...further,
      '--',
      ...packages.map(exactly),
    ];
  }

  /** Runs to its end whatever happens to this process. The mark lets a later start see that it is still at work. */
  async #transaction(file: string, args: readonly string[], progress: InstallProgress): Promise<number> {
    const { runnerDir, overdueMs = INSTALL_OVERDUE_MS, overdue } = this.#options;
    const outputFile = join(runnerDir, 'apt/transaction.log');
    await rm(outputFile, { force: true });
    const output = await this.#system.run({
      file,
      args,
      env: { [TRANSACTION_MARK]: this.#options.root },
      neverKill: true,
      outputFile,
      outputLimit: MAX_OUTPUT,
      deadlineMs: overdueMs,
      onOverdue: () => {
        const message = `${file} has run for ${overdueMs} ms and goes on: a package manager at work is never killed`;
        progress.line(message);
        overdue?.(message);
      },
    });
    for (const line of output.stdout.split('\n')) if (line !== '') progress.line(line);

    return output.exitCode;
  }

  #apt(args: readonly string[]) {
    return this.#system.run({ file: 'apt-get', args, deadlineMs: QUERY_DEADLINE_MS });
  }

  async #show(packages: readonly PackageVersion[]): Promise<readonly PackageFacts[]> {
    if (packages.length === 0) return [];
    const output = await this.#system.run({
      file: 'apt-cache',
      args: ['show', '--', ...packages.map(exactly)],
      deadlineMs: QUERY_DEADLINE_MS,
    });

    return parseShow(output.stdout);
  }

  async #filesOf({ install, upgrade, downgrade }: Transaction): Promise<readonly PackageFacts[]> {
    const packages = [...install, ...upgrade, ...downgrade].flatMap(({ name, arch, to }) =>
      to === null ? [] : [{ name, arch, version: to }],
    );
    const known = await this.#show(packages);

    return packages.map((wanted) => {
      const facts = factsFor(known, wanted);
      if (!facts) throw new CodedError('NO_CANDIDATE', `no signed index of the mirror has ${exactly(wanted)}`);

      return facts;
    });
  }

  /*
   * 'copy:/var/lib/selvage-agent/runner/apt/mirror/x/pool/b/beta/beta_2.0%7edeb12u1_all.deb' beta_2.0%7edeb12u1_all.deb 20672 SHA256:00df…
   */
  async #wantedFiles(packages: readonly PackageVersion[], options: InstallOptions): Promise<readonly WantedFile[]> {
    const { exitCode, stdout, stderr } = await this.#apt(
      this.#installArgs(packages, options, ['--print-uris', '-qq', '-o', 'Acquire::ForceHash=SHA256']),
    );
    if (exitCode !== 0) throw new CodedError('PLAN_CHANGED', `apt names no files: ${words({ stdout, stderr })}`);

    return stdout
      .split('\n')
      .filter((line) => line.startsWith("'"))
      .map((line) => wantedFile(line, this.#system.mirror));
  }

  /** Files of the cache that hold what was torn: `<name>_<version>_<arch>.deb`, with `:` written as %3a. */
  async #cachedFor(torn: readonly InstalledPackage[]): Promise<readonly string[]> {
    const files = await names(this.#system.archives);
    const found = torn.flatMap(({ name }) =>
      files.filter((file) => file.startsWith(`${name}_`) && file.endsWith('.deb')),
    );

    return found.map((file) => join(this.#system.archives, file));
  }
}

/** What apt itself calls the error, in one line; all of its words are in the log of the run. */
function words(output: { readonly stdout: string; readonly stderr: string }): string {
  const text = output.stderr.trim() || output.stdout.trim();
  const errors = text.split('\n').filter((line) => line.startsWith('E: '));

  return (errors.length > 0 ? errors.join(' ') : text.replaceAll('\n', ' ')).slice(0, MAX_REASON);
}

function wantedFile(line: string, mirror: string): WantedFile {
  const match = /^'copy:(\/[^']*)' \S+ (\d{1,15}) (SHA256|SHA512):([0-9a-f]{64,128})$/.exec(line.trimEnd());
  const path = decodeURIComponent(match?.[1] ?? '');
  const [repository = '', ...rest] = relative(mirror, path).split('/');
  if (!match?.[3] || !match[4] || !path.startsWith(`${mirror}/`) || !isInside(rest.join('/'))) {
    throw new CodedError('PARSE', `apt-get --print-uris printed a line that is not understood: ${line}`);
  }

  return {
    repository,
    path: rest.join('/'),
    size: Number(match[2]),
    algorithm: match[3] === 'SHA256' ? 'sha256' : 'sha512',
    hash: match[4],
  };
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
