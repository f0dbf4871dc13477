// A context for tests of single sections: a root folder, a fake /proc where one is needed, and no providers by default.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { InstalledPackage, PendingUpdate, Repository } from '@selvage/shared/model/package.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { Observer } from '../../providers/provider.ts';
import { createContext, type InventoryContext, type InventoryOptions } from '../context.ts';

export function testOptions(options: Partial<InventoryOptions> & { readonly root?: string } = {}): InventoryOptions {
  const { root = '/', ...rest } = options;

  return {
    settings: { root, mode: 'observe', labels: { tier: ['web'] }, zone: 'Europe/Vienna' },
    observers: [],
    run: createRun({}),
    clock: systemClock,
    agentVersion: '0.1.0',
    lockfile: null,
    hardwareFile: null,
    ownersFile: null,
    ...rest,
  };
}

export function testContext(options: Parameters<typeof testOptions>[0] = {}): InventoryContext {
  return createContext(testOptions(options));
}

/** An observer that answers what it is given and counts what it is asked. */
export function observing(facts: {
  readonly installed?: readonly Partial<InstalledPackage>[];
  readonly repositories?: readonly Repository[];
  readonly pending?: readonly PendingUpdate[];
}): Observer & { readonly asked: string[] } {
  const asked: string[] = [];
  const answer = <T>(name: string, value: T): Promise<T> => {
    asked.push(name);

    return Promise.resolve(value);
  };

  return {
    asked,
    name: 'apt',
    detect: () => answer('detect', true),
    installed: () => answer('installed', (facts.installed ?? []).map(installedPackage)),
    repositories: () => answer('repositories', facts.repositories ?? []),
    refresh: () => answer('refresh', facts.repositories ?? []),
    pending: () => answer('pending', facts.pending ?? []),
  };
}

function installedPackage(facts: Partial<InstalledPackage>): InstalledPackage {
  const base = { provider: 'apt', name: 'x', version: '1', arch: 'amd64', state: 'installed' } as const;
  const name = facts.name ?? base.name;

  return { ...base, source: name, sourceVersion: '1', held: false, installedAt: null, ...facts };
}

export function repository(facts: Partial<Repository> = {}): Repository {
  return {
    id: 'http://a.example/x stable main',
    provider: 'apt',
    uri: 'http://a.example/x',
    suite: 'stable',
    components: ['main'],
    origin: 'Debian',
    label: 'Debian',
    codename: 'stable',
    signed: true,
    security: false,
    lastRefresh: '2026-11-23T11:00:00Z',
    lastAttempt: '2026-11-23T11:00:00Z',
    date: '2026-11-23T06:00:00Z',
    validUntil: null,
    problem: null,
    lastError: null,
    ...facts,
  };
}

/** Writes files below a folder; a value that begins with "→ " is the target of a link. */
export function writeTree(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (content.startsWith('→ ')) symlinkSync(content.slice(2), join(folder, path));
    else writeFileSync(join(folder, path), content);
  }
}
