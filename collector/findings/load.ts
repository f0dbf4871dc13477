// The fleet of the store into memory at a start, page by page: nothing is worked out or matched again that was written.
import { setImmediate } from 'node:timers/promises';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { inTurns } from '../api/in-turns.ts';
import type { ImportRecord } from '../store/import-ports.ts';
import type { Store } from '../store/ports.ts';
import type { CountedHost, MachineKey } from '../store/software-ports.ts';
import type { FleetIndex } from './index.ts';
import type { LabelsOf } from './labels.ts';
import { basisOf, recordOf, type StoredFacts } from './take-in.ts';

const ROWS = 500;
const MACHINES = 100;
/** Those of a kernel are a million characters. */
const MATCHES = 4;

export interface Loaded {
  /** Machines whose rows are of other sections than those of now, or that have none. */
  readonly behind: readonly HostId[];
  readonly importsBehind: readonly ImportRecord[];
  /** Imports that are shown as they are. */
  readonly brought: readonly ImportRecord[];
  /** Rows of machines that count no more. */
  readonly gone: readonly MachineKey[];
}

export async function loadFleet(parts: {
  readonly store: Pick<Store, 'read'>;
  readonly fleet: FleetIndex;
  readonly labelsOf: LabelsOf;
  readonly goOn: () => void;
}): Promise<Loaded> {
  const { store, fleet, goOn } = parts;
  const { software } = store.read;
  await pages(goOn, ROWS, 0, software.software, (rows) => {
    fleet.putSoftware(rows);

    return rows.at(-1)?.id;
  });
  await pages(goOn, ROWS, 0, software.variants, (rows) => {
    fleet.putVariants(rows);

    return rows.at(-1)?.id;
  });
  await pages(goOn, MATCHES, 0, software.matches, (rows) => {
    for (const { id, matches } of rows) fleet.putMatches(id, matches);

    return rows.at(-1)?.id;
  });
  await pages(goOn, MATCHES, null as Parameters<typeof software.since>[0], software.since, (rows) => {
    for (const one of rows) fleet.putSince(one.ecosystem, one.package, one.since);

    return rows.at(-1);
  });

  return machines(parts);
}

async function machines(parts: Parameters<typeof loadFleet>[0]): Promise<Loaded> {
  const { store, fleet, goOn } = parts;
  const hosts = new Map<string, CountedHost>();
  await pages(goOn, ROWS, null as HostId | null, store.read.software.hosts, (rows) => {
    for (const host of rows) hosts.set(`host:${host.id}`, host);

    return rows.at(-1)?.id;
  });
  const imports = new Map((await store.read.imports.list()).map((one) => [`import:${one.name}`, one]));
  const now = new Map<string, { readonly basis: string; readonly takenAt: Timestamp }>();
  await pages(goOn, ROWS, null as HostId | null, store.read.software.bases, (rows) => {
    for (const { host, takenAt, sections } of rows) now.set(`host:${host}`, { basis: basisOf(sections), takenAt });

    return rows.at(-1)?.host;
  });
  for (const [key, { id, asOf }] of imports) now.set(key, { basis: basisOf(`import ${id}`), takenAt: asOf });
  const upToDate = new Set<MachineKey>();
  const gone: MachineKey[] = [];

  await pages(goOn, MACHINES, '', store.read.software.machines, (rows) => {
    for (const { machine: key, basis, list, facts: json } of rows) {
      const host = hosts.get(key);
      const imported = imports.get(key);
      if (!host && !imported) {
        gone.push(key);
        continue;
      }
      const { firstReportedAt, ...facts } = JSON.parse(json) as StoredFacts;
      const current = now.get(key);
      const record = host
        ? recordOf(parts, host, facts, firstReportedAt)
        : { key, id: null, name: imported?.name ?? key, firstReportedAt, labels: imported?.labels ?? {} };
      fleet.putMachine(record, { ...facts, takenAt: current?.takenAt ?? facts.takenAt }, list);
      if (current?.basis === basis) upToDate.add(key);
    }

    return rows.at(-1)?.machine;
  });

  return inTurns(
    (function* () {
      const behind: HostId[] = [];
      for (const [key, { id }] of hosts) {
        if (!upToDate.has(key)) behind.push(id);
        yield;
      }

      return {
        ...{ behind, gone },
        importsBehind: [...imports].filter(([key]) => !upToDate.has(key)).map(([, record]) => record),
        brought: [...imports].filter(([key]) => upToDate.has(key)).map(([, record]) => record),
      };
    })(),
  );
}

/** `take` gets a page and returns where the next one begins; nothing after the last. */
async function pages<A, R>(
  goOn: () => void,
  limit: number,
  first: A,
  read: (after: A, limit: number) => Promise<readonly R[]>,
  take: (rows: readonly R[]) => A | undefined,
): Promise<void> {
  for (let after: A | undefined = first; after !== undefined; ) {
    goOn();
    const rows: readonly R[] = await read(after, limit);
    const next: A | undefined = take(rows);
    after = rows.length < limit ? undefined : next;
    await setImmediate();
  }
}
