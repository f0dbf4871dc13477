// Puts together what the todo list is made from: the fleet with its triage, who can act, what was decided and reported, when windows
// open, and what is not known. Reads, and decides nothing.
import { setImmediate } from 'node:timers/promises';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { ApprovalDocument, PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { z } from 'zod';
import type { Fleet, Machine } from '../findings/fleet.ts';
import { isNewer } from '../fixes/fixes.ts';
import { counts } from '../host-state.ts';
import type { Derivation, HostRecord, Store, StoredResult } from '../store/ports.ts';
import type { MachineKey } from '../store/software-ports.ts';
import { needsOf } from '../todo/needs.ts';
import { oldCodeOf } from '../todo/old-code.ts';
import { createOutlook, type OutlookHost } from '../todo/outlook.ts';
import type { MachineStanding } from '../todo/ports.ts';
import type { FixRow } from '../todo/todo.ts';
import { listSteps, type TodoList } from '../todo/todo-steps.ts';
import type { todo } from './contract/todo.ts';
import { coverageLine } from './coverage.ts';
import type { ApiDeps } from './deps.ts';
import { type FeedAge, feedAges } from './feed-ages.ts';
import { selectHosts } from './host-select.ts';
import { selectImports } from './imported.ts';
import { inTurns } from './in-turns.ts';
import { proposalView } from './proposal-view.ts';
import { added, type SelectionShown } from './selecting.ts';
import { workNow } from './todo-work.ts';
import { unwatchedRelease } from './unwatched.ts';

export type TodoSources = Pick<
  ApiDeps,
  'store' | 'connections' | 'policy' | 'clock' | 'alarms' | 'fleet' | 'triage' | 'suppress' | 'concerns' | 'settled'
>;

type Shown = z.input<typeof todo>;

const DAY_MS = 86_400_000;
const SILENT_AFTER_DAYS = 7;
const ZONE: Derivation<'os', string> = { section: 'os', of: ({ timezone }) => timezone };
const WHY_UNKNOWN: Derivation<'updates', readonly string[]> = {
  section: 'updates',
  of: (data: Section<'updates'>) => (data.known ? [] : [...new Set(data.reasons.map(({ reason }) => reason))]),
};

/** Throws SELECT_INVALID before anything is worked out. */
export async function selectedTodo(sources: TodoSources, text: string | undefined): Promise<Shown> {
  const { store, clock, policy, connections } = sources;
  const chosen = await chosenMachines(sources, text);
  const listed = store.read.hosts.list();
  const [records, current, covered, feeds, ecosystems, { alarms }, outside, imports, proposals, admins] =
    await Promise.all([
      listed,
      policy.current(),
      coverageLine(sources, listed),
      feedAges(store.read.feeds, clock.now()),
      store.read.feeds.ecosystems(),
      sources.alarms(),
      store.read.changes.lastOutside(),
      store.read.imports.list(),
      store.read.proposals.list(0),
      store.read.admins.list(),
    ]);
  // What follows is done at once for all hosts, piece by piece: others get their turn between.
  await setImmediate();
  const now = clock.now();
  const fleet = sources.fleet();
  const among = (machine: Machine) => chosen === null || chosen.keys.has(machine.key);
  const hosts = records.filter((record) => counts(record) && (chosen === null || chosen.keys.has(`host:${record.id}`)));
  const documents = current.documents.map(({ document }) => document);
  const approvals = documents.filter((document): document is ApprovalDocument => document.kind === 'Approval');
  const live = new Set(connections.connected());
  const standings = standingsOf(hosts, live, now);
  const work = await workNow(sources, chosen === null ? null : among);
  const list = await inTurns(
    listSteps(work, {
      ...{ approvals, now, resultOf: await resultsOf(store, approvals, work.rows) },
      standings: (key) => standings.get(key) ?? IMPORTED,
      outlook: await outlookOf(store, documents, fleet, now),
    }),
  );
  await setImmediate();
  const machines = [...fleet.machines.values()].filter(among);
  const unknown = await unknownOf(store, list, hosts, fleet);
  await setImmediate();
  const releaseOf = unwatchedRelease(ecosystems);
  const unwatched = machines.flatMap((machine) => {
    const release = releaseOf(machine);

    return release === null ? [] : [{ name: machine.name, release }];
  });
  const ours = new Set(Array.from(fleet.ids(), (id) => fleet.software(id).ecosystem.split(':', 1)[0] ?? ''));
  const oldCode = copied(oldCodeOf(machines));
  await setImmediate();

  return {
    ...shown(list, now),
    settled: sources.settled?.() ?? true,
    ...{ coverage: covered, selection: chosen?.selection ?? null },
    feeds: feedsShown(feeds),
    oldCode,
    needs: needsOf({
      ready: fleet.complete,
      unknown,
      unwatched,
      notOffered: list.notOffered,
      urgentWithoutFix: list.noFix.urgent,
      unsigned: proposals.map((one) => proposalView(one, { admins, versions: current.versions, now })),
      feeds: feeds.map(({ name, asOf, stale, error, serves }) => ({
        ...{ name, stale, error, needed: serves.some((each) => each === 'all' || ours.has(each)) },
        ageDays: daysSince(asOf, now),
      })),
      silent: hosts.flatMap(({ id, name }) => {
        const { silentDays } = standings.get(`host:${id}`) ?? IMPORTED;

        return silentDays === false ? [] : [{ name, days: silentDays }];
      }),
      coverage: covered.counts,
      outside: hosts.filter(({ id }) => now.epochMilliseconds - (outside.get(id) ?? 0) < DAY_MS),
      imports: imports
        .filter(({ name }) => chosen === null || chosen.keys.has(`import:${name}`))
        .map(({ name, asOf }) => ({ name, ageDays: daysSince(asOf, now) ?? 0 })),
      // Feeds have a line of their own.
      alarms: alarms.filter(({ severity, kind }) => severity !== 'warning' && !kind.startsWith('feed')),
    }).map((need) => ({ ...need, some: [...need.some] })),
  };
}

const IMPORTED: MachineStanding = { imported: true, silentDays: false, managed: false };

export async function chosenMachines(
  sources: TodoSources,
  text: string | undefined,
): Promise<{ readonly keys: ReadonlySet<MachineKey>; readonly selection: SelectionShown } | null> {
  if (text === undefined) return null;
  const [hosts, imports] = await Promise.all([
    selectHosts(sources, { select: text, among: counts }),
    selectImports(sources, text),
  ]);

  return {
    keys: new Set([
      ...hosts.chosen.map(({ row }) => `host:${row.id}`),
      ...imports.chosen.map(({ name }) => `import:${name}`),
    ]),
    selection: added(hosts.selection, imports.selection),
  };
}

function standingsOf(
  hosts: readonly HostRecord[],
  live: ReadonlySet<string>,
  now: Temporal.Instant,
): ReadonlyMap<MachineKey, MachineStanding> {
  return new Map(
    hosts.map(({ id, mode, lastSeen }) => {
      const days = daysSince(lastSeen, now);
      const silent = !live.has(id) && (days === null || days >= SILENT_AFTER_DAYS);

      return [`host:${id}`, { imported: false, managed: mode === 'managed', silentDays: silent ? days : false }];
    }),
  );
}

/** Of each host the newest about each fix that is shown and that somebody decided upon: approvals stay when their fix is gone. */
async function resultsOf(
  store: Store,
  approvals: readonly ApprovalDocument[],
  rows: readonly { readonly source: string; readonly version: string }[],
) {
  const shownFixes = new Set(rows.map(({ source, version }) => `${source} ${version}`));
  const newest = new Map<string, StoredResult>();
  const keyOf = (host: string, { source, version }: { readonly source: string; readonly version: string }) =>
    `${host} ${source} ${version}`;
  for (const { name, fix } of approvals) {
    if (!shownFixes.has(`${fix.source} ${fix.version}`)) continue;
    for (const stored of await store.read.results.ofApproval(name)) {
      const key = keyOf(stored.host, stored.result.fix);
      const other = newest.get(key);
      if (!other || isNewer(stored, other)) newest.set(key, stored);
    }
  }

  return ({ id }: Machine, fix: { readonly source: string; readonly version: string }) =>
    (id === null ? null : newest.get(keyOf(id, fix))?.result) ?? null;
}

async function outlookOf(
  store: Store,
  documents: readonly PolicyDocument[],
  fleet: Fleet,
  now: Temporal.Instant,
): Promise<ReturnType<typeof createOutlook>> {
  const zones = new Map<string, string>();
  // Only where something is approved does anybody ask.
  if (documents.some(({ kind }) => kind === 'Approval')) {
    for await (const { host, data } of store.read.inventory.eachDerived(ZONE)) if (data !== null) zones.set(host, data);
  }
  const hosts = new Map<MachineKey, OutlookHost>();

  return createOutlook(
    documents,
    (key) => {
      const machine = fleet.machines.get(key);
      if (!machine?.id) return null;
      const known = hosts.get(key) ?? {
        ...{ id: machine.id, name: machine.name, labels: machine.ownLabels ?? null },
        os: machine.os && { id: machine.os.id, idLike: machine.os.idLike ?? [], version: machine.os.version },
        zone: zones.get(machine.id) ?? null,
      };
      hosts.set(key, known);

      return known;
    },
    now,
  );
}

/** Machines whose packages or updates are not known, and hosts that have not reported at all. */
async function unknownOf(store: Store, { machines }: TodoList, hosts: readonly HostRecord[], fleet: Fleet) {
  const found: { name: string; what: 'packages' | 'updates'; reason: string }[] = machines.unknown.map(
    ({ name, reason }) => ({ name, what: 'packages', reason }),
  );
  const blind = new Map<string, string>();
  for (const { id, name } of hosts) {
    const machine = fleet.machines.get(`host:${id}`);
    if (machine === undefined) found.push({ name, what: 'packages', reason: 'no inventory has arrived yet' });
    else if (machine.unknown === null && machine.offers === null) blind.set(id, name);
  }
  if (blind.size === 0) return found;
  for await (const { host, data, problem } of store.read.inventory.eachDerived(WHY_UNKNOWN)) {
    const name = blind.get(host);
    if (name === undefined) continue;
    blind.delete(host);
    const reasons = data === null ? [problem?.reason ?? 'not known'] : data;
    found.push({ name, what: 'updates', reason: reasons.join('; ') || 'its updates could not be read' });
  }
  for (const name of blind.values()) found.push({ name, what: 'updates', reason: 'no inventory has arrived yet' });

  return found;
}

function shown(
  list: TodoList,
  now: Temporal.Instant,
): Omit<Shown, 'coverage' | 'feeds' | 'needs' | 'oldCode' | 'selection' | 'settled'> {
  const { fixes, machines, nextWindow, notOffered, ...counted } = list;
  const today = now.toZonedDateTimeISO('UTC').toPlainDate();

  return {
    now: now.toString(),
    ...counted,
    fixes: fixes.map((row) => ({
      ...{ ...row, why: [...row.why], some: [...row.some], standings: { ...row.standings } },
      ...lateness(row, today),
    })),
    notOffered: notOffered.map((row) => ({ ...row, some: [...row.some] })),
    nextWindow: nextWindow && {
      ...{ ...nextWindow, opens: nextWindow.opens.toString(), closes: nextWindow.closes?.toString() ?? null },
    },
    machines: { counted: machines.counted, unknown: machines.unknown.length },
  };
}

function lateness({ due, lastHost }: FixRow, today: Temporal.PlainDate): { overdueDays: number | null; late: boolean } {
  if (due === null) return { overdueDays: null, late: false };
  const date = Temporal.PlainDate.from(due.date);
  const days = date.until(today, { largestUnit: 'days' }).days;
  const at = lastHost.at === null ? null : Temporal.Instant.from(lastHost.at).toZonedDateTimeISO('UTC').toPlainDate();

  return {
    overdueDays: days > 0 ? days : null,
    late: days > 0 || lastHost.reason !== null || at === null || Temporal.PlainDate.compare(at, date) > 0,
  };
}

export function feedsShown(feeds: readonly FeedAge[]): Shown['feeds'] {
  return feeds.filter(({ importedAt }) => importedAt !== null).map(({ serves: _serves, ...feed }) => feed);
}

function copied(one: ReturnType<typeof oldCodeOf>): Shown['oldCode'] {
  return { ...one, services: one.services.map((each) => ({ ...each })) };
}

/** Of thousands of hosts: an instant as the store writes it needs no library. */
function daysSince(instant: string | null, now: Temporal.Instant): number | null {
  return instant === null ? null : Math.max(0, Math.floor((now.epochMilliseconds - Date.parse(instant)) / DAY_MS));
}
