// Whatever comes in whatever order, and wherever a collector is killed: what is kept is what a full match of the newest would be.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { OS_SECTION, putInventory } from '../api/testing/inventories.ts';
import { matchSoftware, packagesOf } from '../matching/matching.ts';
import type { Rule } from '../matching/rule.ts';
import type { Store } from '../store/ports.ts';
import { hostId, hostSample } from '../store/samples.ts';
import { at, debs, findingsLab, rule, type Versions } from './testing/findings-lab.ts';
import { putFeed } from './testing/put-feed.ts';

const { make, freshStore } = findingsLab('incremental');

const PACKAGES = ['openssl', 'bash', 'curl', 'zlib'];
const FEEDS = ['debian-tracker', 'osv-debian'];
const HOSTS = [1, 2, 3];
const version = fc.integer({ min: 1, max: 4 }).map((number) => `${number}.0-1`);
const inventory = fc.record({
  type: fc.constant('inventory' as const),
  host: fc.constantFrom(...HOSTS),
  packages: fc.dictionary(fc.constantFrom(...PACKAGES), version, { minKeys: 0, maxKeys: 4 }),
});
const feed = fc.record({
  type: fc.constant('feed' as const),
  feed: fc.constantFrom(...FEEDS),
  rules: fc.array(
    fc.record({
      cve: fc.integer({ min: 1, max: 5 }).map((number) => `CVE-2026-${number}`),
      name: fc.constantFrom(...PACKAGES),
      fixed: fc.option(version, { nil: null }),
    }),
    { maxLength: 6 },
  ),
});
const restart = fc.constant({ type: 'restart' as const });
const steps = fc.array(fc.oneof({ weight: 4, arbitrary: inventory }, { weight: 3, arbitrary: feed }, restart), {
  minLength: 1,
  maxLength: 10,
});
type Step =
  | { readonly type: 'inventory'; readonly host: number; readonly packages: Versions }
  | {
      readonly type: 'feed';
      readonly feed: string;
      readonly rules: readonly { readonly cve: string; readonly name: string; readonly fixed: string | null }[];
    }
  | { readonly type: 'restart' };

/** What would be open, worked out from nothing but the newest inventories and rules. */
function expected(done: readonly Step[]): string[] {
  const packages = new Map<number, Readonly<Record<string, string>>>();
  const rules = new Map<string, readonly Rule[]>();
  for (const step of done) {
    if (step.type === 'inventory') packages.set(step.host, step.packages);
    if (step.type === 'feed')
      rules.set(
        step.feed,
        step.rules.map(({ cve, name, fixed }) => rule(cve, name, fixed)),
      );
  }
  const lines: string[] = [];
  for (const [host, versions] of packages) {
    for (const [name, is] of Object.entries(versions)) {
      const software = {
        ecosystem: 'Debian:12',
        name,
        version: is,
        source: name,
        module: null,
        kernel: null,
        origin: null,
      };
      const names = packagesOf(software).map((one) => one.package);
      const found = [...rules].sort().map(([of, list]) => ({
        feed: of,
        asOf: null,
        ecosystem: 'Debian:12',
        package: name,
        rules: list.filter((one) => names.includes(one.package)),
      }));
      for (const { cve, state } of matchSoftware(software, found)) {
        lines.push(`host-${host} ${name} ${is} ${cve} ${state === 'fixable' ? 'fixable' : 'no-fix'}`);
      }
    }
  }

  return lines.sort();
}

async function take(lab: Awaited<ReturnType<typeof make>>, step: Step, minutes: number): Promise<void> {
  if (step.type === 'inventory') await lab.inventory(step.host, minutes, step.packages);
  else if (step.type === 'restart') await lab.restart();
  else
    await lab.feed(
      step.feed,
      minutes,
      step.rules.map(({ cve, name, fixed }) => rule(cve, name, fixed)),
    );
}

describe('when inventories and feeds come in any order', () => {
  it('what was worked out step by step is what a full match says, also after starts in between', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list: readonly Step[]) => {
        const lab = await make();
        for (const number of HOSTS) await lab.host(number);
        for (const [index, step] of list.entries()) await take(lab, step, index);
        expect(lab.lines()).toEqual(expected(list));
        const dates = () =>
          lab
            .open()
            .map(({ host, cve, firstSeen }) => `${host} ${cve} ${firstSeen}`)
            .sort();
        const before = dates();
        await lab.restart();
        expect(lab.lines()).toEqual(expected(list));
        expect(dates()).toEqual(before);
        await lab.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('when a collector is killed', () => {
  /** A store that is gone after so many transactions, as for a process that ends between two. */
  const dying = (store: Store, after: { left: number }): Store => ({
    ...store,
    transaction: async (work) => {
      if (after.left <= 0) throw new Error('the process has ended');
      after.left -= 1;

      return store.transaction(work);
    },
  });

  it('after any of its transactions, the next one finds what is missing', async () => {
    const [one, two] = [rule('CVE-2026-1', 'openssl', '2.0-1'), rule('CVE-2026-2', 'bash', null)];
    const three = rule('CVE-2026-3', 'zlib', '9.0-1');
    for (let survived = 0; survived < 8; survived += 1) {
      const store = await freshStore();
      const dies = async () => {
        const lab = await make(dying(store, { left: survived }));
        await lab.idle().catch(() => undefined);
        await lab.close();
      };
      for (const number of HOSTS) {
        await store.transaction(({ hosts }) => hosts.add(hostSample(number)));
        await bring(store, number, 1, { openssl: `${number}.0-1`, bash: '5.2-1' });
      }
      await putFeed(store, 'debian-tracker', [one], at(1));
      await dies();
      await putFeed(store, 'debian-tracker', [two, three], at(2));
      await bring(store, 1, 2, { openssl: '1.0-1', zlib: '1.0-1' });
      await dies();
      await putFeed(store, 'debian-tracker', [one, two, three], at(3));
      await bring(store, 2, 3, { zlib: '1.0-1' });
      await dies();

      const last = await make(store);
      await last.idle();
      expect(last.lines(), `killed after ${survived}`).toEqual([
        'host-1 openssl 1.0-1 CVE-2026-1 fixable',
        'host-1 zlib 1.0-1 CVE-2026-3 fixable',
        'host-2 zlib 1.0-1 CVE-2026-3 fixable',
        'host-3 bash 5.2-1 CVE-2026-2 no-fix',
      ]);
      await last.close();
    }
  });
});

function bring(store: Store, number: number, minutes: number, versions: Versions): Promise<void> {
  return putInventory(store, hostId(number), at(minutes), { os: OS_SECTION, packages: debs(versions) });
}
