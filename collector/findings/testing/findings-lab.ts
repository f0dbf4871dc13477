// A real store with a keeper of findings, and what hosts and feeds bring. For tests only.
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { SectionName } from '@selvage/shared/model/inventory.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { OS_SECTION, putInventory, type Sections } from '../../api/testing/inventories.ts';
import { Events } from '../../events.ts';
import type { Rule } from '../../matching/rule.ts';
import type { HostRecord, Store } from '../../store/ports.ts';
import { AT, hostId, hostSample } from '../../store/samples.ts';
import { freshStores } from '../../store/testing/fresh-store.ts';
import type { FleetIndex } from '../index.ts';
import { FleetIndex as Fleet } from '../index.ts';
import { openOf } from '../join.ts';
import { keepFindings } from '../keeper.ts';
import { putFeed } from './put-feed.ts';

export const at = (minutes: number): Timestamp => Temporal.Instant.from(AT).add({ minutes }).toString() as Timestamp;

/** `name`, `name source` or `name source sourceVersion` → version. */
export type Versions = Readonly<Record<string, string>>;

export function debs(versions: Versions): InstalledPackage[] {
  return Object.entries(versions).map(([key, version]) => {
    const [name = '', source = name, sourceVersion = version] = key.split(' ');

    return {
      ...{ provider: 'apt', name, version, arch: 'amd64', source, sourceVersion, state: 'installed', held: false },
      installedAt: null,
    };
  });
}

/** Debian 12: a CVE in a source package, fixed in a version or (null) nowhere. */
export function rule(cve: string, name: string, fixed: string | null, over: Partial<Rule> = {}): Rule {
  return {
    ...{ ecosystem: 'Debian:12', package: name, record: cve, cves: [cve] },
    status: fixed === null ? 'open' : 'fixed',
    ranges: [{ introduced: null, fixed, lastAffected: null }],
    ...over,
  };
}

export function findingsLab(name: string) {
  const freshStore = freshStores(name);

  return {
    make: async (store?: Store) => createLab(store ?? (await freshStore())),
    freshStore,
  };
}

async function createLab(store: Store) {
  const clock = fakeClock(at(10_000));
  const documents: PolicyDocument[] = [];
  let events = new Events();
  let fleet: FleetIndex = new Fleet();
  const start = () => {
    events = new Events();
    fleet = new Fleet();

    return keepFindings(
      { ...{ store, fleet, clock, events, log: silentLog }, documents: async () => documents },
      { pauseMs: 0 },
    );
  };
  let keeper = start();
  const open = () =>
    [...fleet.machines.values()]
      .flatMap((machine) => openOf(fleet, machine, { now: clock.now() }))
      .map((one) => ({ ...one, host: one.name }));

  return {
    ...{ store, clock, documents },
    get events() {
      return events;
    },
    get fleet() {
      return fleet;
    },
    idle: () => keeper.idle(),
    close: () => keeper.close(),
    restart: async () => {
      await keeper.close();
      keeper = start();
      await keeper.idle();
    },
    /** As when the process ends: nothing more is taken in. */
    abandon: () => keeper.close(),
    start: () => {
      keeper = start();
    },
    host: async (number: number, over: Partial<HostRecord> = {}): Promise<HostId> => {
      await store.transaction((writers) => writers.hosts.add(hostSample(number, over)));

      return hostId(number);
    },
    put: (number: number, minutes: number, sections: Sections) =>
      putInventory(store, hostId(number), at(minutes), sections),
    inventory: async (
      number: number,
      minutes: number,
      packages: Versions | InstalledPackage[],
      more: Sections = {},
    ): Promise<void> => {
      await putInventory(store, hostId(number), at(minutes), {
        os: OS_SECTION,
        packages: Array.isArray(packages) ? packages : debs(packages),
        ...more,
      });
      told(events, number, ['packages', ...(Object.keys(more) as SectionName[])]);
      await keeper.idle();
    },
    feed: async (feed: string, minutes: number, rules: readonly Rule[]): Promise<void> => {
      const { from, to } = await putFeed(store, feed, rules, at(minutes));
      events.publish({ type: 'feed.changed', feed, from, to, records: rules.length });
      await keeper.idle();
    },
    open,
    /** `host-1 openssl 3.0.11 CVE-1 fixable`, sorted. */
    lines: () =>
      open()
        .map(({ host, software, cve, state }) => `${host} ${software.name} ${software.version} ${cve} ${state}`)
        .sort(),
  };
}

function told(events: Events, number: number, changed: readonly SectionName[]): void {
  events.publish({ type: 'inventory.received', host: hostId(number), name: `host-${number}`, changed });
}
