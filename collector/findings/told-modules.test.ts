// A machine whose agent learned to tell modules: its builds are the ones that were there, with an answer where there was none.
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { expect, it } from 'vitest';
import { OS_SECTION } from '../api/testing/inventories.ts';
import { at, findingsLab, rule } from './testing/findings-lab.ts';

const { make } = findingsLab('told-modules');
const ROCKY = { ...OS_SECTION, id: 'rocky', version: '8.10' };
const FIX = '1:18.19.0-1.module+el8.9.0+2+b';
const nodejs = (module?: string, version = '1:18.18.2-1.module+el8.9.0+1+a'): InstalledPackage[] => [
  {
    ...{ provider: 'dnf', name: 'nodejs', version, arch: 'x86_64', source: 'nodejs', sourceVersion: version },
    ...{ state: 'installed', held: false, installedAt: null },
    ...(module === undefined ? {} : { module }),
  },
];

/** A machine that told its packages at minute 5 without modules, of which an advisory for nodejs:18 was known before. */
async function lab() {
  const made = await make();
  await made.host(1);
  const modular = { ecosystem: 'Rocky:8', names: 'binary', module: 'nodejs:18' } as const;
  await made.feed('osv-rocky', 0, [rule('CVE-2026-1', 'nodejs', FIX, modular)]);
  await made.inventory(1, 5, nodejs(), { os: ROCKY });
  await made.store.transaction(({ software }) =>
    software.putSince([{ ecosystem: 'Rocky:8', package: 'nodejs', since: { 'CVE-2026-1': at(-60) } }]),
  );
  await made.restart();

  return {
    ...made,
    tell: (minutes: number, ...packages: Parameters<typeof nodejs>) =>
      made.inventory(1, minutes, nodejs(...packages), { os: ROCKY }),
    found: () =>
      made.open().map(({ software, match, state, firstSeen }) => [software.module, match.status, state, firstSeen]),
    past: () => [...made.fleet.machines.keys()].flatMap((key) => made.fleet.listOf(key)?.past ?? []),
  };
}

it('of the stream of the rule: what was unknown is open, as long as it was there', async () => {
  const { tell, found, past } = await lab();
  expect(found()).toEqual([[null, 'undetermined', 'no-fix', at(5)]]);

  await tell(30, 'nodejs:18:8090020231031152434:a75119d5');
  expect(found()).toEqual([['nodejs:18', 'fixed', 'fixable', at(5)]]);
  expect(past()).toEqual([]);
});

it('of another stream: there is nothing open, and nothing that went', async () => {
  const { tell, found, past } = await lab();

  await tell(30, 'nodejs:20:8090020231031152434:a75119d5');
  expect(found()).toEqual([]);
  expect(past()).toEqual([]);
});

it('another version that comes with its module is another, and the one before is remembered', async () => {
  const { tell, found, past } = await lab();

  await tell(30, 'nodejs:18:8090020231031152434:a75119d5', FIX);
  expect(found()).toEqual([]);
  expect(past()).toMatchObject([{ since: Date.parse(at(5)), until: Date.parse(at(30)) }]);
});
