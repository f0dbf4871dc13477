// Changes made outside Selvage in the audit ledger: a few entries a day for each host, whatever it invents; what comes between is
// counted in the next one.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { HistoryState } from '../store/change-ports.ts';
import type { Writers } from '../store/ports.ts';
import type { ChangeRow } from './rows.ts';

/** Entries for one host and day (UTC). */
export const MAX_ENTRIES_A_DAY = 6;
const SHOWN_PACKAGES = 20;
const SHOWN_ACTORS = 5;
const DAY_MS = 86_400_000;

/** Appends an entry where one is due, in the transaction that keeps the rows; gives the state with what is counted. */
export async function enterLedger(
  writers: Writers,
  facts: {
    readonly host: HostId;
    readonly fresh: readonly ChangeRow[];
    readonly state: HistoryState;
    readonly now: Timestamp;
  },
): Promise<HistoryState> {
  const { host, fresh, state, now } = facts;
  const day = Math.floor(Temporal.Instant.from(now).epochMilliseconds / DAY_MS);
  const entries = state.ledgerDay === day ? state.ledgerEntries : 0;
  if (fresh.length === 0) return state;
  if (entries >= MAX_ENTRIES_A_DAY) return { ...state, unentered: state.unentered + fresh.length };

  const untold = fresh.filter(({ source }) => source === 'inventory').length;
  const packages = fresh.flatMap(({ changes }) => changes);
  await writers.audit.append({
    at: now,
    actor: `host:${host}`,
    action: 'host.changed-outside',
    subject: `host:${host}`,
    details: {
      transactions: fresh.length - untold,
      // Differences between inventories that no log tells of, as far as it is known now.
      untold,
      first: instantOf(Math.min(...fresh.map(({ at }) => at))),
      last: instantOf(Math.max(...fresh.map(({ at }) => at))),
      actors: [...new Set(fresh.flatMap(({ actor }) => actor ?? []))].slice(0, SHOWN_ACTORS),
      commands: [...new Set(fresh.flatMap(({ command }) => command ?? []))].slice(0, SHOWN_ACTORS),
      packages: packages
        .slice(0, SHOWN_PACKAGES)
        .map(({ name, arch, from, to }) => `${name}:${arch} ${from ?? 'none'} → ${to ?? 'none'}`),
      morePackages: Math.max(0, packages.length - SHOWN_PACKAGES),
      // Of days with too many entries.
      notEnteredBefore: state.unentered,
    },
  });

  return { ...state, ledgerDay: day, ledgerEntries: entries + 1, unentered: 0 };
}

function instantOf(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}
