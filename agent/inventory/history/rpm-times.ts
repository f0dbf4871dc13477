// When rpm installed what is there now: all that is known where no other log tells. Pure. What was there before, and what was removed,
// it does not know; packages of one second are one transaction here.
import type { Told } from '@selvage/shared/model/changes.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { toldOf } from './told.ts';

const PROVIDERS: readonly string[] = ['dnf', 'zypper'];

export function toldByRpm(installed: readonly InstalledPackage[]): readonly Told[] {
  const bySecond = Map.groupBy(
    installed.filter(({ provider, installedAt }) => installedAt !== null && PROVIDERS.includes(provider)),
    ({ installedAt }) => installedAt ?? '',
  );

  return [...bySecond].flatMap(([at, packages]) => {
    const changes = packages
      .map(({ name, arch, version }) => ({ name, arch, from: null, to: version }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    // Its packages go when they are upgraded, so none of them is a part of what it is known by.
    const told = toldOf({ source: 'rpm', beginning: at, at, endedAt: at, certain: true, changes, identity: [] });

    return told === null ? [] : [told];
  });
}
