// A simulated fleet of Ubuntu 22.04 hosts in a real store: packages of three real lists of the same image, years apart, their versions
// mixed by chance for each host. Hosts have reported; what a keeper would have written of them is there, but nothing is matched.
import { OSV_FEEDS } from '../../../collector/feeds/osv.ts';
import { NO_FACTS } from '../../../collector/findings/facts.ts';
import { packList } from '../../../collector/findings/packing.ts';
import { basisOf } from '../../../collector/findings/take-in.ts';
import { ecosystemOf } from '../../../collector/matching/ecosystem.ts';
import type { Rule } from '../../../collector/matching/rule.ts';
import type { Software } from '../../../collector/matching/software.ts';
import { type Row, snapshotRules, sourcesOf, table } from '../../../collector/matching/testing/data.ts';
import type { Store } from '../../../collector/store/ports.ts';
import { hostId, hostSample, packed } from '../../../collector/store/samples.ts';
import type { Timestamp } from '../../../shared/model/ids.ts';
import { seededRandom } from '../../../shared/testing/seeded-random.ts';

export const ECOSYSTEM = ecosystemOf('ubuntu', '22.04') ?? '';
export const AT = '2026-11-20T00:00:00Z' as Timestamp;
const LISTS = ['2024-01-17', '2024-03-28', '2026-07-17'];
const HOSTS_AT_ONCE = 250;
/** Versions of a package that a large fleet has beside those of the lists: hosts that were forgotten, or are ahead. */
const OTHER_VERSIONS = 5;
/** One host of so many has such a version, package by package. */
const RARE = 40;

export async function ubuntuRules(): Promise<readonly Rule[]> {
  const feed = OSV_FEEDS.find(({ name }) => name === 'osv-ubuntu');
  if (feed === undefined) throw new Error('there is no feed osv-ubuntu');

  return [...(await snapshotRules(feed)).values()].flat().flatMap(({ rules }) => rules);
}

/** Version lists of each package of the image. */
function versions(): ReadonlyMap<string, readonly Software[]> {
  const found = new Map<string, Map<string, Software>>();
  for (const list of LISTS) {
    const rows: readonly Row[] = table(`ubuntu-22.04-${list}.packages`);
    for (const software of sourcesOf(ECOSYSTEM, rows)) {
      const known = found.get(software.name) ?? new Map<string, Software>();
      known.set(software.version, software);
      found.set(software.name, known);
    }
  }

  return new Map([...found].map(([name, known]) => [name, [...known.values()]]));
}

/** `extra`: packages that only some hosts have, by name with the number of them. */
export async function putFleet(
  store: Store,
  hosts: number,
  extra: readonly { readonly software: Software; readonly hosts: number }[] = [],
): Promise<{ readonly distinct: number; readonly packages: number }> {
  const random = seededRandom(5);
  const choices = [...versions().values()].map((real) => {
    const others = Array.from({ length: OTHER_VERSIONS }, (_, index) => {
      const [first] = real;
      if (first === undefined) throw new Error('a package without a version');

      return { ...first, version: `${first.version}.${index + 1}` };
    });

    return { real, others };
  });
  const all = [
    ...choices.flatMap(({ real, others }) => [...real, ...others]),
    ...extra.map(({ software }) => software),
  ];
  const variants = new Map<Software, number>();
  for (let at = 0; at < all.length; at += 500) {
    const some = all.slice(at, at + 500);
    await store.transaction(async ({ software }) => {
      const ids = await software.intern(some);
      const forms = some.map(({ name, version }, index) => ({
        software: ids[index] ?? 0,
        binaries: [[name, version] as const],
      }));
      const numbers = await software.internVariants(forms);
      for (const [index, one] of some.entries()) variants.set(one, numbers[index] ?? 0);
    });
  }
  const section = packed([]);
  const basis = basisOf(`packages ${section.sha256}`);
  const since = Temporal.Instant.from(AT).epochMilliseconds;
  const facts = JSON.stringify({
    ...NO_FACTS,
    takenAt: AT,
    os: { id: 'ubuntu', version: '22.04' },
    firstReportedAt: AT,
  });
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.float() * list.length)];
  let packages = 0;

  for (let at = 0; at < hosts; at += HOSTS_AT_ONCE) {
    await store.transaction(async (writers) => {
      for (let number = at; number < Math.min(hosts, at + HOSTS_AT_ONCE); number++) {
        const host = hostSample(number + 1);
        const mine = choices.flatMap(({ real, others }) => pick(random.float() < 1 / RARE ? others : real) ?? []);
        mine.push(...extra.filter((one) => number < one.hosts).map(({ software }) => software));
        packages += mine.length;
        const present = mine.map((one) => ({ variant: variants.get(one) ?? 0, since }));
        await writers.hosts.add(host);
        await writers.inventory.putSection(host.id, 'packages', section.sha256, section.zstdJson);
        await writers.inventory.putReport(host.id, AT, [{ name: 'packages', sha256: section.sha256, problem: null }]);
        const machine = `host:${hostId(number + 1)}`;
        await writers.software.putMachine({ machine, basis, list: packList({ present, past: [] }), facts });
      }
    });
  }

  return { distinct: all.length, packages: Math.round(packages / hosts) };
}
