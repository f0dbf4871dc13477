// Everything that is known of one CVE on one machine, section by section as a person asks it: is it here, does it run, why this decision,
// due when, what fixes it, when, who else. Gathers; what decides lies elsewhere.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import type { z } from 'zod';
import { ageOf } from '../../feeds/keeping/standing.ts';
import { FEEDS } from '../../feeds/list.ts';
import type { Fleet, Machine } from '../../findings/fleet.ts';
import { type Open, openOf } from '../../findings/join.ts';
import type { MachineKey } from '../../store/software-ports.ts';
import { bestScore } from '../../triage/cvss.ts';
import { mergeFacts } from '../../triage/facts.ts';
import { loadFacts } from '../../triage/load.ts';
import { TREE } from '../../triage/tree.ts';
import { createTriage, type Triage } from '../../triage/triage.ts';
import { selectableOf } from '../../vex/suppress.ts';
import type { explanation } from '../contract/findings.ts';
import { planOf } from '../host-plan.ts';
import { inTurns } from '../in-turns.ts';
import { asWritten } from './cve-id.ts';
import { hereOf, readRules, unwatchedOf, whyHere, whyNot } from './here.ts';
import { datesAsked, decidedOn, keyOf, shownMachine } from './list.ts';
import { compareKeys } from './page.ts';
import { remediesOf } from './remedies.ts';
import { runningOf } from './running.ts';
import type { FindingSources } from './sources.ts';
import { whyUnheard } from './unheard.ts';
import { whenOf } from './when.ts';

type Explanation = z.input<typeof explanation>;

const SOME_OTHERS = 20;
const SOME_BULLETINS = 20;
const MAX_RESULTS = 500;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Without a word for so long a host counts as silent. */
const SILENT_MS = 7 * DAY_MS;
/** What publishers say grows old; what admins signed and hosts told does not. */
const PUBLISHED: ReadonlySet<string> = new Set(FEEDS.map(({ name }) => name));

/** Throws NOT_FOUND for a machine that is not there. A CVE that nobody knows is no error: the answer says so. */
export async function explainFinding(sources: FindingSources, name: string, asked: string): Promise<Explanation> {
  const { store, clock } = sources;
  const { coverage } = sources.feeds;
  const fleet = sources.fleet();
  const machine = machineOf(fleet, name);
  const cve = asWritten(asked);
  const now = clock.now();
  const suppressions = sources.suppress();
  const [loaded, current, ecosystems, bulletins, reports, feeds] = await Promise.all([
    sources.triage(),
    sources.policy.current(),
    store.read.feeds.ecosystems(),
    store.read.feeds.bulletins({ cve, limit: SOME_BULLETINS }),
    store.read.scanners.ofMachine(machine.key),
    store.read.feeds.list(),
  ]);
  const documents = current.documents.map(({ document }) => document);
  const { triage, knows } = await knowing(loaded, sources, cve);
  const all = machine.software.map(({ id }) => fleet.software(id));
  const rules = await readRules(store.read.feeds, all);
  const findings = openOf(fleet, machine, { now, suppressions }).filter((open) => open.cve === cve);
  const decided = findings
    .map((open) => decidedOn(triage, machine, open, null))
    .toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)));
  const [worst] = decided;
  const ordered = decided.map(({ open }) => open);
  const here = await hereOf({ fleet, machine, cve, findings: ordered, rules, ecosystems, coverage });
  const host = await hostOf(sources, machine, documents);
  const remedies = await remediesOf(ordered, {
    ...{ machine, rules, triage, updates: host?.updates ?? null },
    factsOf: (cves) => loadFacts(store.read.feeds, cves),
  });
  const facts = triage.facts(cve);
  const dates = worst ? triage.dates(datesAsked(triage, machine, worst)) : [];
  const others = await othersOf(fleet, machine, cve, { now, suppressions });
  const unheard = whyUnheard({
    ...{ cve, isHeardOf: knows || others.machines > 0, published: facts.published },
    ...{ ecosystems: new Set(all.map(({ ecosystem }) => ecosystem)), speaking: ecosystems, now },
    ages: new Map(feeds.filter(({ name: feed }) => PUBLISHED.has(feed)).map((one) => [one.name, ageOf(one, now)])),
  });

  return {
    machine: shownMachine(machine),
    cve: {
      id: cve,
      ...{ title: facts.title, published: facts.published, severity: bestScore(facts.cvss)?.severity ?? null },
      scores: facts.cvss.map((score) => ({ ...score })),
      ...{ kev: facts.kev && { ...facts.kev }, epss: facts.epss && { ...facts.epss } },
      ...{ cwe: [...facts.cwe], references: [...facts.references] },
    },
    answer: worst
      ? whyHere(here)
      : whyNot(here, machine, cve, { unwatched: unwatchedOf(all, ecosystems, coverage), unheard }),
    here: [...here],
    running: worst ? runningOf(machine, ordered) : null,
    decision: worst ? decisionOf(triage, machine, worst) : null,
    tree: { name: TREE.name, version: TREE.version, definition: TREE.definition },
    overdue: worst !== undefined && isToBeClosed(worst.open) && isBefore(dates[0]?.date, now),
    due: dates.map(({ date, by, afterMs }) => ({ date, by, afterDays: afterMs === null ? null : afterMs / DAY_MS })),
    remedies: [...remedies],
    when: whenOf({ machine, findings: ordered, remedies, documents, host, now }),
    others,
    scanners: reports.map(({ scanner, scannedAt, rows }) => {
      const row = rows.find((one) => one.cve === cve);

      return { scanner, scannedAt, says: row?.group ?? 'silent', answer: row?.answer ?? null };
    }),
    bulletins: bulletins.map(({ cves: _cves, ...bulletin }) => bulletin),
    feeds: feeds.flatMap(({ name: feed, asOf, generation }) => (generation === null ? [] : [{ name: feed, asOf }])),
  };
}

/** By key, id, or name; an agent's before a file's. Throws NOT_FOUND. */
function machineOf(fleet: Fleet, text: string): Machine {
  const direct =
    fleet.machines.get(text as MachineKey) ??
    fleet.machines.get(`host:${text}` as MachineKey) ??
    fleet.machines.get(`import:${text}` as MachineKey);
  if (direct?.id !== undefined && direct.id !== null) return direct;
  for (const machine of fleet.machines.values()) if (machine.id !== null && machine.name === text) return machine;
  if (direct) return direct;
  for (const machine of fleet.machines.values()) if (machine.name === text) return machine;
  const why = fleet.complete ? '' : ' (yet: the collector has just started and is still reading)';

  throw new CodedError('NOT_FOUND', `there is no machine ${text} that findings are known of${why}`);
}

/** Triage knows what the fleet has; of another CVE the facts are read now. */
async function knowing(
  triage: Triage,
  { store }: FindingSources,
  cve: string,
): Promise<{ readonly triage: Triage; readonly knows: boolean }> {
  const parts = (await store.read.feeds.facts([cve])).get(cve);
  if (parts === undefined) return { triage, knows: false };
  const facts = new Map([[cve, mergeFacts(cve, parts)]]);
  const { knowledge, settings } = triage;

  return { triage: createTriage({ knowledge, settings, facts, policiesOf: triage.policies }), knows: true };
}

/** What was accepted, or is no finding after all, is never late. */
function isToBeClosed({ state }: Open): boolean {
  return state !== 'accepted' && state !== 'not-affected';
}

/** Days in UTC; the day itself is still in time. */
function isBefore(date: string | undefined, now: Temporal.Instant): boolean {
  return date !== undefined && date < now.toString().slice(0, 10);
}

function decisionOf(
  triage: Triage,
  machine: Machine,
  { open, verdict, facts }: ReturnType<typeof decidedOn>,
): Explanation['decision'] {
  const { decision, path, severity, score } = verdict;
  const points = triage.points(facts, triage.circumstances(machine).of(open.software));

  return { decision, path, severity, score, points: points.map((point) => ({ ...point })) };
}

async function othersOf(
  fleet: Fleet,
  machine: Machine,
  cve: string,
  options: Parameters<typeof openOf>[2],
): Promise<Explanation['others']> {
  const keys = new Set<MachineKey>();
  for (const id of fleet.ids()) {
    if (fleet.matches(id).some((match) => match.cve === cve)) for (const key of fleet.machinesWith(id)) keys.add(key);
  }
  const some: Explanation['others']['some'] = [];
  let [machines, imported] = [0, 0];
  await inTurns(
    (function* () {
      for (const other of fleet.machines.values()) {
        yield;
        const isNamed = some.length < SOME_OTHERS;
        const mayRun = (other.stillRunning?.length ?? 0) > 0;
        if (other.key === machine.key || !(keys.has(other.key) || mayRun)) continue;
        // Of the many it is enough to know that they have it.
        const found =
          isNamed || !keys.has(other.key) ? openOf(fleet, other, options).find((open) => open.cve === cve) : null;
        if (found === undefined) continue;
        machines += 1;
        if (other.id === null) imported += 1;
        if (isNamed && found !== null)
          some.push({ name: other.name, imported: other.id === null, state: found.state, note: found.note });
      }
    })(),
  );

  return { machines, imported, some };
}

/** What its record and sections add; null for a machine without an agent. */
async function hostOf(sources: FindingSources, machine: Machine, documents: Parameters<typeof selectorOf>[0]) {
  const { store, clock, connections } = sources;
  if (machine.id === null) return null;
  const [record, results, inventory] = await Promise.all([
    store.read.hosts.byId(machine.id),
    store.read.results.ofHost(machine.id, MAX_RESULTS),
    store.read.inventory.latest(machine.id),
  ]);
  if (record === null) return null;
  const take = <N extends SectionName>(wanted: N): Section<N> | null => {
    const outcome = inventory?.sections[wanted];

    return outcome?.ok ? (outcome.data as Section<N>) : null;
  };
  const now = clock.now();
  const agent = take('agent');
  const away =
    record.lastSeen === null ? null : now.epochMilliseconds - Temporal.Instant.from(record.lastSeen).epochMilliseconds;
  const isSilent = !connections.connected().includes(machine.id) && (away === null || away > SILENT_MS);

  return {
    mode: agent?.mode ?? null,
    plan: planOf({ host: record, os: take('os'), labels: agent?.labels ?? null, documents, results, now }),
    silentDays: isSilent && away !== null ? Math.floor(away / DAY_MS) : null,
    labels: mergedLabels(machine, documents),
    updates: take('updates'),
  };
}

function mergedLabels(
  machine: Machine,
  documents: Parameters<typeof selectorOf>[0],
): Readonly<Record<string, readonly string[]>> {
  const { labels: signed } = selectorOf(documents).labelsOf(selectableOf(machine));
  const own = machine.ownLabels ?? {};
  const names = new Set([...Object.keys(own), ...Object.keys(signed)]);

  return Object.fromEntries([...names].map((name) => [name, [...(own[name] ?? []), ...(signed[name] ?? [])]]));
}
