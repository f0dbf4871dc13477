// A machine that is known in two ways, by its agent and by a file from before it had one, is one machine. Pure.
import { type Known, marksOf } from './machines.ts';

export interface Sighting {
  readonly known: Known;
  /** Null where the machine has none. Clones of one image have the same. */
  readonly machineId: string | null;
}

/**
 * Each machine once. A file is its agent's earlier self where both the machine's id and a serial number or a card say so; its names
 * stay with the agent, because a list may know the machine by them. A pending agent takes nobody's place.
 */
export function oncePerMachine(sightings: readonly Sighting[]): readonly Known[] {
  const agents = new Map<string, Known[]>();
  for (const { known, machineId } of sightings) {
    if (machineId === null || known.kind !== 'agent') continue;
    agents.set(machineId, [...(agents.get(machineId) ?? []), known]);
  }
  const names = new Map<Known, readonly string[]>();
  const left = sightings.filter(({ known, machineId }) => {
    const same = known.kind === 'imported' && machineId !== null ? (agents.get(machineId) ?? []) : [];
    const [self, ...others] = same.filter((agent) => isSame(agent, known));
    if (!self || others.length > 0) return true;
    names.set(self, [...(names.get(self) ?? []), ...known.names]);

    return false;
  });

  return left.map(({ known }) => ({ ...known, names: [...known.names, ...(names.get(known) ?? [])] }));
}

function isSame(one: Known, other: Known): boolean {
  const own = (known: Known) => marksOf({ ...known, names: [], instances: [] }).map(({ text }) => text);
  const theirs = new Set(own(other));

  return own(one).some((mark) => theirs.has(mark));
}
