// Whose build each installed package is, from the agent's own lists: advisories of the distribution say nothing of a vendor's. Only
// repositories that are not the distribution's are read whole; a host without any starts no program. What is not known is left out.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { InstalledPackage, Repository } from '@selvage/shared/model/package.ts';
import type { ListedRepository } from '@selvage/shared/packages/apt-repositories.ts';
import { type AskApt, CAT_FILE, createEntryReader, indexesIn, MAX_INDEX_BYTES } from './index-records.ts';

/** `Origin:` of the archives of distributions, as their signed indexes write it: Debian Backports and UbuntuESM too. */
const DISTRIBUTIONS = /^(?:debian|ubuntu|raspbian|devuan|kali|linux ?mint)/i;
/** Versions kept of one repository: some ten thousand packages. */
const MAX_VERSIONS = 200_000;

export interface OriginDeps {
  readonly lists: string;
  readonly repositories: readonly (Pick<ListedRepository, 'prefix' | 'uri'> & Pick<Repository, 'origin' | 'label'>)[];
  readonly installed: readonly InstalledPackage[];
  readonly ask: AskApt;
}

type Versions = ReadonlyMap<string, ReadonlySet<string>>;

/** The same packages, with `origin` where it is known. What the entry of a package itself says is less than what an index says. */
export async function withOrigins(deps: OriginDeps): Promise<readonly InstalledPackage[]> {
  const { installed, repositories } = deps;
  const vendors = repositories.filter(({ origin }) => origin === null || !DISTRIBUTIONS.test(origin));
  const suspects = installed.filter(({ origin }) => origin !== undefined);
  if (vendors.length === 0 && suspects.length === 0) return installed;
  const names = new Set(installed.map(({ name }) => name));
  const served: { readonly vendor: string; readonly versions: Versions }[] = [];
  for (const one of vendors) {
    served.push({ vendor: one.origin ?? one.label ?? one.uri, versions: await versionsIn(deps, [one], names) });
  }
  // A vendor often serves only its newest: what is older here is told apart by what the distribution has of that name.
  const doubtful = new Set(
    [
      ...suspects,
      ...installed.filter(({ name, version }) =>
        served.some(({ versions }) => versions.get(name)?.has(version) === false),
      ),
    ].map(({ name }) => name),
  );
  const others = repositories.filter((one) => !vendors.includes(one));
  const own = doubtful.size === 0 ? new Map() : await versionsIn(deps, others, doubtful);

  return installed.map((one) => {
    const origin = originOf(one, served, own);

    return origin === undefined ? one : { ...one, origin };
  });
}

function originOf(
  { name, version, origin }: InstalledPackage,
  served: readonly { readonly vendor: string; readonly versions: Versions }[],
  own: Versions,
): string | null | undefined {
  const exact = served.find(({ versions }) => versions.get(name)?.has(version));
  if (exact) return exact.vendor;
  const known = served.find(({ versions }) => versions.has(name));
  const distribution = own.get(name);
  if (known === undefined) return origin !== undefined && distribution?.has(version) ? null : undefined;
  if (distribution === undefined) return known.vendor;

  return distribution.has(version) ? null : undefined;
}

/** Versions of those packages in the indexes of the repositories. */
async function versionsIn(
  { lists, ask }: OriginDeps,
  repositories: readonly Pick<ListedRepository, 'prefix'>[],
  names: ReadonlySet<string>,
): Promise<Versions> {
  const found = new Map<string, Set<string>>();
  let kept = 0;
  const indexes = (await indexesIn(lists)).filter((index) =>
    repositories.some(({ prefix }) => index.startsWith(prefix)),
  );
  for (const index of indexes) {
    const reader = createEntryReader(names, (name, entry) => {
      const version = /^Version: *(\S+)/m.exec(entry)?.[1];
      if (version === undefined || ++kept > MAX_VERSIONS) return;
      const known = found.get(name);
      if (known) known.add(version);
      else found.set(name, new Set([version]));
    });
    await ask(CAT_FILE, ['cat-file', join(lists, index)], { onBytes: reader.add, outputLimit: MAX_INDEX_BYTES });
    reader.end();
    if (reader.isBroken() || kept > MAX_VERSIONS) {
      throw new CodedError('PARSE', `${index} has entries beyond all bounds`);
    }
  }

  return found;
}
