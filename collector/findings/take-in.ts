// Takes in what was committed of one machine: its sections become software, what is new of it is matched, then its row is written and the
// fleet shows it. In turns and in small transactions; killed in between it is found again, because the row's basis is another.
import { promisify } from 'node:util';
import { constants, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { inTurns } from '../api/in-turns.ts';
import { softwareKey } from '../matching/software.ts';
import type { ImportRecord } from '../store/import-ports.ts';
import type { HostRecord, Store } from '../store/ports.ts';
import type { MachineKey, VariantId } from '../store/software-ports.ts';
import { advance } from './episodes.ts';
import type { MachineFacts } from './facts.ts';
import { type FactSections, factsOf } from './facts-of.ts';
import type { FleetIndex } from './index.ts';
import type { LabelsOf } from './labels.ts';
import type { Matcher } from './matcher.ts';
import { packList } from './packing.ts';
import { type Installed, softwareSteps } from './software-of.ts';

/** Another number when other software or facts are made of the same sections: all machines are taken in again. */
const FORMAT = 2;
const SECTIONS = [
  ...(['os', 'kernel', 'packages', 'languagePackages', 'agent', 'updates'] as const),
  ...(['listeners', 'staleProcesses', 'repositories'] as const),
];
/** Bytes of JSON of one section: 14,000 packages. Of a larger one is said that it is not looked at. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;
/** As in intake: no host makes the collector reserve more for a window than its section needs. */
const MAX_WINDOW_LOG = 23;
/** Distinct software of one machine: ten times a large one's. */
const MAX_SOFTWARE = 20_000;
/** Rows made known in one transaction: about 10 ms. */
const INTERN_AT_ONCE = 600;
/** Bytes before unpacking that are unpacked at once: to have another thread do it takes longer. Together well below a turn. */
const SMALL_BYTES = 32 * 1024;
const NO_INVENTORY = 'no inventory has arrived yet';

const unpack = promisify(zstdDecompress);

export interface TakeInParts {
  readonly store: Store;
  readonly fleet: FleetIndex;
  readonly clock: Pick<Clock, 'now'>;
  readonly matcher: Matcher;
  readonly labelsOf: LabelsOf;
  readonly goOn: () => void;
}

/** What is stored beside a list. */
export interface StoredFacts extends MachineFacts {
  readonly firstReportedAt: Timestamp;
}

/** True when its sections were replaced meanwhile: it is to be asked for again. */
export async function takeInHost(parts: TakeInParts, id: HostId): Promise<boolean> {
  const { store, fleet } = parts;
  const key: MachineKey = `host:${id}`;
  const [host, now] = await Promise.all([store.read.hosts.byId(id), store.read.software.basis(id)]);
  if (host === null || !isIn(host)) {
    if (fleet.machines.has(key)) await drop(parts, key);

    return false;
  }
  if (now === null) {
    putUnknown(parts, host);

    return false;
  }
  const basis = basisOf(now.sections);
  const row = await store.read.software.machine(key);
  const known = fleet.factsOf(key);
  if (row?.basis === basis && known !== null) {
    const first = fleet.machines.get(key)?.firstReportedAt ?? now.takenAt;
    fleet.describeMachine(recordOf(parts, host, known, first), { takenAt: now.takenAt });

    return false;
  }
  const sections = await hostSections(store, id);
  if (sections === null) return true;

  return !(await takeIn(parts, {
    ...{ key, basis, sections, takenAt: now.takenAt },
    record: (facts, first) => recordOf(parts, host, facts, first),
    isIn: async (writers) => {
      const still = await writers.hosts.byId(id);

      return still !== null && isIn(still);
    },
  }));
}

export async function takeInImport(parts: TakeInParts, record: ImportRecord): Promise<void> {
  const { store } = parts;
  const key: MachineKey = `import:${record.name}`;
  const inventory = await store.read.imports.inventory(record.id);
  const sections: Record<string, unknown> = {};
  const reasons: Partial<Record<SectionName, string>> = {};
  for (const name of SECTIONS) {
    const outcome = inventory?.sections[name];
    if (outcome?.ok) sections[name] = outcome.data;
    else reasons[name] = outcome?.reason ?? 'it is no longer kept';
  }
  await takeIn(parts, {
    ...{ key, basis: basisOf(`import ${record.id}`), takenAt: record.asOf },
    sections: { ...(sections as FactSections), reasons },
    record: (_facts, first) => ({
      ...{ key, id: null, name: record.name, firstReportedAt: first, labels: record.labels },
    }),
    isIn: async (writers) => (await writers.imports.byName(record.name))?.id === record.id,
  });
}

/** Active and accepted: everybody else counts nowhere. */
function isIn({ state, acceptedAt }: Pick<HostRecord, 'state' | 'acceptedAt'>): boolean {
  return state === 'active' && acceptedAt !== null;
}

export function basisOf(sections: string): string {
  return sha256(`${FORMAT} ${sections}`).slice(0, 32);
}

/** The machine is no more, or no longer trusted. */
export async function drop({ store, fleet }: Pick<TakeInParts, 'store' | 'fleet'>, key: MachineKey): Promise<void> {
  await store.transaction((writers) => writers.software.dropMachine(key));
  fleet.dropMachine(key);
}

export function recordOf(
  { labelsOf }: Pick<TakeInParts, 'labelsOf'>,
  host: Pick<HostRecord, 'id' | 'name' | 'labels'>,
  facts: MachineFacts,
  firstReportedAt: Timestamp,
) {
  return {
    ...{ key: `host:${host.id}`, id: host.id, name: host.name, firstReportedAt },
    labels: labelsOf(host, facts),
  };
}

/** A host that has not reported yet is one of which nothing is known. */
function putUnknown(parts: Pick<TakeInParts, 'fleet' | 'labelsOf'>, host: HostRecord): void {
  const takenAt = host.enrolledAt;
  const facts = { ...factsOf({ reasons: {} }, takenAt), unknown: NO_INVENTORY };
  parts.fleet.putMachine(recordOf(parts, host, facts, takenAt), facts, packList({ present: [], past: [] }));
}

interface Coming {
  readonly key: MachineKey;
  readonly basis: string;
  readonly sections: FactSections;
  readonly takenAt: Timestamp;
  readonly record: (
    facts: MachineFacts,
    first: Timestamp,
  ) => ReturnType<typeof recordOf> | ({ readonly id: null } & Omit<ReturnType<typeof recordOf>, 'id'>);
  readonly isIn: (writers: Parameters<Parameters<Store['transaction']>[0]>[0]) => Promise<boolean>;
}

/** False when the machine has gone meanwhile. */
async function takeIn(parts: TakeInParts, coming: Coming): Promise<boolean> {
  const { store, fleet, clock, goOn } = parts;
  const { key, sections } = coming;
  const now = clock.now();
  const said = Temporal.Instant.from(coming.takenAt);
  // A clock that is ahead must not make anything newer than it is known.
  const at = Math.min(said.epochMilliseconds, now.epochMilliseconds);
  const before = fleet.listOf(key) ?? { present: [], past: [] };
  let facts = factsOf(sections, coming.takenAt);
  let list = before;

  const { os = null, packages = null } = sections;
  if (facts.unknown === null && os !== null && packages !== null) {
    const installed = await inTurns(
      softwareSteps({
        ...{ os, packages, kernel: sections.kernel ?? null },
        ...{ languagePackages: sections.languagePackages ?? null, agent: sections.agent ?? null },
      }),
    );
    if (installed.length > MAX_SOFTWARE) {
      facts = {
        ...facts,
        unknown: `its packages are not looked at: ${installed.length} are more than ${MAX_SOFTWARE}`,
      };
    } else {
      const variants = await intern(parts, installed);
      list = advance(before, variants, at, {
        software: (id) => fleet.variant(id).software,
        name: (id) => nameOf(fleet, id),
        build: (id) => softwareKey({ ...fleet.software(fleet.variant(id).software), module: null }),
      });
    }
  }
  const row = await store.read.software.machine(key);
  const known = row === null ? null : fleet.machines.get(key);
  const firstReportedAt =
    known?.firstReportedAt ?? (Temporal.Instant.fromEpochMilliseconds(at).toString() as Timestamp);
  const record = coming.record(facts, firstReportedAt);
  const bytes = packList(list);
  const stored: StoredFacts = { ...facts, firstReportedAt };
  goOn();
  const isThere = await store.transaction(
    async (writers) => {
      if (!(await coming.isIn(writers))) return false;
      await writers.software.putMachine({
        machine: key,
        basis: coming.basis,
        list: bytes,
        facts: JSON.stringify(stored),
      });

      return true;
    },
    { derived: true },
  );
  if (isThere) fleet.putMachine(record, facts, bytes);

  return isThere;
}

/** Numbers of what is installed; what nobody had before is matched before any machine is said to have it. */
async function intern(
  { store, fleet, matcher, goOn }: TakeInParts,
  installed: readonly Installed[],
): Promise<VariantId[]> {
  const variants: VariantId[] = [];
  for (let start = 0; start < installed.length; start += INTERN_AT_ONCE) {
    const some = installed.slice(start, start + INTERN_AT_ONCE);
    const known = some.map((one) => fleet.find(one.software, one.binaries));
    if (known.every((id) => id !== null)) {
      variants.push(...known.map((id) => id ?? 0));
      continue;
    }
    goOn();
    const made = await store.transaction(
      async (writers) => {
        const ids = await writers.software.intern(some.map(({ software }) => software));
        const forms = some.map(({ binaries }, index) => ({ software: ids[index] ?? 0, binaries }));

        return { ids, forms, numbers: await writers.software.internVariants(forms) };
      },
      { derived: true },
    );
    fleet.putSoftware(some.map(({ software }, index) => ({ id: made.ids[index] ?? 0, software })));
    fleet.putVariants(made.forms.map((form, index) => ({ ...form, id: made.numbers[index] ?? 0 })));
    variants.push(...made.numbers);
  }
  const fresh = [...new Set(variants.map((id) => fleet.variant(id).software))].filter((id) => !fleet.isMatched(id));
  if (fresh.length > 0) await matcher.match(fresh);

  return variants;
}

/** What the versions of one package have in common. */
function nameOf(fleet: FleetIndex, id: VariantId): string {
  const { ecosystem, name, kernel } = fleet.software(fleet.variant(id).software);

  return `${ecosystem} ${name} ${kernel ?? ''}`;
}

/** Null when one was replaced while it was read. */
async function hostSections(store: Store, id: HostId): Promise<FactSections | null> {
  const reported = await store.read.inventory.sections(id);
  const sections: Record<string, unknown> = {};
  const reasons: Partial<Record<SectionName, string>> = {};
  for (const { name, sha256: hash, problem } of reported) {
    if (!(SECTIONS as readonly string[]).includes(name)) continue;
    if (problem !== null) reasons[name] = problem.reason;
    if (hash === null) continue;
    const bytes = await store.read.inventory.content(id, name, hash);
    if (bytes === null) return null;
    try {
      sections[name] = await parsedSection(bytes);
    } catch (error) {
      reasons[name] = hasErrno(error, 'ERR_BUFFER_TOO_LARGE')
        ? `the list is longer than ${MAX_JSON_BYTES / 1024 / 1024} MiB and is not looked at`
        : asCoded(error).message;
    }
  }

  return { ...(sections as FactSections), reasons };
}

/** What intake has checked already; bounded once more, because it is read at once here. */
export async function parsedSection(bytes: Uint8Array): Promise<Section<SectionName>> {
  const options = { maxOutputLength: MAX_JSON_BYTES, params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } };
  const json = bytes.length <= SMALL_BYTES ? zstdDecompressSync(bytes, options) : await unpack(bytes, options);

  return JSON.parse(json.toString('utf8')) as Section<SectionName>;
}
