// Sorts a fleet into groups that share one answer: the same software in the same circumstances, offered the same. Pure. What costs
// something is then asked once per group, however many machines it has; nothing here looks at a single CVE.
import type { Fleet, Machine, Offer } from '../findings/fleet.ts';
import { ecosystemOf } from '../matching/ecosystem.ts';
import type { Software } from '../matching/software.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import type { Circumstances } from '../triage/decision.ts';
import type { DuePolicy } from '../triage/due.ts';
import type { Compare, Triage } from './ports.ts';
import type { MachineUnknown } from './todo.ts';

export interface Group {
  readonly id: SoftwareId;
  readonly software: Software;
  readonly circumstances: Circumstances;
  /** What these machines are offered for the source; null: nothing. `unknown`: nobody knows what they are offered. */
  readonly offer: Offer | 'unknown' | null;
  /** Of a running kernel: newer ones of its source that are installed beside it. */
  readonly beside: readonly SoftwareId[];
  readonly policies: readonly DuePolicy[];
  readonly machines: Machine[];
  /** Earliest instant since when one of them has it. */
  since: string;
}

/** Offers that no vulnerable software stands behind. */
export interface Bare {
  readonly offer: Offer;
  readonly machines: Machine[];
}

export interface Groups {
  readonly groups: readonly Group[];
  readonly bare: readonly Bare[];
  readonly unknown: readonly MachineUnknown[];
  readonly counted: number;
}

interface Vulnerable {
  readonly software: Software;
  readonly groups: Map<string, Group>;
}

/** In steps of one machine, for whoever has other things to do between. */
export function* groupSteps(
  fleet: Fleet,
  triage: Triage,
  compare: Compare,
  among: (machine: Machine) => boolean,
): Generator<void, Groups> {
  const vulnerable = new Map<SoftwareId, Vulnerable>();
  for (const id of fleet.ids()) {
    if (fleet.matches(id).length > 0) vulnerable.set(id, { software: fleet.software(id), groups: new Map() });
    yield;
  }
  const bare = new Map<string, Bare>();
  const unknown: MachineUnknown[] = [];
  const policies = numbering<readonly DuePolicy[]>();
  let counted = 0;

  for (const machine of fleet.machines.values()) {
    if (!among(machine)) continue;
    counted += 1;
    if (machine.unknown !== null) unknown.push({ key: machine.key, name: machine.name, reason: machine.unknown });
    const offers = machine.offers === null ? null : offersOf(machine, machine.offers, compare);
    const used = new Set<Offer>();
    const around = triage.circumstances(machine);
    const due = triage.policies(machine);
    for (const { id, since } of fleet.affected(machine.key)) {
      const found = vulnerable.get(id);
      if (!found) continue;
      const { software } = found;
      const offer = offers === null ? 'unknown' : (offers.get(software.source) ?? null);
      if (offer !== null && offer !== 'unknown') used.add(offer);
      const circumstances = around.of(software);
      const beside = software.kernel === 'running' ? newerBeside(fleet, machine, software, compare) : NONE;
      const key = `${keyOf(offer)} ${circumstances.exposure} ${circumstances.impact} ${policies(due)} ${beside.join(',')}`;
      const group = found.groups.get(key);
      if (group) {
        group.machines.push(machine);
        if (since < group.since) group.since = since;
      } else {
        found.groups.set(key, {
          ...{ id, software, circumstances, offer, beside, since, policies: due, machines: [machine] },
        });
      }
    }
    if (offers !== null) for (const offer of offers.values()) if (!used.has(offer)) addBare(bare, offer, machine);
    yield;
  }

  return {
    groups: [...vulnerable.values()].flatMap(({ groups }) => [...groups.values()]),
    ...{ bare: [...bare.values()], unknown, counted },
  };
}

/** By source the newest that is offered; one that is held counts only where there is no other. */
function offersOf({ os }: Machine, offers: readonly Offer[], compare: Compare): ReadonlyMap<string, Offer> {
  const found = new Map<string, Offer>();
  for (const offer of offers) {
    const other = found.get(offer.source);
    if (!other || isBetter(offer, other, os, compare)) found.set(offer.source, offer);
  }

  return found;
}

function isBetter(one: Offer, other: Offer, os: Machine['os'], compare: Compare): boolean {
  if (one.held !== other.held) return other.held;
  const ecosystem = os === null ? null : ecosystemOf(os.id, os.version);

  return ecosystem !== null && (compare(ecosystem, one.version, other.version) ?? 0) > 0;
}

const NONE: readonly SoftwareId[] = [];

/** As ../findings/join.ts counts them: an older one is no repair. */
function newerBeside(fleet: Fleet, machine: Machine, running: Software, compare: Compare): readonly SoftwareId[] {
  if (machine.kernel === null) return NONE;

  return fleet
    .kernels(machine.key)
    .map(({ id }) => id)
    .filter((id) => {
      const { kernel, source, ecosystem, version } = fleet.software(id);
      if (kernel !== 'installed' || source !== running.source || ecosystem !== running.ecosystem) return false;

      return (compare(ecosystem, version, running.version) ?? 0) > 0;
    });
}

function addBare(bare: Map<string, Bare>, offer: Offer, machine: Machine): void {
  const key = `${offer.provider} ${offer.source} ${keyOf(offer)}`;
  const found = bare.get(key);
  if (found) found.machines.push(machine);
  else bare.set(key, { offer, machines: [machine] });
}

/** Versions and sources hold no spaces. */
function keyOf(offer: Offer | 'unknown' | null): string {
  if (offer === null) return '-';

  return offer === 'unknown' ? '?' : `${offer.version} ${offer.security ? 's' : ''}${offer.held ? 'h' : ''}`;
}

/** The same number for the same thing. */
function numbering<T extends object>(): (thing: T) => number {
  const numbers = new Map<T, number>();

  return (thing) => {
    const known = numbers.get(thing);
    if (known !== undefined) return known;
    numbers.set(thing, numbers.size);

    return numbers.size - 1;
  };
}
