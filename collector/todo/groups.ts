// Sorts a fleet into groups that share one answer: the same software in the same circumstances, offered the same. Pure. What costs
// something is then asked once per group, however many machines it has; nothing here looks at a single CVE.
import type { Fleet, Machine, Offer } from '../findings/fleet.ts';
import { ecosystemOf } from '../matching/ecosystem.ts';
import type { Software } from '../matching/software.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import type { Circumstances } from '../triage/decision.ts';
import type { DuePolicy } from '../triage/due.ts';
import { addChain, type Chain, chainsOf } from './chains.ts';
import type { Compare, Triage } from './ports.ts';
import type { MachineUnknown } from './todo.ts';

/** What the machines of a group have in common. */
export interface Kind {
  readonly id: SoftwareId;
  readonly software: Software;
  readonly circumstances: Circumstances;
  /** What these machines are offered for the source; null: nothing. `unknown`: nobody knows what they are offered. */
  readonly offer: Offer | 'unknown' | null;
  /** Of a running kernel: newer ones of its source that are installed beside it. */
  readonly beside: readonly SoftwareId[];
  readonly policies: readonly DuePolicy[];
}

export interface Group extends Kind {
  readonly machines: Machine[];
  /** Earliest instant since when one of them has it. */
  since: string;
  /** What they had before. */
  readonly chains: Map<string, Chain>;
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

/** What one machine adds; the same for the same machine as long as nothing is matched otherwise. */
interface Share {
  readonly kinds: readonly Kind[];
  /** Of each kind; lists beside each other, because a fleet has millions of them. */
  readonly since: readonly string[];
  /** Of those kinds of which the machine had something before. */
  readonly before: ReadonlyMap<Kind, readonly Chain[]> | null;
  readonly bare: readonly Offer[];
}

/**
 * What was found out of each machine, for the next time: machines are values, so that only those that are new need be looked at.
 * Whoever keeps it keeps it for one fleet.
 */
export class GroupMemory {
  #basis: readonly unknown[] = [];
  #kinds = new Map<SoftwareId, Map<string, Kind>>();
  #shares = new WeakMap<Machine, Share>();
  readonly #policies = numbering<readonly DuePolicy[]>();

  /** Forgets everything where matches or triage are others. */
  follow(fleet: Fleet, triage: Triage): void {
    const basis = [fleet.revision ?? Number.NaN, triage];
    if (basis.every((each, index) => each === this.#basis[index])) return;
    this.#basis = basis;
    this.#kinds = new Map();
    this.#shares = new WeakMap();
  }

  shareOf(fleet: Fleet, machine: Machine, triage: Triage, compare: Compare): Share {
    const known = this.#shares.get(machine);
    if (known) return known;
    const share = this.#look(fleet, machine, triage, compare);
    this.#shares.set(machine, share);

    return share;
  }

  #look(fleet: Fleet, machine: Machine, triage: Triage, compare: Compare): Share {
    const offers = machine.offers === null ? null : offersOf(machine, machine.offers, compare);
    const used = new Set<Offer>();
    const around = triage.circumstances(machine);
    const policies = triage.policies(machine);
    const before = chainsOf(fleet, machine);
    const kinds: Kind[] = [];
    const times: string[] = [];
    let chains: Map<Kind, Chain[]> | null = null;
    for (const { id, since } of fleet.affected(machine.key)) {
      const software = fleet.software(id);
      const offer = offers === null ? 'unknown' : (offers.get(software.source) ?? null);
      if (offer !== null && offer !== 'unknown') used.add(offer);
      const circumstances = around.of(software);
      const beside = software.kernel === 'running' ? newerBeside(fleet, machine, software, compare) : NONE;

      const kind = this.#kindOf({ id, software, circumstances, offer, beside, policies });
      kinds.push(kind);
      times.push(since);
      const chain = before(id, since);
      if (chain === null) continue;
      chains ??= new Map();
      const known = chains.get(kind);
      if (known) known.push(chain);
      else chains.set(kind, [chain]);
    }

    return {
      kinds,
      since: times,
      before: chains,
      bare: offers === null ? [] : [...offers.values()].filter((offer) => !used.has(offer)),
    };
  }

  /** One object for the same answer; reasons in words are those of the first machine. */
  #kindOf(kind: Kind): Kind {
    const { circumstances, offer, beside, policies } = kind;
    const { exposure, impact } = circumstances;
    const key = `${keyOf(offer)} ${exposure} ${impact} ${this.#policies(policies)} ${beside.join(',')}`;
    const kinds = this.#kinds.get(kind.id) ?? new Map<string, Kind>();
    this.#kinds.set(kind.id, kinds);
    const known = kinds.get(key);
    if (known) return known;
    kinds.set(key, kind);

    return kind;
  }
}

/** In steps of one machine, for whoever has other things to do between. */
export function* groupSteps(
  fleet: Fleet,
  triage: Triage,
  compare: Compare,
  among: (machine: Machine) => boolean,
  memory = new GroupMemory(),
): Generator<void, Groups> {
  memory.follow(fleet, triage);
  const groups = new Map<Kind, Group>();
  const bare = new Map<string, Bare>();
  const unknown: MachineUnknown[] = [];
  let counted = 0;

  for (const machine of fleet.machines.values()) {
    yield;
    if (!among(machine)) continue;
    counted += 1;
    if (machine.unknown !== null) unknown.push({ key: machine.key, name: machine.name, reason: machine.unknown });
    const share = memory.shareOf(fleet, machine, triage, compare);
    for (const [at, kind] of share.kinds.entries()) {
      const since = share.since[at] ?? '';
      const group = groups.get(kind) ?? { ...kind, machines: [], since, chains: new Map<string, Chain>() };
      if (group.machines.length === 0) groups.set(kind, group);
      group.machines.push(machine);
      if (since < group.since) group.since = since;
      for (const chain of share.before?.get(kind) ?? NO_CHAINS) addChain(group.chains, chain);
    }
    for (const offer of share.bare) addBare(bare, offer, machine);
  }

  return { groups: [...groups.values()], bare: [...bare.values()], unknown, counted };
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
const NO_CHAINS: readonly Chain[] = [];

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
