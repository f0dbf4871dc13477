// What the API says about machines that are known from a file, and how they are selected: by the same words as hosts.
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { z } from 'zod';
import type { ImportRecord } from '../store/import-ports.ts';
import type { importDetail, importedHost } from './contract/imports.ts';
import type { ApiDeps } from './deps.ts';
import { HOST_WORDS, type HostFacts, labelNames } from './host-fields.ts';
import { choose, readSelect, type SelectionShown } from './selecting.ts';

export type ImportedHost = z.input<typeof importedHost>;
type ImportDetail = z.input<typeof importDetail>;

const MAX_HISTORY = 50;
/** No agent, no such section: it is not missing. */
const NOT_COLLECTED = 'NOT_BUILT';

export function shownImport(record: ImportRecord): ImportedHost {
  const { facts, labels, state, ...rest } = record;
  const { marks: _marks, arch: _arch, ...shown } = facts;

  return {
    ...rest,
    state: state === 'current' ? 'imported' : state,
    labels: Object.fromEntries(Object.entries(labels).map(([name, values]) => [name, [...values]])),
    ...shown,
    os: facts.os && { ...facts.os, idLike: [...facts.os.idLike] },
    warnings: [...facts.warnings],
    missing: [...facts.missing],
  };
}

/** Throws SELECT_INVALID. */
export async function selectImports(
  { store, clock }: Pick<ApiDeps, 'store' | 'clock'>,
  text: string | undefined,
): Promise<{ readonly chosen: readonly ImportRecord[]; readonly selection: SelectionShown }> {
  const select = readSelect(text, HOST_WORDS);
  const records = await store.read.imports.list();
  const byFacts = new Map(records.map((record) => [factsOf(record), record]));
  const { chosen, selection } = await choose([...byFacts.keys()], select, clock.now(), labelNames);

  return { chosen: chosen.flatMap((facts) => byFacts.get(facts) ?? []), selection };
}

/** As the words for hosts ask for it: what only an agent could say is not known. */
export function factsOf(record: ImportRecord): HostFacts {
  const { id, name, owner, labels, facts, asOf, importedAt } = record;

  return {
    row: {
      ...{ id, name, owner, state: 'imported', mode: null, connected: false, enrolledAt: importedAt, lastSeen: asOf },
      ...{
        agentVersion: null,
        inventoryAt: asOf,
        labels: null,
        signedLabels: {},
        collectorLabels: {},
        token: null,
        acceptedAt: null,
      },
      os: facts.os && { ...facts.os, idLike: [...facts.os.idLike] },
      ...{ sameMachineAs: [], upgradable: null, held: null, phased: null, security: null },
      ...{ rebootRequired: facts.rebootRequired, quarantine: null, unknown: [] },
    },
    record: null,
    // It has no settings of its own, so that what an admin wrote is all there is.
    labels: { host: {}, signed: {}, collector: labels },
    sections: {},
  };
}

export async function importDetailOf({ store }: Pick<ApiDeps, 'store'>, record: ImportRecord): Promise<ImportDetail> {
  const [inventory, history, same] = await Promise.all([
    store.read.imports.inventory(record.id),
    store.read.imports.history(record.name, MAX_HISTORY),
    sameMachine(store, record),
  ]);
  const take = <N extends SectionName>(name: N): Section<N> | null => {
    const outcome = inventory?.sections[name];

    return outcome?.ok ? (outcome.data as Section<N>) : null;
  };

  return {
    ...shownImport(record),
    problems: Object.entries(inventory?.sections ?? {}).flatMap(([section, outcome]) =>
      outcome.ok || outcome.code === NOT_COLLECTED
        ? []
        : [{ section: section as SectionName, code: outcome.code, reason: outcome.reason }],
    ),
    listeners: take('listeners')?.map(({ protocol, address, port }) => ({ protocol, address, port })) ?? null,
    kernels: take('kernel')?.installed.map(({ release }) => release) ?? null,
    rebootReasons: take('reboot')?.reasons ?? [],
    stale: take('staleProcesses')?.processes.map(({ program, files }) => ({ program, files })) ?? null,
    repositories: take('repositories')?.map(({ id, uri }) => (id.includes(uri) ? id : `${id} ${uri}`)) ?? null,
    endOfLife: (({ endOfLife }) => endOfLife && { regular: endOfLife.regular, extended: endOfLife.extended })(
      take('os') ?? { endOfLife: null },
    ),
    history: history.map(shownImport),
    sameMachineAs: [...same],
  };
}

/** Names under which the same machine is known besides. */
export async function sameMachine(store: ApiDeps['store'], record: ImportRecord): Promise<readonly string[]> {
  if (record.machineId === null) return [];
  const { machineId, id } = record;
  const [hosts, imports] = await Promise.all([store.read.hosts.byMachine(machineId), store.read.imports.list()]);

  return [
    ...hosts.filter(({ state }) => state === 'active').map(({ name }) => name),
    ...imports.filter((other) => other.machineId === machineId && other.id !== id).map(({ name }) => name),
  ];
}
