// Which machines have a package in certain versions, before any feed knows why one should ask. From the fleet, at the price of its answer.
// A machine that cannot answer is said to be unknown, never counted as one without.
import type { MachineKey, SoftwareId, VariantId } from '../store/software-ports.ts';
import type { Fleet, Machine } from './fleet.ts';
import type { HasText } from './has-text.ts';
import type { FleetIndex } from './index.ts';
import { meets } from './version-conditions.ts';

/** One package that fits. `running`: how its use is known; null: not seen in use. */
export interface Hit {
  readonly name: string;
  readonly version: string;
  readonly ecosystem: string;
  readonly running: string | null;
}

export interface Hunt {
  readonly has: string;
  /** False soon after a start: machines may be missing. */
  readonly complete: boolean;
  readonly found: ReadonlyMap<MachineKey, readonly Hit[]>;
  /** Machines of which it is not known, with the reason. */
  readonly unknown: ReadonlyMap<MachineKey, string>;
  /** With `running`: those that have it and are not seen to use it. */
  readonly notSeenRunning: ReadonlySet<MachineKey>;
}

/** Shown of one machine. */
const MAX_HITS = 20;

/** `among`: nobody else is asked. `running`: only where it is seen in use: the kernel that runs, a listening process of it, or processes that map its replaced files. */
export function* huntSteps(
  fleet: FleetIndex,
  has: HasText,
  { running, among }: { readonly running: boolean; readonly among?: ReadonlySet<MachineKey> },
): Generator<void, Hunt> {
  const found = new Map<MachineKey, Hit[]>();
  const unknown = new Map<MachineKey, string>();
  const fits = fittingOf(fleet, has);
  let steps = 0;

  for (const [id, candidate] of fits.software) {
    for (const key of fleet.machinesWith(id)) {
      const machine = asked(key);
      if (machine) note(machine, id, candidate);
      if (++steps % 100 === 0) yield;
    }
  }
  for (const [id, candidates] of fits.variants) {
    const { software } = fleet.variant(id);
    for (const key of fleet.machinesWith(software)) {
      const machine = asked(key);
      if (machine && fleet.hasVariant(key, id)) for (const one of candidates) note(machine, software, one);
      if (++steps % 100 === 0) yield;
    }
  }
  for (const key of among ?? fleet.machines.keys()) {
    if (++steps % 100 === 0) yield;
    const machine = fleet.machines.get(key);
    if (machine === undefined) continue;
    if (machine.unknown !== null) unknown.set(machine.key, machine.unknown);
    else if (running && (machine.stillRunning?.length ?? 0) > 0) noteReplaced(machine);
  }
  const answers = new Map<MachineKey, readonly Hit[]>();
  const notSeenRunning = new Set<MachineKey>();
  for (const [key, hits] of found) {
    unknown.delete(key);
    const shown = running ? hits.filter((hit) => hit.running !== null) : hits;
    if (shown.length > 0) answers.set(key, shown.slice(0, MAX_HITS));
    else notSeenRunning.add(key);
    if (++steps % 100 === 0) yield;
  }

  return { has: has.text, complete: fleet.complete, found: answers, unknown, notSeenRunning };

  function asked(key: MachineKey): Machine | undefined {
    return among === undefined || among.has(key) ? fleet.machines.get(key) : undefined;
  }

  function note(machine: Machine, id: SoftwareId, { name, version, fits: does }: Candidate): void {
    const { ecosystem } = fleet.software(id);
    if (does === null) {
      unknown.set(machine.key, `version ${version} of ${name} cannot be compared`);

      return;
    }
    const known = found.get(machine.key) ?? [];
    if (known.some((hit) => hit.name === name && hit.version === version && hit.ecosystem === ecosystem)) return;
    known.push({ name, version, ecosystem, running: usedBy(fleet, machine, id) });
    found.set(machine.key, known);
  }

  /** Versions that are gone from the disk and still run. */
  function noteReplaced(machine: Machine): void {
    for (const { variant } of fleet.listOf(machine.key)?.past ?? []) {
      const { software } = fleet.variant(variant);
      const { source } = fleet.software(software);
      const by = machine.stillRunning?.find((one) => one.source === source);
      if (by === undefined) continue;
      const candidates = [fits.past(software), ...fits.pastVariants(variant)].filter((one) => one !== null);
      for (const { name, version, fits: does } of candidates) {
        if (does !== true) continue;
        const known = found.get(machine.key) ?? [];
        const programs = [...new Set(by.processes.map(({ program }) => program))].join(', ');
        known.push({
          ...{ name, version, ecosystem: fleet.software(software).ecosystem },
          running: `replaced on disk, may still be run by ${programs}`,
        });
        found.set(machine.key, known);
      }
    }
  }
}

interface Candidate {
  readonly name: string;
  readonly version: string;
  /** Null: not known. */
  readonly fits: boolean | null;
}

function fittingOf(fleet: FleetIndex, { name, names, conditions }: HasText) {
  const asked = name === null ? [...fleet.names()].filter((one) => names.matches(one)) : [name];
  const software = new Map<SoftwareId, Candidate>();
  const variants = new Map<VariantId, Candidate[]>();
  const judged = (ecosystem: string, is: string, version: string): Candidate | null => {
    const fits = meets(ecosystem, version, conditions);

    return fits === false ? null : { name: is, version, fits };
  };
  const bySource = (id: SoftwareId) => {
    const { ecosystem, version, source, name: is } = fleet.software(id);

    return names.matches(is) || names.matches(source) ? judged(ecosystem, is, version) : null;
  };
  const byBinary = (id: VariantId) => {
    const { software: of, binaries } = fleet.variant(id);
    const { ecosystem, name: is, version: its } = fleet.software(of);

    return (
      binaries
        // What the package itself answers is not said once more.
        .filter(([binary, version]) => names.matches(binary) && !(binary === is && version === its))
        .flatMap(([binary, version]) => judged(ecosystem, binary, version) ?? [])
    );
  };

  for (const one of asked) {
    for (const id of fleet.byName(one)) {
      const candidate = bySource(id);
      if (candidate !== null) software.set(id, candidate);
    }
    for (const id of fleet.variantsWith(one)) {
      const candidates = byBinary(id);
      if (candidates.length > 0) variants.set(id, candidates);
    }
  }

  return { software, variants, past: bySource, pastVariants: byBinary };
}

/** How it is known that a machine uses it; null where it is not seen to. */
function usedBy(fleet: Pick<Fleet, 'software'>, machine: Machine, id: SoftwareId): string | null {
  const { kernel, source } = fleet.software(id);
  if (kernel === 'running') return 'the kernel that runs';
  const socket = machine.listening?.find((one) => one.source === source);
  if (socket === undefined) return null;

  return `${socket.program ?? source} listens on ${socket.protocol} port ${socket.port}`;
}
