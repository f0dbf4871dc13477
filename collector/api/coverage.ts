// Puts together what coverage is worked out from: the lists, the hosts with what tells them apart, and the imported machines.
import { setImmediate } from 'node:timers/promises';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { z } from 'zod';
import { type Coverage, coverageSteps, type Machine } from '../coverage/coverage.ts';
import type { Expected, Known } from '../coverage/machines.ts';
import { oncePerMachine, type Sighting } from '../coverage/once.ts';
import { hostState } from '../host-state.ts';
import type { AssetList, ImportRecord } from '../store/import-ports.ts';
import type { Derivation, HostRecord, Store } from '../store/ports.ts';
import type { coverage, coverageSummary } from './contract/coverage.ts';
import type { ApiDeps } from './deps.ts';
import { HOST_WORDS, type HostFacts, labelNames } from './host-fields.ts';
import { selectHosts } from './host-select.ts';
import { selectImports } from './imported.ts';
import { inTurns } from './in-turns.ts';
import { choose, readSelect, type SelectionShown } from './selecting.ts';

export type CoverageSources = Pick<ApiDeps, 'store' | 'connections' | 'clock' | 'policy'>;
type Shown = z.input<typeof coverage>;

/** What the host calls itself, its serial number and its cards: the same for the same section, so worked out once. */
const HOSTNAME: Derivation<'os', string> = { section: 'os', of: ({ hostname }) => hostname };
const SERIAL: Derivation<'hardware', string> = { section: 'hardware', of: ({ serial }) => serial };
const MACS: Derivation<'network', readonly string[]> = {
  section: 'network',
  of: ({ addresses }) => [...new Set(addresses.map(({ mac }) => mac))],
};
const INSTANCE_LABEL: Derivation<'agent', readonly string[]> = {
  section: 'agent',
  of: ({ labels }: Section<'agent'>) => labels['instance-id'] ?? [],
};
/** EC2 may name hosts after the instance. */
const INSTANCE_NAME = /^i-[0-9a-f]{8,17}(?=[.]|$)/;
/** Azure's id of a machine is the one of its firmware. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function gatherCoverage(
  { store, connections, clock }: CoverageSources,
  among: ((known: Known) => boolean) | null = null,
  hosts: Promise<readonly HostRecord[]> = store.read.hosts.list(),
): Promise<{ readonly coverage: Coverage; readonly lists: readonly AssetList[] }> {
  const [lists, known] = await Promise.all([
    store.read.assets.lists(),
    knownMachines(store, connections.connected(), hosts),
  ]);
  const entries = await entriesOf(store, lists);
  const all = await inTurns(coverageSteps({ count: lists.length, entries }, known, clock.now()));

  return { coverage: among === null ? all : narrowed(all, among), lists };
}

/** What was read last, for as long as no list is another: lists change once a day, and metrics are asked for each minute. */
const lately = new WeakMap<Store, { readonly key: string; readonly entries: readonly Expected[] }>();

async function entriesOf(store: Store, lists: readonly AssetList[]): Promise<readonly Expected[]> {
  const key = JSON.stringify(lists);
  const before = lately.get(store);
  if (before?.key === key) return before.entries;

  const assets = await store.read.assets.all();
  const entries = assets.map(
    ({ names, instance, serial, ...asset }): Expected => ({
      ...asset,
      // A lease without a name is called by its card.
      names: names.length === 0 && asset.macs.includes(asset.name) ? [] : [asset.name, ...names],
      instances: instance === null ? [] : [instance],
      serials: serial === null ? [] : [serial],
    }),
  );
  lately.set(store, { key, entries });

  return entries;
}

async function knownMachines(
  store: Store,
  connected: readonly string[],
  hosts: Promise<readonly HostRecord[]>,
): Promise<readonly Known[]> {
  const { inventory, imports } = store.read;
  const [records, files, hostnames, serials, macs, instances] = await Promise.all([
    hosts,
    imports.list(),
    derived(inventory.eachDerived(HOSTNAME)),
    derived(inventory.eachDerived(SERIAL)),
    derived(inventory.eachDerived(MACS)),
    derived(inventory.eachDerived(INSTANCE_LABEL)),
  ]);
  const live = new Set(connected);
  const agents: Sighting[] = [];
  await inTurns(
    (function* () {
      for (const record of records) {
        yield;
        if (record.state !== 'active') continue;
        const { id } = record;
        const hostname = hostnames.get(id);
        const serial = serials.get(id) ?? '';

        const known = agentOf(record, live.has(id), {
          names: [record.name, ...(hostname === undefined ? [] : [hostname])],
          serials: [serial],
          macs: macs.get(id) ?? [],
          instances: [
            ...(instances.get(id) ?? []),
            ...(INSTANCE_NAME.exec(hostname ?? record.name)?.slice(0, 1) ?? []),
            ...(UUID.test(serial) ? [serial] : []),
          ],
        });
        agents.push({ known, machineId: record.machineId });
      }
    })(),
  );
  await setImmediate();

  return oncePerMachine([...agents, ...files.map((file) => ({ known: importOf(file), machineId: file.machineId }))]);
}

function agentOf(
  record: HostRecord,
  connected: boolean,
  marks: Pick<Known, 'names' | 'serials' | 'macs' | 'instances'>,
): Known {
  return {
    ...{ id: record.id, name: record.name, connected, ...marks },
    kind: hostState(record) === 'pending' ? 'pending' : 'agent',
    seen: record.lastSeen === null ? null : Temporal.Instant.from(record.lastSeen),
  };
}

function importOf({ id, name, hostname, asOf, facts }: ImportRecord): Known {
  const { serials, macs, instances } = facts.marks;

  return {
    ...{ id, name, kind: 'imported', connected: false, seen: Temporal.Instant.from(asOf) },
    ...{
      names: [name, hostname],
      serials,
      macs,
      instances: [...instances, ...serials.filter((each) => UUID.test(each))],
    },
  };
}

async function derived<T>(
  each: AsyncIterable<{ readonly host: string; readonly data: T | null }>,
): Promise<ReadonlyMap<string, T>> {
  const found = new Map<string, T>();
  for await (const { host, data } of each) if (data !== null) found.set(host, data);

  return found;
}

/** The part of it that is asked for; machines that are not known stay for the caller to choose from. */
function narrowed(all: Coverage, among: (known: Known) => boolean): Coverage {
  return recounted(
    all,
    all.machines.filter(({ known }) => known === null || among(known)),
    all.unexpected.filter(({ known }) => among(known)),
  );
}

function recounted(all: Coverage, machines: readonly Machine[], unexpected: Coverage['unexpected']): Coverage {
  const counts = { ...all.counts };
  for (const row of Object.keys(counts) as (keyof typeof counts)[]) {
    counts[row] = machines.filter((machine) => machine.row === row).length;
  }

  return { ...all, machines, counts, expected: machines.length, unexpected };
}

/** Throws SELECT_INVALID. A machine that nobody has seen has a name and maybe an owner; all else is not known of it. */
export async function selectedCoverage(sources: CoverageSources, text: string | undefined): Promise<Shown> {
  const { clock } = sources;
  const select = readSelect(text, HOST_WORDS);
  if (select === null) return shown(await gatherCoverage(sources), clock.now(), null);

  const [hosts, imports] = await Promise.all([
    selectHosts(sources, { select: text, among: ({ state }) => state === 'active' }),
    selectImports(sources, text),
  ]);
  const ids = new Set<string>([...hosts.chosen.map(({ row }) => row.id), ...imports.chosen.map(({ id }) => id)]);
  const { coverage: all, lists } = await gatherCoverage(sources, ({ id }) => ids.has(id));
  const absent = new Map(
    all.machines.filter(({ known }) => known === null).map((machine) => [absentFacts(machine), machine]),
  );
  const chosen = await choose([...absent.keys()], select, clock.now(), labelNames);
  const kept = new Set(chosen.chosen.map((facts) => absent.get(facts)));
  const machines = all.machines.filter((machine) => machine.known !== null || kept.has(machine));

  return shown(
    { coverage: recounted(all, machines, all.unexpected), lists },
    clock.now(),
    added(added(hosts.selection, imports.selection), chosen.selection),
  );
}

function absentFacts({ name, owner }: Machine): HostFacts {
  return {
    row: {
      ...{ id: '', name, owner, state: 'missing', mode: null, connected: false, enrolledAt: null, lastSeen: null },
      ...{
        agentVersion: null,
        inventoryAt: null,
        labels: null,
        signedLabels: {},
        collectorLabels: {},
        token: null,
        acceptedAt: null,
      },
      ...{ os: null, sameMachineAs: [], upgradable: null, held: null, phased: null, security: null },
      ...{ rebootRequired: null, quarantine: null, unknown: [] },
    },
    record: null,
    labels: { host: null, signed: {}, collector: {} },
    sections: {},
  };
}

function added(one: SelectionShown, other: SelectionShown): SelectionShown {
  if (one === null || other === null) return one ?? other;
  const because = new Map<string, number>();
  for (const { field, count } of [...one.because, ...other.because])
    because.set(field, (because.get(field) ?? 0) + count);

  return {
    select: one.select,
    ...{ of: one.of + other.of, selected: one.selected + other.selected, unknown: one.unknown + other.unknown },
    because: [...because].map(([field, count]) => ({ field, count })),
    // What some of them know is no misspelling.
    notes:
      one.of === 0 ? other.notes : other.of === 0 ? one.notes : one.notes.filter((note) => other.notes.includes(note)),
  };
}

/** For one line among others; `hosts` by whoever reads them anyway. */
export async function coverageLine(
  sources: CoverageSources,
  hosts?: Promise<readonly HostRecord[]>,
): Promise<z.input<typeof coverageSummary>> {
  const { coverage: all, lists } = await gatherCoverage(sources, null, hosts);
  const [oldest] = lists
    .map((list) => ({ source: list.source, at: ageOf(list) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));

  return {
    ...{ basis: all.basis, expected: all.expected, counts: { ...all.counts }, unexpected: all.unexpected.length },
    oldestList: oldest ?? null,
  };
}

/** When the list was written; where nobody said, when it was imported. */
function ageOf({ fileDate, importedAt }: AssetList): string {
  const at = Temporal.Instant.from(fileDate ?? importedAt);

  return (
    Temporal.Instant.compare(at, Temporal.Instant.from(importedAt)) > 0 ? Temporal.Instant.from(importedAt) : at
  ).toString();
}

function shown(
  { coverage: all, lists }: { readonly coverage: Coverage; readonly lists: readonly AssetList[] },
  now: Temporal.Instant,
  selection: SelectionShown,
): Shown {
  const one = ({ id, name, kind, seen }: Known) => ({ id, name, kind, seen: seen?.toString() ?? null });

  return {
    now: now.toString(),
    ...{ basis: all.basis, expected: all.expected, counts: { ...all.counts }, unexpected: all.unexpected.length },
    lists: lists.map((list) => ({ ...list })),
    machines: all.machines.map(({ name, row, owner, listed, known, by, candidates, why }) => ({
      ...{ name, row, owner, listed: [...listed], known: known && one(known) },
      ...{ by: [...by], candidates: candidates.map(one), why },
    })),
    notExpected: all.unexpected.map(({ known, why }) => ({ ...one(known), why })),
    selection,
  };
}
