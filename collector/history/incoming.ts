// What arrives, as rows: a transaction that a log tells of, a signed result, a difference between two inventories. Pure.

import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Told, ToldChange } from '@selvage/shared/model/changes.ts';
import type { SerialResult } from '../store/change-ports.ts';
import type { ChangeRow } from './rows.ts';

/** What a host tells chooses its own identity, of hex digits alone: it must never be that of what is signed or seen. */
const ID_DIGITS = 32;
/** Only these say that something was done; what waits or was refused changed nothing. */
const DONE: readonly string[] = ['installed', 'failed'];

export function rowOfTold(told: Told, now: number): ChangeRow {
  const { at, endedAt, ...rest } = told;

  return {
    ...rest,
    at: ms(at),
    endedAt: endedAt === null ? null : ms(endedAt),
    since: null,
    toldAt: now,
    verdict: 'outside',
  };
}

/** Null for a result that tells of no change. */
export function rowOfResult({ payloadSha256, result }: SerialResult, now: number): ChangeRow | null {
  const { transaction } = result;
  if (!DONE.includes(result.outcome) || transaction === null) return null;
  const { install, upgrade, downgrade, remove } = transaction;
  const changes = [...install, ...upgrade, ...downgrade, ...remove];
  if (changes.length === 0) return null;

  return {
    id: `result-${payloadSha256.slice(0, ID_DIGITS)}`,
    source: 'result',
    at: ms(result.startedAt),
    endedAt: ms(result.finishedAt),
    ...{ since: null, certain: true, actor: null, command: null, toldAt: now, verdict: 'selvage', changes },
    run: result.run,
    problem: result.problem === null ? null : `${result.problem.code}: ${result.problem.message}`,
  };
}

export function stepOf(step: {
  readonly changes: readonly ToldChange[];
  /** Hashes of the two sections: the same difference is the same row. */
  readonly between: readonly [string, string];
  readonly since: number;
  readonly at: number;
  readonly now: number;
}): ChangeRow {
  const { changes, between, since, at, now } = step;

  return {
    id: `inventory-${sha256(`inventory ${between.join(' ')} ${at}`).slice(0, ID_DIGITS)}`,
    ...{ source: 'inventory', at, endedAt: null, since, certain: true, changes, toldAt: now, verdict: 'outside' },
    ...{ actor: null, command: null, run: null, problem: null },
  };
}

function ms(instant: string): number {
  return Temporal.Instant.from(instant).epochMilliseconds;
}
