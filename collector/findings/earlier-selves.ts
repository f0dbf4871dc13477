// Imported machines that have an agent by now: one machine, counted once, by its agent. As coverage decides it (../coverage/once.ts): the
// machine's id and a serial number or a card must say so, and of exactly one agent, so that no clone of an image hides another machine.
import { setImmediate } from 'node:timers/promises';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { Known } from '../coverage/machines.ts';
import { oncePerMachine } from '../coverage/once.ts';
import type { ImportRecord } from '../store/import-ports.ts';
import type { HostRecord, Store } from '../store/ports.ts';
import { parsedSection } from './take-in.ts';

/** Imports looked at in one turn. */
const AT_ONCE = 20;

/** Sections by which a machine is told from its clones. */
export const TELLING: readonly string[] = ['hardware', 'network'];

/** Ids of the imports among these that are an accepted agent's machine. */
export async function earlierSelves(
  { read }: Pick<Store, 'read'>,
  records: readonly ImportRecord[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const agents = new Map<string, Promise<readonly Known[]>>();
  for (const [at, record] of records.entries()) {
    const { id, machineId } = record;
    if (machineId === null) continue;
    if (at % AT_ONCE === AT_ONCE - 1) await setImmediate();
    const known = agents.get(machineId) ?? agentsOf(read, machineId);
    agents.set(machineId, known);
    const sightings = [...(await known), importOf(record)].map((one) => ({ known: one, machineId }));
    if (!oncePerMachine(sightings).some((one) => one.kind === 'imported' && one.id === id)) found.add(id);
  }

  return found;
}

async function agentsOf(read: Store['read'], machineId: string): Promise<readonly Known[]> {
  const hosts = (await read.hosts.byMachine(machineId)).filter(({ acceptedAt }) => acceptedAt !== null);

  return Promise.all(hosts.map((host) => agentOf(read, host)));
}

async function agentOf(read: Store['read'], { id, name }: HostRecord): Promise<Known> {
  let [serial, macs]: [string, readonly string[]] = ['', []];
  for (const { name: section, sha256 } of await read.inventory.sections(id)) {
    if (sha256 === null || !TELLING.includes(section)) continue;
    const bytes = await read.inventory.content(id, section, sha256);
    // Replaced meanwhile: its next report asks again.
    if (bytes === null) continue;
    try {
      const data = await parsedSection(bytes);
      if (section === 'hardware') serial = (data as Section<'hardware'>).serial;
      else macs = (data as Section<'network'>).addresses.map(({ mac }) => mac);
    } catch {
      // What cannot be read tells nothing: then both are counted.
    }
  }

  return { ...NOTHING, id, name, kind: 'agent', serials: [serial], macs };
}

function importOf({ id, name, facts: { marks } }: ImportRecord): Known {
  return { ...NOTHING, id, name, kind: 'imported', serials: marks.serials, macs: marks.macs };
}

const NOTHING = { names: [], instances: [], seen: null, connected: false };
