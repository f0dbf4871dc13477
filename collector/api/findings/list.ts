// A page of findings with counts of all of them. Findings are joined one machine after the other, in turns: a million are counted, a
// page of them is kept.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fieldsOf, labelsOf } from '@selvage/shared/select/evaluate.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';
import type { z } from 'zod';
import { FINDING_STATES, type FindingState } from '../../findings/finding.ts';
import type { Fleet, Machine } from '../../findings/fleet.ts';
import { type Open, openOf } from '../../findings/join.ts';
import { counts } from '../../host-state.ts';
import { DECISIONS, type DecisionWord } from '../../triage/decision.ts';
import { TREE } from '../../triage/tree.ts';
import type { FindingDates, Triage } from '../../triage/triage.ts';
import type { finding, findings, findingsQuery } from '../contract/findings.ts';
import type { HostFacts } from '../host-fields.ts';
import { labelNames } from '../host-fields.ts';
import { hostFacts } from '../host-select.ts';
import { factsOf } from '../imported.ts';
import { inTurns } from '../in-turns.ts';
import { type Choosing, readSelect, startChoosing } from '../selecting.ts';
import { unwatchedRelease } from '../unwatched.ts';
import { FINDING_FIELDS, FINDING_WORDS, type FindingFacts } from '../words/findings.ts';
import { asWritten } from './cve-id.ts';
import { decodeKey, encodeKey, Page, type SortKey } from './page.ts';
import type { FindingSources } from './sources.ts';

type Query = z.output<typeof findingsQuery>;
type ShownFinding = z.input<typeof finding>;
type Answer = z.input<typeof findings>;

/** Machines without an answer that are named; the others are counted. */
const SOME_UNKNOWN = 20;
/** Findings of one machine between two looks at the clock. */
const STEP = 256;
const RANKS = new Map<DecisionWord, number>(DECISIONS.map((word, index) => [word, index]));

/** Throws SELECT_INVALID, DOCUMENT_INVALID (a duration) and REQUEST_INVALID (a page that nobody gave out) before anything is gathered. */
export async function listFindings(sources: FindingSources, asked: Query): Promise<Answer> {
  const query: Query = asked.cve === undefined ? asked : { ...asked, cve: asWritten(asked.cve) };
  const select = readSelect(query.select, FINDING_WORDS);
  const after = afterOf(query.after);
  const now = sources.clock.now();
  const before = query.olderThan === undefined ? null : longAgo(now, parseDuration(query.olderThan));
  const [triage, ecosystems, hosts] = await Promise.all([
    sources.triage(),
    sources.store.read.feeds.ecosystems(),
    select === null ? null : factsOfHosts(sources, fieldsOf(select), labelsOf(select)),
  ]);
  const fleet = sources.fleet();
  const suppressions = sources.suppress();
  const choosing: Choosing<FindingFacts> | null =
    select && startChoosing(select, now, ({ host }) => (host ? labelNames(host) : []));
  const page = new Page<ShownFinding>(query.limit, after);
  const count = createCount();
  const unknown: { readonly name: string; readonly reason: string }[] = [];
  const releaseOf = unwatchedRelease(ecosystems);
  const reasonOf = (machine: Machine): string | null => {
    const release = releaseOf(machine);

    return release === null ? machine.unknown : `no feed that was imported speaks of ${release}`;
  };

  await inTurns(
    (function* () {
      for (const machine of machinesFor(fleet, query, (one) => reasonOf(one) !== null)) {
        const reason = reasonOf(machine);
        if (reason !== null) {
          count.unknown += 1;
          if (unknown.length < SOME_UNKNOWN) unknown.push({ name: machine.name, reason });
        }
        const host = hosts?.(machine) ?? null;
        let steps = 0;
        let isWith = false;
        for (const open of openOf(fleet, machine, { now, suppressions })) {
          steps += 1;
          if (steps % STEP === 0) yield;
          if (!passes(open, query, before)) continue;
          const facts = decidedOn(triage, machine, open, host);
          if (query.decision !== undefined && facts.verdict.decision !== query.decision) continue;
          if (choosing !== null && !choosing.takes(facts)) continue;
          isWith = true;
          count.add(facts.verdict.decision, open.state);
          page.offer(keyOf(facts), () => shownFinding(machine, facts));
        }
        if (isWith) count.machines += 1;
        yield;
      }
    })(),
  );
  const next = page.next();

  return {
    findings: [...page.things()],
    next: next && encodeKey(next),
    ...{ total: count.total, byDecision: count.byDecision, byState: count.byState },
    machines: { with: count.machines, lookedAt: fleet.machines.size },
    unknown: { count: count.unknown, some: unknown },
    complete: fleet.complete,
    kev: triage.knowledge.kev === null ? null : { asOf: triage.knowledge.kev || null },
    tree: { name: TREE.name, version: TREE.version, definition: TREE.definition },
    selection: choosing?.shown() ?? null,
  };
}

/** No finding is from before 1970, and instants end somewhere. */
function longAgo(now: Temporal.Instant, ms: number): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(Math.max(0, now.epochMilliseconds - ms));
}

/** By CVE or package only those that can have it: the others cost nothing. */
function* machinesFor(
  fleet: Fleet,
  { cve, package: name }: Query,
  isUnknown: (machine: Machine) => boolean,
): Generator<Machine> {
  if (cve === undefined && name === undefined) {
    yield* fleet.machines.values();

    return;
  }
  const found = new Set<string>();
  for (const id of name === undefined ? fleet.ids() : fleet.byName(name)) {
    const concerns = cve === undefined || fleet.matches(id).some((match) => match.cve === cve);
    if (concerns) for (const key of fleet.machinesWith(id)) found.add(key);
  }
  for (const machine of fleet.machines.values()) {
    // Old code that runs is of versions that no machine has any more, and who cannot say what it has is not without it.
    if (found.has(machine.key) || isUnknown(machine) || (machine.stillRunning?.length ?? 0) > 0) yield machine;
  }
}

function passes({ cve, state, software, firstSeen }: Open, query: Query, before: Temporal.Instant | null): boolean {
  if (query.cve !== undefined && query.cve !== cve) return false;
  if (query.state !== undefined && query.state !== state) return false;
  if (query.package !== undefined && query.package !== software.name && query.package !== software.source) return false;

  return before === null || Temporal.Instant.compare(Temporal.Instant.from(firstSeen), before) < 0;
}

export function decidedOn(triage: Triage, machine: Machine, open: Open, host: HostFacts | null): FindingFacts {
  const facts = triage.facts(open.cve);
  const verdict = triage.verdict(facts, triage.circumstances(machine).of(open.software));
  const due = triage.due(datesAsked(triage, machine, { open, verdict, facts }));

  return { open, verdict, due, facts, host };
}

export function datesAsked(
  triage: Triage,
  machine: Machine,
  { open, verdict, facts }: Pick<FindingFacts, 'open' | 'verdict' | 'facts'>,
): FindingDates {
  const { firstSeen, match } = open;

  return { facts, verdict, firstSeen, policies: triage.policies(machine), fixable: match.state === 'fixable' };
}

export function keyOf({ open, verdict, due, facts }: FindingFacts): SortKey {
  return [
    RANKS.get(verdict.decision) ?? RANKS.size,
    due?.date ?? null,
    facts.epss?.score ?? null,
    open.cve,
    `${open.name} ${open.machine}`,
    open.id,
  ];
}

function shownFinding(machine: Machine, { open, verdict, due, facts }: FindingFacts): ShownFinding {
  const { software, match, cve, state, firstSeen, note } = open;
  const { decision, path, severity, score } = verdict;

  return {
    machine: shownMachine(machine),
    package: { ...software },
    ...{ cve, decision, path, severity, score, state, firstSeen, note },
    ...{ status: match.status, fixed: match.fixed, pocket: match.pocket },
    due: due && { ...due },
    epss: facts.epss?.score ?? null,
    kev: facts.kev !== null,
  };
}

export function shownMachine({ name, id, takenAt }: Machine): ShownFinding['machine'] {
  return { name, id, imported: id === null, asOf: takenAt };
}

/** What texts may ask of machines; null where this one asks nothing of them. */
async function factsOfHosts(
  sources: FindingSources,
  fields: ReadonlySet<string>,
  labels: ReadonlySet<string>,
): Promise<((machine: Machine) => HostFacts | null) | null> {
  const isAsked = labels.size > 0 || [...fields].some((field) => !Object.hasOwn(FINDING_FIELDS, field));
  if (!isAsked) return null;
  const [enrolled, imports] = await Promise.all([
    hostFacts(sources, counts, fields),
    sources.store.read.imports.list(),
  ]);
  const byKey = new Map<string, HostFacts>([
    ...enrolled.map((facts) => [`host:${facts.record.id}`, facts] as const),
    ...imports.map((record) => [`import:${record.name}`, factsOf(record)] as const),
  ]);

  return ({ key }) => byKey.get(key) ?? null;
}

function afterOf(text: string | undefined): SortKey | null {
  if (text === undefined) return null;
  const key = decodeKey(text);
  if (key === null) throw new CodedError('REQUEST_INVALID', 'query.after: is not the `next` of a page');

  return key;
}

function createCount() {
  const byDecision = Object.fromEntries(DECISIONS.map((word) => [word, 0])) as Record<DecisionWord, number>;
  const byState = Object.fromEntries(FINDING_STATES.map((word) => [word, 0])) as Record<FindingState, number>;
  const all = { total: 0, machines: 0, unknown: 0, byDecision, byState };

  return Object.assign(all, {
    add: (decision: DecisionWord, state: FindingState) => {
      all.total += 1;
      byDecision[decision] += 1;
      byState[state] += 1;
    },
  });
}
