// A signed archive behind a real server, and hosts that use it: what the tests of observing share. For tests only.
import { chmodSync, existsSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll, beforeAll } from 'vitest';
import type { DebSpec } from '../../../../scripts/lab/deb.ts';
import { makeRepository, type PublishOptions, type Repository } from '../../../../scripts/lab/repository.ts';
import { type ServedRepository, serveRepository } from '../../../../scripts/lab/serving.ts';
import type { Observer } from '../../provider.ts';
import { makeHost, type TestHost } from './host.ts';

export const PARTS = ['apt-get', 'apt-ftparchive', 'dpkg-deb', 'gpg', 'gpgv'] as const;
export const REFRESH = { deadline: 60_000, byteBudget: 50_000_000 };
const PACKAGES: readonly DebSpec[] = [
  { name: 'tool', version: '2.0-1', source: 'tool-src', sourceVersion: '2.0-1~src' },
  { name: 'held', version: '1.1' },
  { name: 'slow', version: '3.0', fields: { 'Phased-Update-Percentage': '20' } },
  { name: 'fixed', version: '1.2', suite: 'bookworm-security' },
  { name: 'between', version: '1.1', suite: 'bookworm-security' },
  { name: 'between', version: '1.2' },
];
/** What every host has installed. */
export const STATUS = ['tool 1.0-1 all', 'held 1.0 all hold', 'slow 2.0 all', 'fixed 1.0 all', 'between 1.0 all'];

export interface UsedArchive {
  archive(): Repository;
  served(): ServedRepository;
  /** A host of its own with the given sources; default: all of the archive. `environment` is that of its agent. */
  host(source?: string, environment?: Readonly<Record<string, string>>): TestHost;
  publish(options: PublishOptions): Promise<void>;
}

/** Makes the archive before the tests of the calling block and closes its server after them. */
export function useArchive(): UsedArchive {
  let archive: Repository | undefined;
  let served: ServedRepository | undefined;
  let number = 0;
  let seconds = 0;
  const made = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the archive is made before the tests, not before their description');

    return value;
  };

  beforeAll(async () => {
    const folder = temporaryFolder('archive');
    chmodSync(folder, 0o755);
    archive = await makeRepository({ folder, run: createRun({}), packages: PACKAGES });
    served = await serveRepository(archive);
  });
  afterAll(() => served?.close());

  return {
    archive: () => made(archive),
    served: () => made(served),
    host: (source = made(archive).sources({ uri: made(served).url }), environment = {}) => {
      const host = makeHost(temporaryFolder(`host-${number++}`), environment);
      host.source('lab.sources', source);
      host.install(...STATUS);

      return host;
    },
    publish: async (options) => {
      await made(archive).publish(options);
      // Servers tell changes by whole seconds; tests publish faster than that.
      seconds += 2;
      const changed = systemClock.now().add({ seconds }).epochMilliseconds / 1000;
      for (const { name } of made(archive).suites) {
        const path = join(made(archive).dists(name), 'InRelease');
        if (existsSync(path)) utimesSync(path, changed, changed);
      }
    },
  };
}

/** Suite and code of each repository, null for one that may be believed. */
export async function problemsOf(observer: Observer): Promise<readonly (readonly [string, string | null])[]> {
  return (await observer.repositories()).map(({ suite, problem }) => [suite, problem?.code ?? null] as const);
}

/** Milliseconds for all servers of a refresh of which one hangs. */
const BESIDE_MS = [4000, 16_000, 64_000];
/** What is ended by a signal is gone a moment later: before it would have given up by itself, which takes apt twenty seconds. */
export const GONE = { timeout: 10_000 };

/**
 * A refresh whose deadline a server that hangs comes to. Each server has its share of the time: where the machine is too busy to
 * bring the lists of `good` in theirs, it is done again with more. The last one is told.
 */
export async function refreshBeside(observer: () => Observer, good: string) {
  for (const [index, deadline] of BESIDE_MS.entries()) {
    const began = performance.now();
    const repositories = await observer().refresh({ ...REFRESH, deadline });
    const tookMs = performance.now() - began;
    const brought = repositories.find(({ uri }) => uri === good)?.problem === null;
    if (brought || index === BESIDE_MS.length - 1) return { repositories, deadline, tookMs };
  }
  throw new Error('there is a last one');
}

export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}
