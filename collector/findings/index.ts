// The fleet in memory: distinct software with what is open against it, and for each the machines that have it. Machines are values:
// one that changes is another object. Nothing is worked out here but lists; who fills it is ./keeper.ts.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Match } from '../matching/match.ts';
import { type Software, softwareKey } from '../matching/software.ts';
import type {
  Binary,
  MachineKey,
  SoftwareEpisode,
  SoftwareId,
  SoftwareRow,
  VariantId,
  VariantRow,
} from '../store/software-ports.ts';
import type { MachineFacts, MachineRecord } from './facts.ts';
import type { Fleet, Machine, Offer } from './fleet.ts';
import { FleetMachine } from './machine.ts';
import { Marks } from './marks.ts';
import { type MachineList, scanPresent, unpackList, unpackPast } from './packing.ts';
import { Postings } from './postings.ts';

interface Entry {
  readonly software: Software;
  matches: readonly Match[];
  matched: boolean;
  readonly machines: Postings;
  readonly variants: VariantId[];
}

interface VariantEntry {
  readonly software: SoftwareId;
  readonly binaries: readonly Binary[];
  /** How many machines have it now. */
  machines: number;
}

interface Kept {
  readonly number: number;
  readonly machine: FleetMachine;
  readonly list: Uint8Array;
}

type Had = Machine['software'][number];

/** Those of all distributions are some thousands; a host that makes others up gets no more of our memory. */
const MAX_SHARED_OFFERS = 50_000;
const NONE: readonly Match[] = [];
const NEVER: Readonly<Record<string, Timestamp>> = {};

export class FleetIndex implements Fleet {
  complete = false;
  /** Another number whenever matches are others. */
  revision = 0;
  /** Grows with every change of anything: what was worked out under another number may be old. */
  changes = 0;
  readonly #software = new Map<SoftwareId, Entry>();
  readonly #keys = new Map<string, SoftwareId>();
  readonly #variants = new Map<VariantId, VariantEntry>();
  readonly #forms = new Map<string, VariantId>();
  /** Name of a package, its source or a binary of it → software. */
  readonly #names = new Map<string, Set<SoftwareId>>();
  readonly #binaryNames = new Map<string, Set<VariantId>>();
  /** `ecosystem package` → CVE → since. */
  readonly #since = new Map<string, Readonly<Record<string, Timestamp>>>();
  readonly #kept = new Map<MachineKey, Kept>();
  readonly #machines = new Map<MachineKey, Machine>();
  readonly #byNumber: (MachineKey | null)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #offers = new Map<string, Offer>();
  /** Variants whose software has matches: of hundreds of packages few, so that only these are looked up. */
  readonly #concerned = new Marks();

  get machines(): ReadonlyMap<MachineKey, Machine> {
    return this.#machines;
  }

  software(id: SoftwareId): Software {
    return this.#entry(id).software;
  }

  *ids(): Generator<SoftwareId> {
    for (const [id, { machines }] of this.#software) if (machines.size > 0) yield id;
  }

  /** Of everything that is kept, also for versions that no machine has any more. */
  allIds(): Iterable<SoftwareId> {
    return this.#software.keys();
  }

  has(id: SoftwareId): boolean {
    return this.#software.has(id);
  }

  isMatched(id: SoftwareId): boolean {
    return this.#software.get(id)?.matched ?? false;
  }

  matches(id: SoftwareId): readonly Match[] {
    return this.#software.get(id)?.matches ?? NONE;
  }

  since(id: SoftwareId): Readonly<Record<string, Timestamp>> {
    const { ecosystem, name } = this.#entry(id).software;

    return this.sinceOf(ecosystem, name);
  }

  sinceOf(ecosystem: string, name: string): Readonly<Record<string, Timestamp>> {
    return this.#since.get(packageKey(ecosystem, name)) ?? NEVER;
  }

  *machinesWith(id: SoftwareId): Generator<MachineKey> {
    for (const number of this.#software.get(id)?.machines ?? []) {
      const key = this.#byNumber[number];
      if (key) yield key;
    }
  }

  countWith(id: SoftwareId): number {
    return this.#software.get(id)?.machines.size ?? 0;
  }

  byName(name: string): readonly SoftwareId[] {
    return [...(this.#names.get(name) ?? [])].filter((id) => this.countWith(id) > 0);
  }

  /** The same with what no machine has any more. */
  everNamed(name: string): Iterable<SoftwareId> {
    return this.#names.get(name) ?? [];
  }

  /** Names of packages and binary packages that some machine has or had. */
  *names(): Generator<string> {
    yield* this.#names.keys();
    for (const name of this.#binaryNames.keys()) if (!this.#names.has(name)) yield name;
  }

  /** Software with the binary packages of it, where one has that name. */
  variantsWith(binary: string): readonly VariantId[] {
    return [...(this.#binaryNames.get(binary) ?? [])].filter((id) => (this.#variants.get(id)?.machines ?? 0) > 0);
  }

  withBinary(binary: string): readonly SoftwareId[] {
    return [...new Set(this.variantsWith(binary).map((id) => this.variant(id).software))];
  }

  variant(id: VariantId): { readonly software: SoftwareId; readonly binaries: readonly Binary[] } {
    const found = this.#variants.get(id);
    if (!found) throw new CodedError('INTERNAL', `the fleet has no software in the form ${id}`);

    return found;
  }

  /** The number of that software in that form; null where no machine had it. */
  find(software: Software, binaries: readonly Binary[]): VariantId | null {
    const id = this.#keys.get(softwareKey(software));

    return id === undefined ? null : (this.#forms.get(formKey(id, binaries)) ?? null);
  }

  episodes(machine: MachineKey): readonly SoftwareEpisode[] {
    const kept = this.#kept.get(machine);
    if (!kept) return [];

    return unpackPast(kept.list).map(({ variant, since, until }) => ({
      ...{ machine, id: this.variant(variant).software, since: instant(since), until: instant(until) },
    }));
  }

  affected(machine: MachineKey): readonly Had[] {
    return this.#had(machine, (variant) => this.#concerned.has(variant));
  }

  kernels(machine: MachineKey): readonly Had[] {
    return this.#had(machine, (variant) => this.software(this.variant(variant).software).kernel !== null);
  }

  /** The forms of software that a machine has; none where its packages are not known. */
  variantsOf(machine: MachineKey): readonly VariantId[] {
    return listedBy(this.#kept.get(machine));
  }

  hasVariant(machine: MachineKey, id: VariantId): boolean {
    const kept = this.#kept.get(machine);
    let has = false;
    if (kept && kept.machine.unknown === null) {
      scanPresent(kept.list, (variant) => {
        has ||= variant === id;
      });
    }

    return has;
  }

  listOf(machine: MachineKey): MachineList | null {
    const kept = this.#kept.get(machine);

    return kept ? unpackList(kept.list) : null;
  }

  putSoftware(rows: Iterable<SoftwareRow>): void {
    for (const { id, software } of rows) {
      if (this.#software.has(id)) continue;
      this.#keys.set(softwareKey(software), id);
      this.#software.set(id, { software, matches: NONE, matched: false, machines: new Postings(), variants: [] });
      for (const name of new Set([software.name, software.source])) put(this.#names, name, id);
    }
  }

  putVariants(rows: Iterable<VariantRow>): void {
    for (const { id, software, binaries } of rows) {
      if (this.#variants.has(id)) continue;
      const { variants, matches } = this.#entry(software);
      this.#variants.set(id, { software, binaries, machines: 0 });
      this.#forms.set(formKey(software, binaries), id);
      variants.push(id);
      this.#concerned.set(id, matches.length > 0);
      for (const [name] of binaries) put(this.#binaryNames, name, id);
    }
  }

  putMatches(id: SoftwareId, matches: readonly Match[]): void {
    this.changes += 1;
    const entry = this.#entry(id);
    if (matches.length > 0 || entry.matches.length > 0) this.revision += 1;
    entry.matches = matches.length === 0 ? NONE : matches;
    entry.matched = true;
    for (const variant of entry.variants) this.#concerned.set(variant, matches.length > 0);
  }

  putSince(ecosystem: string, name: string, since: Readonly<Record<string, Timestamp>>): void {
    this.changes += 1;
    this.#since.set(packageKey(ecosystem, name), since);
  }

  /** In the place of what was known of it. */
  putMachine(record: MachineRecord, facts: MachineFacts, list: Uint8Array): void {
    this.changes += 1;
    const before = this.#kept.get(record.key);
    const number = before?.number ?? this.#freeNumbers.pop() ?? this.#byNumber.length;
    const machine = new FleetMachine(record, this.#shared(facts), () => this.#had(record.key, () => true));
    const kept: Kept = { number, machine, list };
    const isSame = before?.list === list && (before.machine.unknown === null) === (machine.unknown === null);
    const now = isSame ? [] : listedBy(kept);
    // First what can fail.
    for (const id of now) this.#entry(this.variant(id).software);
    const gone = new Set(isSame ? [] : listedBy(before));
    this.#byNumber[number] = record.key;
    this.#kept.set(record.key, kept);
    this.#machines.set(record.key, machine);
    const fresh = now.filter((id) => !gone.delete(id));
    // Before the new ones: another form of the same software is still there.
    for (const id of gone) this.#count(id, number, -1);
    for (const id of fresh) this.#count(id, number, 1);
  }

  /** Another record or a newer look at the same: its software stays. */
  describeMachine(record: MachineRecord, facts?: Partial<MachineFacts>): void {
    const kept = this.#kept.get(record.key);
    if (!kept) return;
    this.putMachine(record, { ...kept.machine.facts, ...facts }, kept.list);
  }

  factsOf(key: MachineKey): MachineFacts | null {
    return this.#kept.get(key)?.machine.facts ?? null;
  }

  dropMachine(key: MachineKey): void {
    this.changes += 1;
    const kept = this.#kept.get(key);
    if (!kept) return;
    for (const id of listedBy(kept)) this.#count(id, kept.number, -1);
    this.#kept.delete(key);
    this.#machines.delete(key);
    this.#byNumber[kept.number] = null;
    this.#freeNumbers.push(kept.number);
  }

  get offersKept(): number {
    return this.#offers.size;
  }

  /** Software that no machine has or had. Offers that nobody is made any more are let go by the way. */
  *unusedSteps(): Generator<void, readonly SoftwareId[]> {
    const used = new Set<SoftwareId>();
    const offered = new Set<Offer>();
    for (const { list, machine } of this.#kept.values()) {
      for (const offer of machine.offers ?? []) offered.add(offer);
      const { present, past } = unpackList(list);
      for (const { variant } of present) used.add(this.variant(variant).software);
      for (const { variant } of past) used.add(this.variant(variant).software);
      yield;
    }
    for (const [key, offer] of this.#offers) if (!offered.has(offer)) this.#offers.delete(key);

    return [...this.#software.keys()].filter((id) => !used.has(id));
  }

  dropSoftware(ids: Iterable<SoftwareId>): void {
    const gone = new Set(ids);
    for (const [id, { software, binaries }] of this.#variants) {
      if (!gone.has(software)) continue;
      this.#variants.delete(id);
      this.#forms.delete(formKey(software, binaries));
      for (const [name] of binaries) take(this.#binaryNames, name, id);
    }
    for (const id of gone) {
      const entry = this.#software.get(id);
      if (!entry) continue;
      this.#software.delete(id);
      this.#keys.delete(softwareKey(entry.software));
      for (const name of [entry.software.name, entry.software.source]) take(this.#names, name, id);
    }
  }

  #count(id: VariantId, number: number, by: 1 | -1): void {
    const variant = this.#variants.get(id);
    if (!variant) return;
    variant.machines += by;
    const machines = this.#software.get(variant.software)?.machines;
    if (by === 1) machines?.add(number);
    else machines?.remove(number);
  }

  #had(key: MachineKey, wanted: (variant: VariantId) => boolean): readonly Had[] {
    const kept = this.#kept.get(key);
    const found: Had[] = [];
    if (!kept || kept.machine.unknown !== null) return found;
    scanPresent(kept.list, (variant, since) => {
      if (wanted(variant)) found.push({ id: this.variant(variant).software, since: instant(since) });
    });

    return found;
  }

  /** Thousands of machines are offered the same. */
  #shared(facts: MachineFacts): MachineFacts {
    if (facts.offers === null) return facts;
    const offers = facts.offers.map((offer) => {
      const key = `${offer.provider} ${offer.source} ${offer.version} ${offer.security} ${offer.held}`;
      const known = this.#offers.get(key);
      if (!known && this.#offers.size < MAX_SHARED_OFFERS) this.#offers.set(key, offer);

      return known ?? offer;
    });

    return { ...facts, offers };
  }

  #entry(id: SoftwareId): Entry {
    const found = this.#software.get(id);
    if (!found) throw new CodedError('INTERNAL', `the fleet has no software ${id}`);

    return found;
  }
}

/** What counts as being there: of a machine whose packages are not known, nothing. */
function listedBy(kept: Kept | undefined): VariantId[] {
  const found: VariantId[] = [];
  if (kept && kept.machine.unknown === null) scanPresent(kept.list, (variant) => found.push(variant));

  return found;
}

function formKey(software: SoftwareId, binaries: readonly Binary[]): string {
  return `${software} ${JSON.stringify(binaries)}`;
}

function packageKey(ecosystem: string, name: string): string {
  return `${ecosystem} ${name}`;
}

/** Every inventory has one time for hundreds of packages. */
let lastMs = Number.NaN;
let lastText = '' as Timestamp;

function instant(ms: number): Timestamp {
  if (ms !== lastMs) {
    lastText = Temporal.Instant.fromEpochMilliseconds(ms).toString() as Timestamp;
    lastMs = ms;
  }

  return lastText;
}

function put<V>(map: Map<string, Set<V>>, key: string, value: V): void {
  const known = map.get(key);
  if (known) known.add(value);
  else map.set(key, new Set([value]));
}

function take<V>(map: Map<string, Set<V>>, key: string, value: V): void {
  const known = map.get(key);
  known?.delete(value);
  if (known?.size === 0) map.delete(key);
}
