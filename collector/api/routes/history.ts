// What happened to a host, and which hosts something else than Selvage has changed.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { eventOfDecision, eventOfEntry, eventOfRow, type HistoryEvent, newestFirst } from '../../history/timeline.ts';
import { counts } from '../../host-state.ts';
import type { HostRecord } from '../../store/ports.ts';
import { changedOutside, hostHistory } from '../contract/history.ts';
import { selectText } from '../contract/select.ts';
import type { ApiDeps } from '../deps.ts';
import { hostOf } from '../found.ts';
import { planOf } from '../host-plan.ts';
import { selectHosts } from '../host-select.ts';
import { addRoute } from '../route.ts';
import { choose, readSelect } from '../selecting.ts';
import { EVENT_WORDS } from '../words/events.ts';

const MAX_EVENTS = 1000;
const SOME_EVENTS = 200;
const MAX_HOSTS = 1000;
/** Packages shown of one transaction; a release upgrade has thousands. */
const MAX_PACKAGES = 100;
/** Ledger entries about one host that are looked at, and fixes whose decision is looked up. */
const MAX_ENTRIES = 300;
const MAX_FIXES = 100;
const MAX_RESULTS = 500;
const OUTSIDE_SINCE = '7d';
const params = z.strictObject({ host: z.string().min(1).max(253) });
const duration = z.string().max(32);

export function addHistory(app: FastifyInstance, deps: ApiDeps): void {
  const { store, clock } = deps;

  addRoute(app, {
    method: 'GET',
    url: '/v1/hosts/:host/history',
    guard: 'reader',
    summary:
      'What happened to a host, newest first: by admins, by Selvage, by others, and what its logs tell from before',
    params,
    query: z.strictObject({
      since: duration.optional(),
      limit: z.coerce.number().int().positive().max(MAX_EVENTS).default(SOME_EVENTS),
      select: selectText,
    }),
    reply: hostHistory,
    handle: async ({ params, query }) => {
      const select = readSelect(query.select, EVENT_WORDS);
      const host = await hostOf(store.read.hosts, params.host);
      // A text is asked of as many as there may be, else it would be asked of the newest few only.
      const limit = select === null ? query.limit : MAX_EVENTS;
      const since = query.since === undefined ? 0 : before(clock.now(), query.since);
      const [rows, entries, decisions, state] = await Promise.all([
        store.read.changes.ofHost(host.id, { since, limit: limit + 1 }),
        store.read.audit.bySubject(`host:${host.id}`, MAX_ENTRIES),
        decisionsFor(deps, host),
        store.read.changes.state(host.id),
      ]);
      const all = newestFirst([
        ...entries.flatMap((entry) => eventOfEntry(entry) ?? []),
        ...decisions,
        ...rows.flatMap((row) => eventOfRow(row, MAX_PACKAGES) ?? []),
      ]).filter(({ at }) => Temporal.Instant.from(at).epochMilliseconds >= since);
      const { chosen: events, selection } = await choose(all, select, clock.now());

      return {
        host: host.id,
        name: host.name,
        enrolledAt: host.enrolledAt,
        events: events.slice(0, query.limit),
        gaps: [
          ...(events.length > query.limit ? [`older than these ${query.limit} events: ask with a larger limit`] : []),
          ...(state?.told == null ? ['nothing of its logs has arrived yet'] : []),
          ...(state?.complete === false ? ['its logs hold more than was told: older changes are missing'] : []),
          ...(state?.cutAt == null ? [] : [`too many changes: those up to ${textOf(state.cutAt)} were let go`]),
          ...(state?.problems ?? []).map(({ log, reason }) => `${log}: ${reason}`),
        ],
        selection,
      };
    },
  });

  addRoute(app, {
    method: 'GET',
    url: '/v1/changed-outside',
    guard: 'reader',
    summary: 'Hosts that something else than Selvage has changed, as far as the collector heard of it since then',
    query: z.strictObject({ since: duration.default(OUTSIDE_SINCE), select: selectText }),
    reply: changedOutside,
    handle: async ({ query }) => {
      const since = before(clock.now(), query.since);
      const outside = new Map((await store.read.changes.outside(since)).map((found) => [found.host, found]));
      const among = (record: HostRecord) => counts(record) && outside.has(record.id);
      const { chosen, selection } = await selectHosts(deps, { select: query.select, among });
      const shown = chosen
        .flatMap(({ row, record }) => {
          const found = record && outside.get(record.id);

          return found ? [{ name: row.name, ...found }] : [];
        })
        .sort((a, b) => b.lastAt - a.lastAt)
        .slice(0, MAX_HOSTS);

      return {
        since: textOf(since),
        hosts: await Promise.all(
          shown.map(async ({ host, name, count }) => {
            const row = await store.read.changes.lastOutsideOf(host);

            return { id: host, name, transactions: count, last: row && eventOfRow(row, MAX_PACKAGES) };
          }),
        ),
        selection,
      };
    },
  });
}

/** Who approved or rejected what concerns the host: what its results speak of, and what its policies now hold for it. */
async function decisionsFor({ store, policy, clock }: ApiDeps, host: HostRecord): Promise<readonly HistoryEvent[]> {
  const [results, inventory, current] = await Promise.all([
    store.read.results.ofHost(host.id, MAX_RESULTS),
    store.read.inventory.latest(host.id),
    policy.current(),
  ]);
  const wanted = new Map<string, Set<string>>();
  const want = (fix: { readonly source: string; readonly version: string }, approval: string) => {
    const subject = `${fix.source}@${fix.version}`;
    if (wanted.size >= MAX_FIXES && !wanted.has(subject)) return;
    wanted.set(subject, (wanted.get(subject) ?? new Set()).add(approval));
  };
  for (const { result } of results) want(result.fix, result.approval);

  const section = inventory?.sections;
  const documents = current.documents.map(({ document }) => document);
  const os = section?.os.ok ? section.os.data : null;
  const labels = section?.agent.ok ? section.agent.data.labels : null;
  const { policies } = planOf({ host, os, labels, documents, results, now: clock.now() });
  const installed = new Set(section?.packages.ok ? section.packages.data.map(({ name }) => name) : []);
  for (const document of documents) {
    if (document.kind !== 'Approval' || !policies.includes(document.policy)) continue;
    if (document.packages.some(({ name }) => installed.has(name))) want(document.fix, document.name);
  }

  const entries = await Promise.all([...wanted.keys()].map((subject) => store.read.audit.bySubject(subject, 10)));

  return entries.flat().flatMap((entry) => {
    if (entry.action !== 'fix.approved' && entry.action !== 'fix.rejected') return [];
    const { document } = entry.details;
    const name = typeof document === 'string' ? /([^/]+)[.]json$/.exec(document)?.[1] : undefined;

    return name !== undefined && wanted.get(entry.subject)?.has(name) ? [eventOfDecision(entry)] : [];
  });
}

function before(now: Temporal.Instant, text: string): number {
  try {
    return now.epochMilliseconds - parseDuration(text);
  } catch (cause) {
    throw new CodedError('USAGE', `"${text}" is not a duration such as 30d or 12h`, { cause });
  }
}

function textOf(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.max(0, ms)).toString();
}
