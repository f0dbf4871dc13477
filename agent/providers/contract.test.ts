import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { installedPackage, repository } from '@selvage/shared/model/package.ts';
import { needs, type Part } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { detectObservers, OBSERVERS, type ObserverOptions } from './index.ts';
import { makeRpmDatabase } from './rpm/testing/database.ts';

interface Host {
  readonly parts: readonly Part[];
  /** Something installed, and a source. */
  whole(root: string): void;
  torn(root: string): void;
  /** What may be started to look at it. */
  readonly programs: readonly string[];
  /** Why its lists are not believed before a refresh, and after one that nobody answered. */
  readonly problems: readonly [string, string];
}

const files = (root: string, texts: Readonly<Record<string, string>>) => {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
};
const REPO =
  '[base]\nname=Base\nbaseurl=https://user:secret@127.0.0.1:1/x\ngpgcheck=1\n\n[off]\nbaseurl=https://127.0.0.1:1/y\nenabled=0\n';
const widget = { name: 'widget', epoch: 1, version: '2.0~rc1', release: '3.el9' };

const HOSTS: Record<string, Host> = {
  apt: {
    parts: [],
    whole: (root) =>
      files(root, {
        'var/lib/dpkg/status': 'Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n',
        'etc/apt/sources.list': 'deb http://127.0.0.1:1/x stable main\n',
      }),
    torn: (root) => files(root, { 'var/lib/dpkg/status': 'Package: a\nStatus: install ok inst' }),
    programs: [],
    problems: ['REPOSITORY_NEVER_FETCHED', 'REPOSITORY_UNREACHABLE'],
  },
  dnf: {
    parts: ['rpm', 'rpmbuild'],
    whole: (root) => {
      makeRpmDatabase(join(root, 'var/lib/rpm'), [widget], `${root}-build`);
      files(root, { 'etc/yum.repos.d/base.repo': REPO });
    },
    torn: (root) => files(root, { 'var/lib/rpm/rpmdb.sqlite': 'not a database' }),
    programs: ['rpm'],
    problems: ['NOT_BUILT', 'NOT_BUILT'],
  },
  zypper: {
    parts: ['rpm', 'rpmbuild'],
    whole: (root) => {
      makeRpmDatabase(join(root, 'usr/lib/sysimage/rpm'), [widget], `${root}-build`);
      files(root, { 'etc/zypp/repos.d/base.repo': REPO });
    },
    torn: (root) => files(root, { 'usr/lib/sysimage/rpm/rpmdb.sqlite': 'not a database' }),
    programs: ['rpm'],
    problems: ['NOT_BUILT', 'NOT_BUILT'],
  },
};

const started: string[] = [];
const real = createRun(process.env);
const run: Run = (options) => {
  started.push(options.file);

  return real(options);
};

function options(make: (root: string) => void = () => undefined): ObserverOptions {
  const folder = temporaryFolder('contract');
  const root = join(folder, 'root');
  mkdirSync(root);
  make(root);

  return { root, stateDir: join(folder, 'state'), run, clock: systemClock, unprivileged: null, maxAge: 1000 };
}

describe('the list of package managers', () => {
  it('has a host of each in this suite', () => {
    expect(Object.keys(HOSTS)).toEqual(Object.keys(OBSERVERS));
  });
});

for (const [name, create] of Object.entries(OBSERVERS)) {
  const host = HOSTS[name] as Host;

  needs(host.parts, `when a host of ${name} is observed`, () => {
    it('is detected where it is, and nowhere else', async () => {
      expect((await detectObservers(options(host.whole))).map((observer) => observer.name)).toEqual([name]);
      expect(await detectObservers(options())).toEqual([]);
    });

    it('answers in the shapes of the model, with no more programs than it needs and without the network', async () => {
      const observer = create(options(host.whole));
      started.length = 0;
      const installed = z
        .array(installedPackage)
        .min(1)
        .parse(await observer.installed());
      const repositories = z.array(repository).parse(await observer.repositories());

      expect(installed[0]?.provider).toBe(name);
      expect(repositories.map(({ problem }) => problem?.code)).toEqual([host.problems[0]]);
      expect(JSON.stringify(repositories)).not.toContain('secret');
      expect(new Set(started)).toEqual(new Set(host.programs));
    });

    it('fails whole on a torn database', async () => {
      await expect(create(options(host.torn)).installed()).rejects.toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
    });

    it('refreshes to a verdict for each repository, also when none answers', async () => {
      const found = await create(options(host.whole)).refresh({ deadline: 30_000, byteBudget: 1_000_000 });

      expect(found.map(({ problem }) => problem?.code)).toEqual([host.problems[1]]);
      // What tried says when.
      if (name === 'apt') expect(found.map(({ lastAttempt }) => lastAttempt !== null)).toEqual([true]);
    });
  });
}

needs(['rpm', 'rpmbuild'], 'when a host of rpm is looked at closely', () => {
  it('has epochs, sources and times, and an empty database is no host without software', async () => {
    const create = OBSERVERS.dnf;
    const [found] = (await create?.(options(HOSTS.dnf?.whole)).installed()) ?? [];

    expect(found).toMatchObject({ name: 'widget', version: '1:2.0~rc1-3.el9', arch: 'noarch', source: 'widget' });
    expect(found?.installedAt).not.toBeNull();
    await expect(
      create?.(options((root) => makeRpmDatabase(join(root, 'var/lib/rpm'), [], root))).installed(),
    ).rejects.toMatchObject({ code: 'PACKAGE_DATABASE_INVALID' });
  });

  it('a host of dpkg that has the programs of rpm too is one of dpkg only', async () => {
    const both = options((root) => {
      HOSTS.apt?.whole(root);
      HOSTS.dnf?.whole(root);
    });

    expect((await detectObservers(both)).map(({ name }) => name)).toEqual(['apt']);
  });
});
