// Takes in what was committed about changes of packages: one host after the other, outside of the intake's transaction, so that no
// host waits for it. What is asked for is in the store; a keeper that is killed has lost nothing, the next one looks for what is
// behind. Work is done only where a hash is another or a result is new.

import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { HistoryState } from '../store/change-ports.ts';
import type { HostRecord, Store, Writers } from '../store/ports.ts';
import { digest, reachOf } from './digest.ts';
import { differences } from './explain.ts';
import { rowOfResult, rowOfTold, stepOf } from './incoming.ts';
import { enterLedger } from './ledger.ts';
import type { ChangeRow } from './rows.ts';

/** Rows kept for each host; of what is more the oldest go, those from before its enrollment first. */
export const MAX_ROWS = 1000;
/** Changed packages in all of them: some release upgrades, and years of all else. */
const MAX_CHANGES = 24_000;
/** Results taken in at once; the rest is next. */
const RESULTS_AT_ONCE = 100;
/** Bytes of JSON of a section that is read here: 14,000 packages. A larger one is not compared, and that is said. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;
/** As in intake: no host makes the collector reserve more for a window than its section needs. */
const MAX_WINDOW_LOG = 23;
/** How long a verdict may still become another: hosts that were away bring their results later. */
const UNRESOLVED_MS = 30 * 86_400_000;
const unpack = promisify(zstdDecompress);

export interface HistoryParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Events;
  readonly log: Log;
}

const NOTHING: HistoryState = {
  ...{ told: null, packages: null, packagesAt: null, result: 0, complete: true, problems: [], cutAt: null },
  ...{ lastOutside: null, ledgerDay: 0, ledgerEntries: 0, unentered: 0 },
};

/** Takes in everything that is new of one host. True when there is more to take in. */
export async function digestHost({ store, clock, events }: HistoryParts, id: HostId): Promise<boolean> {
  const host = await store.read.hosts.byId(id);
  // What a pending host tells stays where it is until somebody has looked at it: the ledger is for ever.
  if (host === null || host.acceptedAt === null) return false;
  const before = (await store.read.changes.state(id)) ?? NOTHING;
  const now = clock.now();
  const found = await whatIsNew(store, host, before, now.epochMilliseconds);
  if (found === null) return false;

  const { incoming, state, fresh: news } = found;
  const done = await store.transaction(async (writers) => {
    // A newer report may have taken its place meanwhile; then this is done again with that one.
    if (!(await isKept(writers, id, state.packages, before.packages))) return null;
    const unresolved = await writers.changes.unresolvedSince(id, now.epochMilliseconds - UNRESOLVED_MS);
    const from = Math.min(
      incoming.length > 0 ? reachOf(incoming) : Infinity,
      unresolved === null ? Infinity : reachOf([{ at: unresolved, since: null }]),
    );
    const kept = Number.isFinite(from) ? await writers.changes.near(id, from) : [];
    const { put, drop, fresh } = digest({
      ...{ kept, incoming, now: now.epochMilliseconds },
      enrolledAt: Temporal.Instant.from(host.enrolledAt).epochMilliseconds,
    });
    await writers.changes.put(id, put);
    await writers.changes.drop(id, drop);
    const cutAt = put.length > 0 ? await writers.changes.trim(id, { rows: MAX_ROWS, changes: MAX_CHANGES }) : null;
    const entered = await enterLedger(writers, { host: id, fresh, state, now: now.toString() as Timestamp });
    await writers.changes.setState(id, { ...entered, cutAt: cutAt ?? state.cutAt });

    return fresh;
  });
  if (done === null) return true;
  if (done.length > 0) {
    events.publish({
      type: 'host.changedOutside',
      host: id,
      name: host.name,
      transactions: done.length,
      ...said(done),
    });
  }

  return news;
}

interface New {
  readonly incoming: readonly ChangeRow[];
  readonly state: HistoryState;
  /** There are more results than were taken. */
  readonly fresh: boolean;
}

/** Null when nothing is new and nothing waits for a result that is late now. */
async function whatIsNew(store: Store, host: HostRecord, before: HistoryState, now: number): Promise<New | null> {
  const sections = await store.read.inventory.sections(host.id);
  const hashOf = (name: 'changes' | 'packages') => sections.find((section) => section.name === name) ?? null;
  const [told, packages] = [hashOf('changes'), hashOf('packages')];
  const results = await store.read.results.after(host.id, before.result, RESULTS_AT_ONCE);
  const isToldNew = told?.sha256 != null && told.sha256 !== before.told;
  const isPackagesNew = packages?.sha256 != null && packages.sha256 !== before.packages;
  if (!isToldNew && !isPackagesNew && results.length === 0) {
    const late = await store.read.changes.unresolvedSince(host.id, now - UNRESOLVED_MS);
    if (late === null) return null;
  }

  const incoming: ChangeRow[] = results.flatMap((result) => rowOfResult(result, now) ?? []);
  let state: HistoryState = { ...before, result: results.at(-1)?.serial ?? before.result };

  if (isToldNew && told?.sha256) {
    const section = await read<Section<'changes'>>(store, host.id, 'changes', told.sha256);
    if (section.data !== null) {
      const known = new Map((await store.read.changes.known(host.id)).map((row) => [row.id, row]));
      for (const one of section.data.told) {
        const kept = known.get(one.id);
        if (kept && kept.size >= one.changes.length && (kept.endedAt !== null || one.endedAt === null)) continue;
        incoming.push(rowOfTold(one, now));
      }
    }
    state = {
      ...state,
      told: told.sha256,
      complete: section.data?.complete ?? false,
      problems: section.data?.problems.map(({ log, reason }) => ({ log, reason })) ?? [
        { log: 'changes', reason: section.reason },
      ],
    };
  }
  if (isPackagesNew && packages?.sha256) {
    const takenAt = Temporal.Instant.from(packages.takenAt).epochMilliseconds;
    const step = await stepBetween(store, host.id, before, packages.sha256, { takenAt, now });
    if (step !== null && 'source' in step) incoming.push(step);
    const others = state.problems.filter(({ log }) => log !== 'packages');
    const problems = step !== null && 'reason' in step ? [...others, { log: 'packages', reason: step.reason }] : others;
    state = { ...state, packages: packages.sha256, packagesAt: takenAt, problems };
  }

  return { incoming, state, fresh: results.length === RESULTS_AT_ONCE };
}

async function stepBetween(
  store: Store,
  host: HostId,
  before: HistoryState,
  after: Sha256,
  at: { readonly takenAt: number; readonly now: number },
): Promise<ChangeRow | { readonly reason: string } | null> {
  // The first inventory says what is there, not what was changed.
  if (before.packages === null) return null;
  const [old, now] = await Promise.all(
    [before.packages, after].map((hash) => read<Section<'packages'>>(store, host, 'packages', hash)),
  );
  if (!old?.data || !now?.data) return { reason: `not compared with those before: ${now?.reason || old?.reason}` };
  const changes = differences(old.data, now.data);

  return changes.length === 0
    ? null
    : stepOf({
        changes,
        between: [before.packages, after],
        since: before.packagesAt ?? at.takenAt,
        at: at.takenAt,
        now: at.now,
      });
}

/** What intake has checked already; bounded once more, because it is read at once here. */
async function read<T>(
  store: Store,
  host: HostId,
  name: 'changes' | 'packages',
  sha256: Sha256,
): Promise<{ readonly data: T; readonly reason: '' } | { readonly data: null; readonly reason: string }> {
  const bytes = await store.read.inventory.content(host, name, sha256);
  if (bytes === null) return { data: null, reason: 'the section is not here any more' };

  try {
    const params = { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };
    const json = await unpack(bytes, { maxOutputLength: MAX_JSON_BYTES, params });

    return { data: JSON.parse(json.toString('utf8')) as T, reason: '' };
  } catch (error) {
    return { data: null, reason: `the section could not be read: ${asCoded(error).message}`.slice(0, 300) };
  }
}

/** What is to be compared with next must be there then; what it was compared with may go. */
async function isKept(writers: Writers, host: HostId, next: Sha256 | null, before: Sha256 | null): Promise<boolean> {
  if (next === null || next === before) return true;

  return (await writers.inventory.kept(host, [{ name: 'packages', sha256: next }])).length === 1;
}

function said(rows: readonly ChangeRow[]): { readonly packages: number; readonly by: string } {
  const actors = new Set(
    rows.map(
      ({ actor, command, source }) => actor ?? command ?? (source === 'inventory' ? 'nobody that a log names' : source),
    ),
  );

  return {
    packages: rows.reduce((sum, { changes }) => sum + changes.length, 0),
    by: [...actors].slice(0, 3).join(', '),
  };
}
