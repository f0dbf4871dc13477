// Whose build a package is: by the version that a vendor serves, else by who knows the name at all.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { withOrigins } from './origins.ts';

const installed = (
  list: Readonly<Record<string, string>>,
  said: Readonly<Record<string, string>> = {},
): InstalledPackage[] =>
  Object.entries(list).map(([name, version]) => ({
    ...(said[name] === undefined ? {} : { origin: said[name] }),
    ...{ provider: 'apt', name, version, arch: 'amd64', source: name, sourceVersion: version },
    ...{ state: 'installed', held: false, installedAt: null },
  }));
const entries = (list: readonly (readonly [string, string])[]) =>
  list.map(([name, version]) => `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n\n`).join('');
const DEBIAN = {
  prefix: 'deb.debian.org_debian_dists_bookworm_',
  uri: 'http://deb.debian.org/debian',
  origin: 'Debian',
  label: 'Debian',
};
const DOCKER = {
  prefix: 'download.docker.com_dists_bookworm_',
  uri: 'https://download.docker.com',
  origin: 'Docker',
  label: 'Docker CE',
};
const NAMELESS = { prefix: 'x.example.org_', uri: 'https://x.example.org', origin: null, label: null };

const origins = async (
  packages: Readonly<Record<string, string>>,
  lists: Readonly<Record<string, readonly (readonly [string, string])[]>>,
  repositories = [DEBIAN, DOCKER, NAMELESS],
  said: Readonly<Record<string, string>> = {},
) => {
  const folder = join(temporaryFolder('origins'), 'lists');
  mkdirSync(folder);
  for (const name of Object.keys(lists)) writeFileSync(join(folder, name), '');
  const read: string[] = [];
  const found = await withOrigins({
    ...{ lists: folder, repositories, installed: installed(packages, said) },
    ask: async (_file, [_command, path = ''], options) => {
      const name = path.slice(folder.length + 1);
      read.push(name);
      options?.onBytes?.(Buffer.from(entries(lists[name] ?? [])));

      return '';
    },
  });

  return { read, origins: Object.fromEntries(found.map((one) => [one.name, one.origin])) };
};
const MAIN = `${DEBIAN.prefix}main_binary-amd64_Packages`;
const VENDOR = `${DOCKER.prefix}stable_binary-amd64_Packages.lz4`;

describe('when the entry of a package says that a vendor built it', () => {
  const said = { kubectl: 'Kubernetes', tool: 'Google' };

  it('that stands where no repository serves it, and not where the distribution serves that very version', async () => {
    expect(
      await origins({ kubectl: '1:528', tool: '1', bash: '5.2' }, { [MAIN]: [['tool', '1']] }, [DEBIAN], said),
    ).toEqual({ read: [MAIN], origins: { kubectl: 'Kubernetes', tool: null, bash: undefined } });
  });

  it('a repository that serves it knows better', async () => {
    expect(
      (await origins({ kubectl: '1:528' }, { [VENDOR]: [['kubectl', '1:528']] }, [DEBIAN, DOCKER], said)).origins,
    ).toEqual({ kubectl: 'Docker' });
  });

  it('without such a package and without such a repository no program is started', async () => {
    expect((await origins({ bash: '5.2' }, { [MAIN]: [['bash', '5.2']] }, [DEBIAN])).read).toEqual([]);
  });
});

describe('when a host has repositories of vendors', () => {
  it('a version that the vendor serves is its build; what nobody but the distribution has is not asked for', async () => {
    expect(
      await origins(
        { 'docker-ce': '5:27.0', bash: '5.2' },
        { [VENDOR]: [['docker-ce', '5:27.0']], [MAIN]: [['bash', '5.2']] },
      ),
    ).toEqual({ read: [VENDOR], origins: { 'docker-ce': 'Docker', bash: undefined } });
  });

  it('an older one that the vendor serves no more is its build where the distribution does not know the name', async () => {
    expect(
      (await origins({ 'docker-ce': '5:20.0' }, { [VENDOR]: [['docker-ce', '5:27.0']], [MAIN]: [] })).origins,
    ).toEqual({
      'docker-ce': 'Docker',
    });
  });

  it('where both know the name it is whose version it is, else not known', async () => {
    const lists = {
      [VENDOR]: [
        ['nodejs', '22.1'],
        ['runc', '9'],
        ['git', '3'],
      ] as const,
      [MAIN]: [
        ['nodejs', '18.1'],
        ['runc', '1'],
        ['git', '2'],
      ] as const,
    };
    expect((await origins({ nodejs: '18.1', runc: '9', git: '2.5' }, lists)).origins).toEqual({
      nodejs: null,
      runc: 'Docker',
      git: undefined,
    });
  });

  it('one without a name goes by its address', async () => {
    expect((await origins({ tool: '1' }, { [`${NAMELESS.prefix}Packages`]: [['tool', '1']] })).origins).toEqual({
      tool: 'https://x.example.org',
    });
  });

  it('a host with the distribution alone starts no program', async () => {
    const esm = { ...DEBIAN, origin: 'UbuntuESM' };
    expect((await origins({ bash: '5.2' }, { [MAIN]: [['bash', '5.2']] }, [DEBIAN, esm])).read).toEqual([]);
  });
});
