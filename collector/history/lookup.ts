// Rows by what they change, so that a host with a thousand rows of its own invention costs no more than one with a thousand true ones.
// Pure.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { type ChangeRow, type Span, spanOf } from './rows.ts';

/** One change and the row that tells of it. */
export interface Entry {
  readonly row: ChangeRow;
  readonly span: Span;
  readonly change: ToldChange;
}

export interface Lookup {
  /** What brings that package to that version, of any architecture. */
  bringing(name: string, to: string | null): readonly Entry[];
  /** What changes that package. */
  changing(name: string): readonly Entry[];
  /** True where the result of that run is among the rows. */
  isReported(run: string): boolean;
}

/** Rows that are asked whether they tell of the same version of a package: more were invented. */
const MAX_SAME = 64;

export function lookupOf(rows: readonly ChangeRow[]): Lookup {
  const byVersion = new Map<string, Entry[]>();
  const byName = new Map<string, Entry[]>();
  const runs = new Set<string>();

  for (const row of rows) {
    if (row.source === 'inventory') continue;
    if (row.source === 'result' && row.run !== null) runs.add(row.run);
    const span = spanOf(row);
    for (const change of row.changes) {
      const entry = { row, span, change };
      put(byVersion, keyOf(change.name, change.to), entry, MAX_SAME);
      put(byName, change.name, entry, Infinity);
    }
  }

  return {
    bringing: (name, to) => byVersion.get(keyOf(name, to)) ?? [],
    changing: (name) => byName.get(name) ?? [],
    isReported: (run) => runs.has(run),
  };
}

function put(map: Map<string, Entry[]>, key: string, entry: Entry, most: number): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [entry]);
  else if (known.length < most) known.push(entry);
}

function keyOf(name: string, to: string | null): string {
  return to === null ? name : `${name} ${to}`;
}
