// What becomes of the rows of a host when more is known: new rows, other verdicts, differences that are explained now. Pure, and the
// same rows come out in whatever order logs, results and inventories arrive.
import { MAX_TOLD_CHANGES, type ToldChange } from '@selvage/shared/model/changes.ts';
import { unexplained } from './explain.ts';
import { type Lookup, lookupOf } from './lookup.ts';
import type { ChangeRow } from './rows.ts';
import { verdictOf } from './verdict.ts';

export interface Digest {
  /** New or different from what is kept. */
  readonly put: readonly ChangeRow[];
  readonly drop: readonly string[];
  /** Those that are outside now and were not before. */
  readonly fresh: readonly ChangeRow[];
}

export function digest(facts: {
  /** Rows that are kept, as far as they may be touched by what is new (see `reachOf`). */
  readonly kept: readonly ChangeRow[];
  readonly incoming: readonly ChangeRow[];
  readonly enrolledAt: number;
  readonly now: number;
}): Digest {
  const before = new Map(facts.kept.map((row) => [row.id, row]));
  const all = new Map(before);
  for (const row of facts.incoming) all.set(row.id, joined(all.get(row.id), row));
  const lookup = lookupOf([...all.values()]);
  const put: ChangeRow[] = [];
  const drop: string[] = [];
  const fresh: ChangeRow[] = [];

  for (const row of all.values()) {
    const next = judged(row, { ...facts, lookup });
    const known = before.get(row.id);
    if (next === null) {
      if (known) drop.push(row.id);
      continue;
    }
    if (known === undefined || !isSame(known, next)) put.push(next);
    if (next.verdict === 'outside' && known?.verdict !== 'outside') fresh.push(next);
  }

  return { put, drop, fresh };
}

/** A transaction that went on while it was first read tells of more later, never of less: what was told once stays. */
function joined(known: ChangeRow | undefined, row: ChangeRow): ChangeRow {
  if (known === undefined) return row;
  const more = row.changes.length > known.changes.length;

  return {
    ...known,
    endedAt: known.endedAt ?? row.endedAt,
    problem: known.problem ?? row.problem,
    changes: more ? withMore(known.changes, row.changes) : known.changes,
  };
}

function withMore(changes: readonly ToldChange[], more: readonly ToldChange[]): readonly ToldChange[] {
  const there = new Set(changes.map(textOf));

  return [...changes, ...more.filter((change) => !there.has(textOf(change)))].slice(0, MAX_TOLD_CHANGES);
}

function textOf({ name, arch, from, to }: ToldChange): string {
  return JSON.stringify([name, arch, from, to]);
}

function judged(
  row: ChangeRow,
  facts: { readonly lookup: Lookup; readonly enrolledAt: number; readonly now: number },
): ChangeRow | null {
  if (row.source !== 'inventory') return { ...row, verdict: verdictOf(row, facts) };
  const left = unexplained(row, facts.lookup);

  return left.length === 0 ? null : { ...row, changes: left, verdict: 'outside' };
}

function isSame(a: ChangeRow, b: ChangeRow): boolean {
  return (
    a.verdict === b.verdict &&
    a.changes.length === b.changes.length &&
    a.endedAt === b.endedAt &&
    a.problem === b.problem
  );
}

/** Longest time that a row may reach into the past of its end: what overlaps an older one is found all the same. */
const REACH_MS = 14 * 86_400_000;

/** From when on kept rows may be touched by these: verdicts depend on what is near in time. */
export function reachOf(rows: readonly Pick<ChangeRow, 'at' | 'since'>[]): number {
  return Math.min(...rows.map(({ at, since }) => Math.min(at, since ?? at))) - REACH_MS;
}
