// What the API says about a host, made of its record and newest inventory. A section that is missing or failed gives
// null and a sentence, never 0 and never a shorter list.
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Inventory, Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import { unreadBy } from '@selvage/shared/policy/understanding.ts';
import type { z } from 'zod';
import { hostState } from '../host-state.ts';
import type { Derivation, DerivedOfHost, HostRecord, InventoryReader, StoredSection } from '../store/ports.ts';
import type { hostDetail, hostSummary } from './contract.ts';
import type { HostPlan } from './host-plan.ts';
import { inTurns } from './in-turns.ts';

export type HostSummary = z.input<typeof hostSummary>;
export type HostDetail = z.input<typeof hostDetail>;

const NO_INVENTORY = 'no inventory has arrived yet';

type Outcome<T> = { readonly ok: true; readonly data: T } | { readonly ok: false; readonly reason: string };

// What a row shows of each section: worked out once per content, however many hosts and lists there are.
const OS: Derivation<'os', NonNullable<HostSummary['os']>> = {
  section: 'os',
  of: ({ id, version, prettyName, idLike }) => ({ id, version, prettyName, idLike }),
};
const AGENT: Derivation<'agent', Pick<HostSummary, 'labels' | 'takeover'> & { readonly withGroups: boolean }> = {
  section: 'agent',
  // Package URLs of its parts came with the release that brought groups.
  of: ({ labels, takeover, components }) => ({
    ...{ labels, takeover: takeover ?? null },
    withGroups: components.some(({ purl }) => purl !== undefined),
  }),
};
const UPDATES: Derivation<'updates', Pick<HostSummary, 'upgradable' | 'held' | 'phased' | 'security' | 'unknown'>> = {
  section: 'updates',
  of: (data) => {
    const pending = data.known ? data.pending : null;

    return {
      upgradable: pending?.length ?? null,
      held: pending?.filter(({ held }) => held).length ?? null,
      phased: pending?.filter(({ phased }) => phased !== null).length ?? null,
      security: pending?.filter(({ security }) => security).length ?? null,
      unknown: data.known
        ? []
        : data.reasons.map(({ repository, reason }) => (repository === null ? reason : `${repository}: ${reason}`)),
    };
  },
};
const REBOOT: Derivation<'reboot', boolean> = { section: 'reboot', of: ({ required }) => required };

type RowOf<R extends { of(data: never): unknown }> = Outcome<ReturnType<R['of']>>;

interface Parts {
  readonly sameMachineAs: readonly string[];
  readonly connected: boolean;
  readonly takenAt: string | null;
  readonly os: RowOf<typeof OS>;
  readonly agent: RowOf<typeof AGENT>;
  readonly updates: RowOf<typeof UPDATES>;
  readonly reboot: RowOf<typeof REBOOT>;
}

/** Rows for many hosts, from four sections of all hosts at once. */
export async function summariesOf(
  records: readonly HostRecord[],
  inventory: InventoryReader,
  connected: readonly string[],
  twins: Twins = twinsOf(records),
  /** Read only what these hosts said: for a part of the fleet. */
  among?: readonly HostId[],
): Promise<HostSummary[]> {
  const live = new Set(connected);
  const [os, agent, updates, reboot] = await Promise.all([
    byHost(inventory, OS, among),
    byHost(inventory, AGENT, among),
    byHost(inventory, UPDATES, among),
    byHost(inventory, REBOOT, among),
  ]);

  // In turns: a fleet has thousands, and everything else waits meanwhile.
  return inTurns(
    (function* () {
      const rows: HostSummary[] = [];
      for (const record of records) {
        rows.push(
          summaryOf(record, {
            connected: live.has(record.id),
            sameMachineAs: twins(record),
            takenAt: updates.get(record.id)?.takenAt ?? null,
            os: outcome(os.get(record.id)),
            agent: outcome(agent.get(record.id)),
            updates: outcome(updates.get(record.id)),
            reboot: outcome(reboot.get(record.id)),
          }),
        );
        yield;
      }

      return rows;
    })(),
  );
}

/** The same row with the labels that signed groups give to the host. */
export function withSigned<R extends HostSummary>(row: R, labels: Labels): R {
  const signed = Object.entries(labels).map(([name, values]) => [name, [...values]]);

  return { ...row, signedLabels: Object.fromEntries(signed) };
}

/** Without what came with pages: commands of an earlier release take no field that they do not know. */
export function asBefore({ cannotRead: _, ...row }: HostSummary): HostSummary {
  return row;
}

/** Names of the other hosts that say they are the same machine. */
export type Twins = (record: MachineOfHost) => readonly string[];
type MachineOfHost = Pick<HostRecord, 'id' | 'name' | 'state' | 'machineId'>;

/** Among those that may connect: what is revoked has been dealt with. */
export function twinsOf(records: readonly MachineOfHost[]): Twins {
  const byMachine = Map.groupBy(
    records.filter(({ state }) => state === 'active'),
    ({ machineId }) => machineId,
  );

  return ({ id, state, machineId }) =>
    state === 'active'
      ? (byMachine.get(machineId) ?? []).filter((other) => other.id !== id).map(({ name }) => name)
      : [];
}

/** Everything about one host. */
export function detailOf(
  record: HostRecord,
  facts: {
    /** Null when it is not connected. */
    readonly connectedSince: string | null;
    readonly sameMachineAs: readonly string[];
    /** The host that took its place. */
    readonly replacedBy: string | null;
    readonly plan: (known: {
      readonly os: Section<'os'> | null;
      readonly labels: Section<'agent'>['labels'] | null;
    }) => HostPlan;
    readonly inventory: Inventory | null;
    readonly sections: readonly StoredSection[];
  },
): HostDetail {
  const take = <N extends SectionName>(name: N): Outcome<Section<N>> =>
    facts.inventory?.sections[name] ?? { ok: false, reason: NO_INVENTORY };
  const os = take('os');
  const kernel = take('kernel');
  const packages = take('packages');
  const reboot = take('reboot');
  const stale = take('staleProcesses');
  const updates = take('updates');
  const agent = take('agent');
  const updaters = take('updaters');
  const row = summaryOf(record, {
    connected: facts.connectedSince !== null,
    sameMachineAs: facts.sameMachineAs,
    takenAt: facts.inventory?.takenAt ?? null,
    os: derived(OS, os),
    agent: derived(AGENT, agent),
    updates: derived(UPDATES, updates),
    reboot: derived(REBOOT, reboot),
  });

  return {
    ...asBefore(row),
    connectedSince: facts.connectedSince,
    plan: facts.plan({ os: os.ok ? os.data : null, labels: agent.ok ? agent.data.labels : null }),
    hostname: os.ok ? os.data.hostname : null,
    machineId: record.machineId,
    certificateExpires: record.certificateExpires,
    nextCertificateExpires: record.next?.expires ?? null,
    readmit: record.readmit && { until: record.readmit.until, machine: record.readmit.machine },
    knock: knockOf(record),
    lastAddress: record.lastAddress,
    clockSkewMs: record.clockSkewMs,
    revokedAt: record.revokedAt,
    retiredAt: record.retiredAt,
    replaces: record.replaces,
    replacedBy: facts.replacedBy,
    kernel: kernel.ok
      ? { running: kernel.data.running, installed: kernel.data.installed.map(({ release }) => release) }
      : null,
    packages: packages.ok ? packages.data.length : null,
    packageLists: listsOf(updates),
    rebootReasons: reboot.ok ? reboot.data.reasons : [],
    staleProcesses: stale.ok ? stale.data.processes.length : null,
    staleProcessesComplete: stale.ok ? stale.data.complete : null,
    pending: updates.ok && updates.data.known ? updates.data.pending : null,
    updaters: updaters.ok ? updaters.data : null,
    problems: facts.sections.flatMap(({ name, problem }) => (problem ? [{ section: name, ...problem }] : [])),
  };
}

function knockOf({ knock }: HostRecord): HostDetail['knock'] {
  return knock && !knock.answered ? { at: knock.at, address: knock.address, code: knock.code } : null;
}

function summaryOf(record: HostRecord, parts: Parts): HostSummary {
  const { os, agent, updates, reboot } = parts;

  return {
    id: record.id,
    name: record.name,
    state: hostState(record),
    mode: record.mode,
    connected: parts.connected,
    enrolledAt: record.enrolledAt,
    lastSeen: record.lastSeen,
    agentVersion: record.agentVersion,
    inventoryAt: parts.takenAt,
    os: os.ok ? os.data : null,
    labels: agent.ok ? agent.data.labels : null,
    // Worked out by those who have the documents: see withSigned.
    signedLabels: {},
    collectorLabels: Object.fromEntries(Object.entries(record.labels).map(([name, values]) => [name, [...values]])),
    owner: record.owner,
    token: record.token,
    acceptedAt: record.acceptedAt,
    sameMachineAs: [...parts.sameMachineAs],
    ...(updates.ok
      ? updates.data
      : { upgradable: null, held: null, phased: null, security: null, unknown: [updates.reason] }),
    rebootRequired: reboot.ok ? reboot.data : null,
    quarantine: record.quarantine && {
      ...record.quarantine,
      machines: [...record.quarantine.machines],
      addresses: [...record.quarantine.addresses],
    },
    takeover: agent.ok ? agent.data.takeover : null,
    // Of what has never connected nothing is known, and it has no policy that it could lose.
    ...(record.lastSeen === null
      ? {}
      : { cannotRead: unreadBy(record.understands, { withGroups: agent.ok && agent.data.withGroups }) }),
  };
}

function listsOf(updates: Outcome<Section<'updates'>>): HostDetail['packageLists'] {
  if (!updates.ok) return { asOf: null, stale: [] };
  const { data } = updates;

  return { asOf: data.asOf, stale: data.known ? [] : data.reasons };
}

async function byHost<N extends SectionName, T>(
  inventory: InventoryReader,
  row: Derivation<N, T>,
  among?: readonly HostId[],
): Promise<ReadonlyMap<string, DerivedOfHost<T>>> {
  const found = new Map<string, DerivedOfHost<T>>();
  for await (const section of inventory.eachDerived(row, among)) found.set(section.host, section);

  return found;
}

function outcome<T>(section: DerivedOfHost<T> | undefined): Outcome<T> {
  if (!section) return { ok: false, reason: NO_INVENTORY };
  // The problem decides, not the data: false and 0 are data.
  if (section.problem === null && section.data !== null) return { ok: true, data: section.data };

  return { ok: false, reason: section.problem?.reason ?? 'the section was not sent' };
}

function derived<N extends SectionName, T>({ of }: Derivation<N, T>, section: Outcome<Section<N>>): Outcome<T> {
  return section.ok ? { ok: true, data: of(section.data) } : section;
}
