// What happened to a host, in one list: ledger, signed results, approvals, changes of packages by whoever made them. Pure. Each says
// how it is known.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import type { AuditEntry } from '../store/ports.ts';
import type { ChangeRow, RowSource } from './rows.ts';

export const EVENT_KINDS = [
  'host',
  'approved',
  'rejected',
  'installed',
  'failed',
  'selvage-open',
  'changed-outside',
  'changed',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/**
 * `witnessed`: the collector was there. `signed`: the runner of the host signed it. `told`: the host's logs, told by its agent since it
 * is enrolled. `not-witnessed`: the host's logs from before that.
 */
export const ORIGINS = ['witnessed', 'signed', 'told', 'not-witnessed'] as const;
export type Origin = (typeof ORIGINS)[number];

export interface HistoryEvent {
  readonly at: string;
  readonly since: string | null;
  readonly kind: EventKind;
  readonly origin: Origin;
  readonly actor: string | null;
  readonly text: string;
  readonly source: RowSource | null;
  readonly command: string | null;
  readonly run: string | null;
  readonly certain: boolean;
  readonly problem: string | null;
  readonly packages: ToldChange[];
  readonly packageCount: number;
}

const NO_PACKAGES = {
  ...{ since: null, source: null, command: null, run: null, certain: true, problem: null },
  ...{ packages: [], packageCount: 0 },
};

/** Entries that rows tell of, or that are about connections and not about the host. */
const LEFT_OUT: readonly string[] = ['host.changed-outside', 'host.renewed', 'host.flapping'];

/** Of the ledger: what was done to the host. Null for what is not shown. */
export function eventOfEntry({ at, actor, action, details }: AuditEntry): HistoryEvent | null {
  if (!action.startsWith('host.') || LEFT_OUT.includes(action)) return null;
  const words = action.slice('host.'.length).replaceAll('.', ' ').replaceAll('-', ' ');
  const reason = typeof details.reason === 'string' && details.reason !== '' ? `: ${details.reason}` : '';

  return { ...NO_PACKAGES, at, actor, kind: 'host', origin: 'witnessed', text: `${words}${reason}` };
}

/** An approval or rejection that concerns the host. */
export function eventOfDecision({ at, actor, action, subject, details }: AuditEntry): HistoryEvent {
  const policy = typeof details.policy === 'string' ? ` for ${details.policy}` : '';
  const kind = action === 'fix.approved' ? 'approved' : 'rejected';

  return { ...NO_PACKAGES, at, actor, kind, origin: 'witnessed', text: `${kind} ${subject}${policy}` };
}

/** Null for a row that another one tells of. */
export function eventOfRow(row: ChangeRow, maxPackages: number): HistoryEvent | null {
  const said = wordsOf(row);
  if (said === null) return null;
  const { at, since, source, actor, command, run, certain, problem, changes } = row;

  return {
    ...said,
    ...{ source, actor, command, run, certain, problem },
    at: instant(at),
    since: since === null ? null : instant(since),
    packages: changes.slice(0, maxPackages),
    packageCount: changes.length,
  };
}

function wordsOf({ verdict, source, run, problem }: ChangeRow): Pick<HistoryEvent, 'kind' | 'origin' | 'text'> | null {
  if (source === 'result') {
    const failed = problem !== null;

    return {
      kind: failed ? 'failed' : 'installed',
      origin: 'signed',
      text: failed ? 'installation by Selvage failed' : 'installed by Selvage',
    };
  }
  switch (verdict) {
    case 'same':
    case 'selvage':
      // The signed result is there and tells of it.
      return null;
    case 'log':
      return { kind: 'changed', origin: 'not-witnessed', text: 'changed' };
    case 'open':
      return { kind: 'selvage-open', origin: 'told', text: 'by Selvage, as its mark says; the result is not here yet' };
    case 'outside':
      return {
        kind: 'changed-outside',
        origin: source === 'inventory' ? 'witnessed' : 'told',
        text: outsideText(source, run),
      };
  }
}

function outsideText(source: RowSource, run: string | null): string {
  if (source === 'inventory') return 'changed outside Selvage; no log says by whom';

  return run === null
    ? 'changed outside Selvage'
    : `changed outside Selvage; it carries the mark of run ${run}, whose signed result does not say the same`;
}

/** Newest first; at one instant the order they came in. */
export function newestFirst(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  return events
    .map((event) => ({ event, ms: Temporal.Instant.from(event.at).epochMilliseconds }))
    .sort((a, b) => b.ms - a.ms)
    .map(({ event }) => event);
}

function instant(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString();
}
