// Keeps the fleet as the store has it: after commits of inventories, imports, changes of hosts and switches of feeds, and after a start
// whatever a killed collector left. One thing after the other, in turns; only what changed is worked out again.
import { setImmediate } from 'node:timers/promises';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { inTurns } from '../api/in-turns.ts';
import type { CollectorEvent, Events } from '../events.ts';
import type { SomeRules } from '../matching/matching.ts';
import type { PackageName } from '../store/feed-ports.ts';
import type { ImportRecord } from '../store/import-ports.ts';
import type { Store } from '../store/ports.ts';
import type { CountedHost } from '../store/software-ports.ts';
import { earlierSelves, TELLING } from './earlier-selves.ts';
import type { FleetIndex } from './index.ts';
import { type LabelsOf, labelsBy } from './labels.ts';
import { loadFleet } from './load.ts';
import { createMatcher } from './matcher.ts';
import { drop, recordOf, takeInHost, takeInImport } from './take-in.ts';

export interface FindingsKeeper {
  /** Nothing waits to be read or matched. In a large fleet something nearly always does. */
  settled(): boolean;
  /** Resolves when nothing waits; for tests, and for who needs the whole answer. */
  idle(): Promise<void>;
  /** Takes in nothing more; what waits is found again by the next start. */
  close(): Promise<void>;
}

export interface FindingsParts {
  readonly store: Store;
  readonly fleet: FleetIndex;
  readonly clock: Clock;
  readonly events: Events;
  readonly log: Log;
  /** Signed documents of now: groups give labels. */
  readonly documents: () => Promise<readonly PolicyDocument[]>;
  /** The store's, when left out. */
  readonly rules?: (packages: readonly PackageName[]) => Promise<readonly SomeRules[]>;
}

/** One machine is looked at again after so long, with all that came meanwhile. */
const PAUSE_MS = 5000;
/** Software that nobody has any more is let go when there is so much of it, and at a start. */
const MOST_UNUSED = 2000;
/** Looked for after so many machines that had something new. */
const PRUNE_EVERY = 5000;
/** Hosts whose labels are worked out at once. */
const HOSTS_AT_ONCE = 200;
/** Software let go in one transaction. */
const DROP_AT_ONCE = 200;
/** Another number when the rules of matching are others: everything is matched again. Kept as a feed of that name. */
const MATCHING = { name: '(matching)', version: 1 } as const;

/** After these a machine may have an agent that had none, or the other way round. */
const OF_IMPORTS: readonly CollectorEvent['type'][] = [
  ...(['host.enrolled', 'host.accepted', 'host.readmitted', 'host.revoked', 'host.retired'] as const),
  'import.changed',
];

/** `pauseMs`: another pause, in tests. */
export function keepFindings(parts: FindingsParts, { pauseMs = PAUSE_MS } = {}): FindingsKeeper {
  const { store, fleet, clock, events, log, documents, rules = store.read.feeds.ruleGroups } = parts;
  const stopped = new AbortController();
  const goOn = () => stopped.signal.throwIfAborted();
  const matcher = createMatcher({ store, fleet, clock, rules, goOn });
  let labelsOf: LabelsOf = labelsBy([]);
  const taking = { store, fleet, clock, matcher, goOn, labelsOf: ((...of) => labelsOf(...of)) satisfies LabelsOf };

  const hosts = new Set<HostId>();
  const imports = new Map<string, ImportRecord>();
  /** The import of each machine that the fleet shows. */
  const brought = new Map<string, string>();
  /** Ids of machines that were imported: agents that have one of them may be the same machine. */
  let importedMachines: ReadonlySet<string> = new Set();
  /** Hosts that told something else of their hardware or cards. */
  const told = new Set<HostId>();
  const resting = new Map<HostId, { again: boolean }>();
  const wanted = { labels: false, imports: false, feeds: false };
  let begun = false;
  let sincePruned = 0;
  let working: Promise<void> | null = null;

  const go = () => {
    if (stopped.signal.aborted) return;
    working ??= work().finally(() => {
      working = null;
      // Something may have come between the last look and now.
      if (begun && isWaiting()) go();
    });
  };
  const isWaiting = () => hosts.size > 0 || imports.size > 0 || wanted.labels || wanted.imports || wanted.feeds;
  const want = (host: HostId) => {
    const rest = resting.get(host);
    if (rest) rest.again = true;
    else hosts.add(host);
    go();
  };
  const rest = async (host: HostId) => {
    const state = { again: false };
    resting.set(host, state);
    await clock.sleep(pauseMs, stopped.signal).catch(() => undefined);
    resting.delete(host);
    if (state.again) want(host);
  };

  /** Said once; what failed is asked for again by the next event of its kind, and by the next start. */
  const safely = async (what: string, of: object, step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      if (!stopped.signal.aborted) log.error({ error, ...of }, `${what} failed`);
    }
    // Others may have waited for this thread meanwhile.
    await setImmediate();
  };

  const work = async () => {
    if (!begun) await safely('reading the software of the fleet', {}, begin);
    if (!begun) return;
    while (isWaiting() && !stopped.signal.aborted) {
      if (wanted.labels) {
        wanted.labels = false;
        await safely('reading labels of signed groups', {}, relabel);
      } else if (wanted.feeds) {
        wanted.feeds = false;
        await safely('matching software against new rules', {}, followFeeds);
      } else if (wanted.imports) {
        wanted.imports = false;
        await safely('looking for imported machines', {}, followImports);
      } else await nextMachine();
      if (sincePruned >= PRUNE_EVERY) await safely('letting go of software', {}, () => prune(MOST_UNUSED));
    }
    if (!stopped.signal.aborted) fleet.complete = true;
  };

  const nextMachine = async () => {
    sincePruned += 1;
    const [host] = hosts;
    if (host !== undefined) {
      hosts.delete(host);
      await safely('taking in the software of a host', { host }, async () => {
        if (await takeInHost(taking, host)) hosts.add(host);
        else if (pauseMs > 0) void rest(host);
        if (!told.delete(host) || importedMachines.size === 0) return;
        const machine = (await store.read.hosts.byId(host))?.machineId;
        if (machine !== undefined && importedMachines.has(machine)) wanted.imports = true;
      });

      return;
    }
    const [record] = imports.values();
    if (record === undefined) return;
    imports.delete(record.name);
    await safely('taking in the software of an imported machine', { name: record.name }, async () => {
      await takeInImport(taking, record);
      brought.set(`import:${record.name}`, record.id);
    });
  };

  const begin = async () => {
    labelsOf = labelsBy(await documents());
    const { behind, importsBehind, gone, brought: shown } = await loadFleet(taking);
    for (const { name, id } of shown) brought.set(`import:${name}`, id);
    for (const key of gone) await drop(taking, key);
    await matcher.match(matcher.fresh());
    await followFeeds();
    for (const host of behind) hosts.add(host);
    for (const record of importsBehind) imports.set(record.name, record);
    wanted.imports = true;
    begun = true;
    sincePruned = 0;
    await prune(0);
  };

  const followFeeds = async () => {
    const matched = await store.read.software.matchedFeeds();
    const states = (await store.read.feeds.list()).flatMap(({ name, generation }) =>
      generation === null ? [] : [{ name, generation }],
    );
    const now = new Map(
      [...states, { name: MATCHING.name, generation: MATCHING.version }].map((one) => [one.name, one]),
    );
    const vanished = [...matched.keys()].filter((name) => !now.has(name));
    if (vanished.length > 0 || matched.get(MATCHING.name) !== MATCHING.version) {
      await matcher.match(fleet.allIds());
    } else {
      for (const { name, generation } of states) {
        const from = matched.get(name) ?? null;
        if (from !== generation) await matcher.match(await changedBy(from, generation));
      }
    }
    await store.transaction(async ({ software }) => {
      for (const name of vanished) await software.setMatchedFeed(name, null);
      for (const { name, generation } of now.values()) {
        if (matched.get(name) !== generation) await software.setMatchedFeed(name, generation);
      }
    });
  };

  const changedBy = async (from: number | null, to: number) => {
    try {
      return matcher.concerned(await store.read.feeds.changed(from, to));
    } catch (error) {
      // One of the two is no longer kept: then all of it may be other.
      if (!hasCode(error, 'NOT_FOUND')) throw error;
      return fleet.allIds();
    }
  };

  /** Those of now, but for machines that have an agent by now. */
  const followImports = async () => {
    const records = await store.read.imports.list();
    const same = await earlierSelves(store, records);
    importedMachines = new Set(records.flatMap(({ machineId }) => machineId ?? []));
    const now = new Map(records.filter(({ id }) => !same.has(id)).map((one) => [`import:${one.name}`, one]));
    const gone = [...fleet.machines.keys()].filter((key) => key.startsWith('import:') && !now.has(key));
    for (const key of gone) {
      await drop(taking, key);
      brought.delete(key);
    }
    for (const { name } of imports.values()) if (!now.has(`import:${name}`)) imports.delete(name);
    for (const [key, record] of now) {
      if (brought.get(key) !== record.id) imports.set(record.name, record);
    }
  };

  const relabel = async () => {
    labelsOf = labelsBy(await documents());
    for (let after: HostId | null = null; ; ) {
      const page: readonly CountedHost[] = await store.read.software.hosts(after, HOSTS_AT_ONCE);
      for (const host of page) {
        const [machine, facts] = [fleet.machines.get(`host:${host.id}`), fleet.factsOf(`host:${host.id}`)];
        if (!machine || !facts) continue;
        const next = recordOf(taking, host, facts, machine.firstReportedAt);
        if (JSON.stringify(next.labels) !== JSON.stringify(machine.labels)) fleet.describeMachine(next);
      }
      after = page.at(-1)?.id ?? null;
      if (page.length < HOSTS_AT_ONCE) return;
      goOn();
      await setImmediate();
    }
  };

  const prune = async (most: number) => {
    sincePruned = 0;
    const unused = await inTurns(fleet.unusedSteps());
    if (unused.length <= most) return;
    for (let at = 0; at < unused.length; at += DROP_AT_ONCE) {
      goOn();
      const some = unused.slice(at, at + DROP_AT_ONCE);
      await store.transaction((writers) => writers.software.dropSoftware(some));
      fleet.dropSoftware(some);
      await setImmediate();
    }
  };

  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'inventory.received') {
      if (event.changed.some((section) => TELLING.includes(section))) told.add(event.host as HostId);
      want(event.host as HostId);
    }
    if (event.type === 'host.accepted' || event.type === 'host.described') want(event.host as HostId);
    // Whoever is trusted no more counts no more, however short ago it was looked at.
    if (event.type === 'host.revoked' || event.type === 'host.retired') hosts.add(event.host as HostId);
    if (event.type === 'feed.changed') wanted.feeds = true;
    if (event.type === 'policy.changed') wanted.labels = true;
    // A machine that got an agent or lost it, or that was brought in a file.
    if (OF_IMPORTS.includes(event.type)) wanted.imports = true;
    if (isWaiting()) go();
  });
  go();

  return {
    settled: () => begun && working === null,
    idle: async () => {
      while (working !== null) await working;
      if (!begun && !stopped.signal.aborted) throw new CodedError('STATE', 'the software of the fleet was not read');
    },
    close: async () => {
      stopped.abort();
      unsubscribe();
      while (working !== null) await working;
    },
  };
}
