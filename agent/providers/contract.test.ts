import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { installedPackage, repository } from '@selvage/shared/model/package.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { detectObservers, OBSERVERS, type ObserverOptions } from './index.ts';

/** A host of each package manager: what detects it, something installed, a source that was never fetched. */
const HOSTS: Record<string, { readonly whole: Record<string, string>; readonly torn: Record<string, string> }> = {
  apt: {
    whole: {
      'var/lib/dpkg/status': 'Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n',
      'etc/apt/sources.list': 'deb http://127.0.0.1:1/x stable main\n',
    },
    torn: { 'var/lib/dpkg/status': 'Package: a\nStatus: install ok inst' },
  },
};

const started: string[] = [];
const real = createRun({});
const run: Run = (options) => {
  started.push(options.file);

  return real(options);
};

function options(files: Readonly<Record<string, string>>): ObserverOptions {
  const folder = temporaryFolder('contract');
  const root = join(folder, 'root');
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  return { root, stateDir: join(folder, 'state'), run, clock: systemClock, unprivileged: null, maxAge: 1000 };
}

describe.each(Object.entries(OBSERVERS))('when a host of %s is observed', (name, create) => {
  const host = HOSTS[name];

  it('has a host in this suite', () => {
    expect(host).toBeDefined();
  });

  it('is detected where it is, and nowhere else', async () => {
    expect((await detectObservers(options(host?.whole ?? {}))).map((observer) => observer.name)).toEqual([name]);
    expect(await detectObservers(options({}))).toEqual([]);
  });

  it('answers in the shapes of the model, without a program and without the network', async () => {
    started.length = 0;
    const observer = create(options(host?.whole ?? {}));

    expect(
      z
        .array(installedPackage)
        .min(1)
        .parse(await observer.installed())[0]?.provider,
    ).toBe(name);
    expect(z.array(repository).parse(await observer.repositories())[0]?.problem?.code).toBe('REPOSITORY_NEVER_FETCHED');
    expect(started).toEqual([]);
  });

  it('fails whole on a torn database', async () => {
    await expect(create(options(host?.torn ?? {})).installed()).rejects.toMatchObject({
      code: 'PACKAGE_DATABASE_INVALID',
    });
  });

  it('refreshes to a verdict for each repository, also when none answers', async () => {
    const found = await create(options(host?.whole ?? {})).refresh({ deadline: 30_000, byteBudget: 1_000_000 });

    expect(found.map(({ problem, lastAttempt }) => [problem?.code, lastAttempt !== null])).toEqual([
      ['REPOSITORY_UNREACHABLE', true],
    ]);
  });
});
