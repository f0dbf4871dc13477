// Reports over all machines, put together from the fleet, the feeds and what was decided and proven. Reads, and decides nothing.
import { setImmediate } from 'node:timers/promises';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import { compareVersions } from '@selvage/shared/versions/list.ts';
import type { z } from 'zod';
import type { Machine } from '../findings/fleet.ts';
import { kindOf } from '../matching/ecosystem.ts';
import { exposureSteps } from '../reports/exposure.ts';
import { funnelSteps } from '../reports/funnel.ts';
import type { FeedReader } from '../store/feed-ports.ts';
import { SUPPRESS_NOTHING } from '../vex/suppress.ts';
import type { exposureReport, triageReport } from './contract/reports.ts';
import { coverageLine } from './coverage.ts';
import { feedAges } from './feed-ages.ts';
import { inTurns } from './in-turns.ts';
import { chosenMachines, feedsShown, type TodoSources } from './todo.ts';
import { unwatchedRelease } from './unwatched.ts';

type Year = z.input<typeof triageReport>['years'][number];

const FIRST_YEAR = 1999;
const DIGITS = 10;
const PROVIDERS: Readonly<Record<string, string>> = { deb: 'apt', rpm: 'dnf', pacman: 'pacman' };

/** Throws SELECT_INVALID. */
export async function triageOf(
  sources: TodoSources,
  select: string | undefined,
): Promise<z.input<typeof triageReport>> {
  const { store, clock } = sources;
  const about = await aboutOf(sources, select);
  const now = clock.now();
  const suppress = sources.suppress();
  const [triage, years] = await Promise.all([sources.triage(), yearsOf(store.read.feeds, now)]);
  const funnel = await inTurns(
    funnelSteps(sources.fleet(), {
      ...{ triage, compare: compareVersions, now, among: about.among },
      judgements: { concerns: sources.concerns?.() ?? (() => suppress !== SUPPRESS_NOTHING), of: suppress },
    }),
  );
  const known = years.reduce((sum, year) => sum + year.known, 0);

  return {
    ...about.shown,
    ...funnel,
    disclosed: known === 0 ? null : known,
    years: years.map((year) => ({ ...year, exploited: triage.knowledge.kev === null ? null : year.exploited })),
  };
}

/** Throws SELECT_INVALID. */
export async function exposureOf(
  sources: TodoSources,
  select: string | undefined,
): Promise<z.input<typeof exposureReport>> {
  const { store, clock, policy } = sources;
  const about = await aboutOf(sources, select);
  const [triage, { documents }] = await Promise.all([sources.triage(), policy.current()]);
  const approvals = documents.flatMap(({ document }) =>
    document.kind === 'Approval' && document.decision === 'approve' ? [document] : [],
  );
  const approved = firstApprovals(approvals);
  const restarted = new Map<string, string>();
  for (const { name } of approvals) {
    for (const { host, result } of await store.read.results.ofApproval(name)) {
      const { evidence, fix, finishedAt, outcome } = result;
      const done = outcome === 'installed' || outcome === 'already';
      if (!done || evidence === null || evidence.staleProcesses.length > 0 || evidence.rebootRequired) continue;
      const key = `host:${host} ${fix.source} ${fix.version}`;
      const other = restarted.get(key);
      if (other === undefined || Temporal.Instant.compare(finishedAt, other) < 0) restarted.set(key, finishedAt);
    }
  }
  const exposure = await inTurns(
    exposureSteps(sources.fleet(), {
      facts: (cve) => triage.facts(cve),
      approvedAt: (ecosystem, source, version) =>
        approved.get(`${PROVIDERS[kindOf(ecosystem) ?? ''] ?? ''} ${source} ${version}`) ?? null,
      restartedAt: (machine, source, version) => restarted.get(`${machine} ${source} ${version}`) ?? null,
      ...{ now: clock.now(), among: about.among },
    }),
  );

  return { ...about.shown, ...exposure, costliest: exposure.costliest.map((each) => ({ ...each })) };
}

function firstApprovals(approvals: readonly ApprovalDocument[]): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const { fix, approvedAt } of approvals) {
    const key = `${fix.provider} ${fix.source} ${fix.version}`;
    const other = first.get(key);
    if (other === undefined || Temporal.Instant.compare(approvedAt, other) < 0) first.set(key, approvedAt);
  }

  return first;
}

async function aboutOf(sources: TodoSources, select: string | undefined) {
  const { store, clock } = sources;
  const chosen = await chosenMachines(sources, select);
  const [coverage, ages, ecosystems] = await Promise.all([
    coverageLine(sources),
    feedAges(store.read.feeds, clock.now()),
    store.read.feeds.ecosystems(),
  ]);
  const among = (machine: Machine) => chosen === null || chosen.keys.has(machine.key);
  const releaseOf = unwatchedRelease(ecosystems);
  const unwatched = [...sources.fleet().machines.values()].filter(
    (machine) => among(machine) && releaseOf(machine) !== null,
  ).length;

  return {
    among,
    shown: {
      ...{ now: clock.now().toString(), coverage, feeds: feedsShown(ages), ready: sources.fleet().complete, unwatched },
      selection: chosen?.selection ?? null,
    },
  };
}

/** The same as long as no feed is another: counting a third of a million takes a while. */
const lately = new WeakMap<
  object,
  { readonly key: string; readonly years: readonly (Year & { exploited: number })[] }
>();

/** Counted in small portions: one for each year and first digit, so that nobody waits for long. */
async function yearsOf(feeds: FeedReader, now: Temporal.Instant): Promise<readonly (Year & { exploited: number })[]> {
  const last = now.toZonedDateTimeISO('UTC').year;
  const key = JSON.stringify([last, (await feeds.list()).map(({ generation }) => generation)]);
  const before = lately.get(feeds);
  if (before?.key === key) return before.years;
  const years: (Year & { exploited: number })[] = [];
  for (let year = last; year >= FIRST_YEAR; year--) {
    const sum = { year, known: 0, exploited: 0 };
    for (let digit = 0; digit < DIGITS; digit++) {
      // `:` comes after `9`.
      const next = digit + 1 < DIGITS ? String(digit + 1) : ':';
      const { known, exploited } = await feeds.countCves(`CVE-${year}-${digit}`, `CVE-${year}-${next}`);
      sum.known += known;
      sum.exploited += exploited;
      await setImmediate();
    }
    if (sum.known > 0) years.push(sum);
  }
  lately.set(feeds, { key, years });

  return years;
}
