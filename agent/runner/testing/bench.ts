// A runner with everything but a package manager: real signed policy, real files, a clock that is set, and an installer in
// memory that behaves like one (versions, half-done installations, refusals). For the tests of this room.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import type { InstalledPackage, PackageVersion, Transaction } from '@selvage/shared/model/package.ts';
import { type RunResult, runResult } from '@selvage/shared/model/result.ts';
import { generateKey, verifyBytes } from '@selvage/shared/pki/keys.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import type { Installer } from '../../providers/provider.ts';
import type { RunnerDeps } from '../deps.ts';
import { NO_OTHERS, type OtherUpdaters } from '../others.ts';
import type { Files } from '../state-file.ts';
import type { Uptime } from '../uptime.ts';

export const OPENSSL: PackageVersion = { name: 'openssl', version: '3.0.22-1~deb12u2', arch: 'amd64' };
/** A Monday; the night window of the samples opens at 01:00 the next day. */
const START = '2026-11-23T12:00:00Z';
export const IN_WINDOW = '2026-11-24T01:30:00Z';

/** Made while the tests are collected: only then can its removal be ordered. */
const top = temporaryFolder('runner');

export interface MemoryInstaller extends Installer {
  packages: InstalledPackage[];
  /** What a simulation says besides the wanted upgrades. */
  besides: Partial<Transaction>;
  mirrorHolds: boolean;
  /** Calls that change the host, with the clock's time. */
  readonly acts: { readonly act: 'install' | 'repair'; readonly at: string; readonly packages: readonly string[] }[];
  /** Thrown by the next call of that name; `half` leaves packages half-configured first. */
  fail: Partial<Record<'loadMirror' | 'prepare' | 'install' | 'repair' | 'simulate' | 'interrupted', unknown>>;
  half: boolean;
  free: number;
  during: () => Promise<void>;
}

export function installedPackage(over: Partial<InstalledPackage> = {}): InstalledPackage {
  return {
    provider: 'apt',
    name: 'openssl',
    version: '3.0.20-1~deb12u1',
    arch: 'amd64',
    source: 'openssl',
    sourceVersion: '3.0.20-1~deb12u1',
    state: 'installed',
    held: false,
    installedAt: null,
    ...over,
  };
}

function memoryInstaller(clock: FakeClock): MemoryInstaller {
  const stumble = (name: keyof MemoryInstaller['fail']) => {
    const error = self.fail[name];
    delete self.fail[name];
    if (error !== undefined) throw error;
  };
  const set = (wanted: PackageVersion, state: string) => {
    self.packages = self.packages.map((item) =>
      item.name === wanted.name ? { ...item, version: wanted.version, state } : item,
    );
  };
  const self: MemoryInstaller = {
    name: 'apt',
    packages: [installedPackage()],
    besides: {},
    mirrorHolds: true,
    acts: [],
    fail: {},
    half: false,
    free: 1_000_000_000,
    during: async () => undefined,
    loadMirror: async () => {
      stumble('loadMirror');

      return { repositories: self.mirrorHolds ? [{ id: 'lab', date: START }] : [] };
    },
    installed: async () => self.packages.map((item) => ({ ...item })),
    simulate: async (packages) => {
      stumble('simulate');
      const upgrade = packages.flatMap(({ name, arch, version }) => {
        const from = self.packages.find((item) => item.name === name)?.version;

        return from === undefined || from === version ? [] : [{ name, arch, from, to: version }];
      });

      return { upgrade, downgrade: [], install: [], remove: [], downloadBytes: 1000, ...self.besides };
    },
    interrupted: async () => {
      stumble('interrupted');
      const broken = self.packages.filter((item) => item.state !== 'installed').map((item) => item.name);

      return broken.length === 0 ? null : `${broken.join(', ')} half-configured`;
    },
    repair: async () => {
      self.acts.push({ act: 'repair', at: clock.now().toString(), packages: [] });
      stumble('repair');
      self.packages = self.packages.map((item) => ({ ...item, state: 'installed' }));
    },
    space: async () => [{ path: '/', needed: 1_000_000, free: self.free }],
    prepare: async () => stumble('prepare'),
    install: async (packages, progress) => {
      const names = packages.map((item) => `${item.name}=${item.version}`);
      self.acts.push({ act: 'install', at: clock.now().toString(), packages: names });
      if (self.half) for (const wanted of packages) set(wanted, 'half-configured');
      stumble('install');
      await self.during();
      progress.line('Setting up openssl');
      for (const wanted of packages) set(wanted, 'installed');
    },
  };

  return self;
}

export interface Bench {
  readonly clock: FakeClock;
  readonly installer: MemoryInstaller;
  readonly repository: SampleRepository;
  readonly stateDir: string;
  readonly runner: string;
  /** Without `uptime` the wall clock never leaps: time that is set has gone by. */
  deps(over?: {
    mode?: Mode;
    files?: Files;
    labels?: Record<string, string[]>;
    uptime?: () => Uptime;
    updaters?: OtherUpdaters;
  }): RunnerDeps;
  /** Signs the documents and puts the repository where the connector would. */
  push(...documents: readonly PolicyDocument[]): void;
  /** Writes the repository as it is. */
  mirror(): void;
  /** All results on disk in order, each with its signature checked. */
  results(): readonly RunResult[];
}

/**
 * Window, policy and one approval of openssl are pushed; nothing of delay or rings unless `documents` says so. `folder` may
 * lie on a disk of its own, which is then not asked for its owner.
 */
export function bench(documents: readonly PolicyDocument[] = defaultDocuments(), folder: string = top): Bench {
  const clock = fakeClock(START);
  const stateDir = mkdtempSync(join(folder, 'host-'));
  const root = folder === top ? '/' : folder;
  const runner = join(stateDir, 'runner');
  const key = generateKey();
  const repository = sampleRepository({ now: clock.now() });
  layOutState(stateDir, key.privateKey, repository);
  const installer = memoryInstaller(clock);

  const self: Bench = {
    clock,
    installer,
    repository,
    stateDir,
    runner,
    deps: ({ mode = 'managed', files, labels = {}, uptime = () => uptimeOf(clock), updaters = NO_OTHERS } = {}) => ({
      settings: { mode, labels, root, stateDir, runnerDir: runner, zone: 'UTC' },
      host: {
        id: '3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11',
        name: 'db-1',
        os: { id: 'debian', idLike: [], version: '12' },
      },
      installer,
      compare: compareDebVersions,
      evidence: async () => ({ rebootRequired: false, staleProcesses: [] }),
      updaters,
      clock,
      uptime,
      log: silentLog,
      ...(files === undefined ? {} : { files }),
    }),
    push: (...put) => {
      repository.change({ put }, clock.now());
      self.mirror();
    },
    mirror: () => writePolicyCopy(repository, stateDir),
    results: () => {
      const folder = join(runner, 'results');
      const numbers = readdirSync(folder)
        .map((name) => Number(name.replace('.json', '')))
        .sort((a, b) => a - b);

      return numbers.map((number) => {
        const file = JSON.parse(readFileSync(join(folder, `${number}.json`), 'utf8'));
        const payload = Buffer.from(file.payload, 'base64');
        if (!verifyBytes(payload, Buffer.from(file.signature, 'base64'), key.publicKey)) {
          throw new CodedError('RESULT_SIGNATURE', `result ${number}`);
        }

        return runResult.parse(JSON.parse(payload.toString()));
      });
    },
  };
  self.push(...documents);

  return self;
}

function uptimeOf(clock: FakeClock): Uptime {
  return { boot: 'boot', ms: clock.now().epochMilliseconds };
}

/** Lane `scheduled` without delay in the night window, lane `urgent` at any time. */
export function defaultDocuments(): readonly PolicyDocument[] {
  return [windowSample(), policyWith({}), approvalSample({ packages: [OPENSSL] })];
}

export function policyWith(scheduled: object): PolicyDocument {
  const rest = { approve: 'manual' as const, delay: '0h', window: 'weekday-nights', rings: [{ rest: true as const }] };

  return patchPolicySample({
    lanes: { scheduled: { ...rest, ...scheduled }, urgent: { ...rest, window: 'any' } },
    offline: { actUntil: '7d' },
  });
}

/** What enrollment leaves behind: the runner's key and the pinned root; and the empty folders of the connector. */
export function layOutState(stateDir: string, privateKey: string, repository: SampleRepository): void {
  for (const name of ['runner/trust', 'policy/metadata', 'policy/targets', 'outbox']) {
    mkdirSync(join(stateDir, name), { recursive: true });
  }
  writeFileSync(join(stateDir, 'runner/key.pem'), privateKey, { mode: 0o600 });
  writeFileSync(join(stateDir, 'runner/trust/root.json'), repository.root);
}

/** The repository as the connector would lay it down. */
export function writePolicyCopy(repository: SampleRepository, stateDir: string): void {
  for (const [name, bytes] of repository.contents) {
    const path = name.includes('#')
      ? join('targets', `${sha256(bytes)}.${basename(name.slice(0, name.indexOf('#')))}`)
      : join('metadata', name);
    if (name.includes('/') && !name.includes('#')) continue;
    writeFileSync(join(stateDir, 'policy', path), bytes);
  }
}
