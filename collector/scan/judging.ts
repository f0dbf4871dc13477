// What is known of scanned software now, or was known as of a day: matched, decided, and what nobody watches. It keeps nothing.
import { setImmediate } from 'node:timers/promises';
import type { Installed } from '../findings/software-of.ts';
import { coverageOf } from '../matching/coverage.ts';
import { kindOf } from '../matching/ecosystem.ts';
import { isOnlyKernelSources } from '../matching/kernel.ts';
import type { Match } from '../matching/match.ts';
import { matchSoftware, packagesOf } from '../matching/matching.ts';
import type { Software } from '../matching/software.ts';
import type { FeedReader, PackageRules } from '../store/feed-ports.ts';
import { machineCircumstances } from '../triage/circumstances.ts';
import type { CveFacts } from '../triage/cve-facts.ts';
import { type Verdict, verdictOf } from '../triage/decide.ts';
import { loadFacts, loadKnowledge } from '../triage/load.ts';
import { FLEET_SETTINGS } from '../triage/settings.ts';
import { factsAsOf, rulesAsOf } from './as-of.ts';
import { scanInvalid } from './invalid.ts';
import { withoutEpochs } from './without-epochs.ts';

export interface ScanQuestion {
  readonly software: readonly Installed[];
  /** Day in UTC: what became known later does not count. Null: now. */
  readonly asOf: string | null;
  readonly epochsUnknown: boolean;
}

export interface ScanFinding {
  readonly software: Software;
  readonly binaries: Installed['binaries'];
  readonly match: Match;
  readonly state: 'fixable' | 'no-fix' | 'not-running';
  readonly verdict: Verdict;
  readonly facts: CveFacts;
}

export interface ScanAnswer {
  /** Those that speak of what was scanned, and those with facts about CVEs. */
  readonly feeds: readonly { readonly name: string; readonly asOf: string | null; readonly records: number }[];
  readonly findings: readonly ScanFinding[];
  /** Software by who watches it. */
  readonly watched: { readonly feed: number; readonly rule: number };
  readonly unknown: readonly { readonly software: Software; readonly reason: string }[];
  /** What a date in the past could not be held to, and what was assumed. */
  readonly notes: readonly string[];
}

/** Software matched before others get their turn. */
const PORTION = 50;

export type ScanFeeds = Pick<FeedReader, 'list' | 'byName' | 'rules' | 'facts' | 'ecosystems'>;

/** Throws SCAN_INVALID where nobody watches any of it: no finding would mean nothing. */
export async function judgeScan(feeds: ScanFeeds, question: ScanQuestion): Promise<ScanAnswer> {
  const { software, asOf, epochsUnknown } = question;
  const [ecosystems, states, knowledge] = await Promise.all([feeds.ecosystems(), feeds.list(), loadKnowledge(feeds)]);
  const unknown: { readonly software: Software; readonly reason: string }[] = [];
  const watched = { feed: 0, rule: 0 };
  for (const { software: one } of software) {
    const coverage = coverageOf(one, ecosystems);
    if (coverage.by === 'unknown') unknown.push({ software: one, reason: coverage.reason });
    else watched[coverage.by] += 1;
  }
  if (watched.feed + watched.rule === 0) throw nobodyWatches(unknown);

  const speaking = new Set([...ecosystems.values()].flat());
  const asked = new Set(software.flatMap(({ software: { ecosystem } }) => ecosystems.get(ecosystem) ?? []));
  const loaded = await feeds.rules(software.flatMap(({ software: one }) => packagesOf(one)));
  const dated = asOf === null ? { rules: loaded, undated: 0 } : rulesAsOf(loaded, asOf);
  const byPackage = Map.groupBy(epochsUnknown ? withoutEpochs(dated.rules) : dated.rules, keyOf);
  const open = await matched(software, byPackage);
  const all = await loadFacts(
    feeds,
    open.map(({ match }) => match.cve),
  );
  const around = machineCircumstances({ labels: {}, listening: null }, FLEET_SETTINGS);
  const findings = open.map((one): ScanFinding => {
    const known = all.get(one.match.cve);
    if (known === undefined) throw new TypeError(`nobody was asked about ${one.match.cve}`);
    const facts = asOf === null ? known : factsAsOf(known, asOf);

    return { ...one, facts, verdict: verdictOf(knowledge, facts, around.of(one.software)) };
  });

  return {
    feeds: states
      .filter(({ name, generation }) => generation !== null && (asked.has(name) || !speaking.has(name)))
      .map(({ name, asOf: of, records }) => ({ name, asOf: of, records })),
    findings,
    watched,
    unknown,
    notes: notesOf(question, dated.undated, states.find(({ name }) => name === 'epss')?.asOf ?? null, knowledge.kev),
  };
}

type Open = Omit<ScanFinding, 'verdict' | 'facts'>;

async function matched(
  software: readonly Installed[],
  byPackage: ReadonlyMap<string, readonly PackageRules[]>,
): Promise<readonly Open[]> {
  const open: Open[] = [];
  for (const [index, { software: one, binaries }] of software.entries()) {
    if (index % PORTION === PORTION - 1) await setImmediate();
    const rules = packagesOf(one).flatMap((each) => byPackage.get(keyOf(each)) ?? []);
    if (rules.length === 0) continue;
    const isIdle = one.kernel === 'installed' || isOnlyKernelSources(one);
    for (const match of matchSoftware(one, rules)) {
      const state = isIdle ? 'not-running' : match.state === 'fixable' ? 'fixable' : 'no-fix';
      open.push({ software: one, binaries, match, state });
    }
  }

  return open;
}

function keyOf(one: { readonly ecosystem: string; readonly package: string }): string {
  return `${one.ecosystem}\n${one.package}`;
}

function nobodyWatches(unknown: ScanAnswer['unknown']) {
  const ecosystems = [...new Set(unknown.map(({ software }) => software.ecosystem))];
  const [first] = unknown;
  const why =
    ecosystems.length === 1
      ? first?.reason
      : `no feed that was imported speaks of any of ${ecosystems.slice(0, 5).join(', ')}`;

  return scanInvalid(
    `nothing can be said about ${unknown.length === 1 ? 'this package' : `these ${unknown.length} packages`}: ${why}`,
    'import a feed that does: selvage feed update (or selvage feed import FILE); see: selvage feed list',
  );
}

function notesOf(
  { software, asOf, epochsUnknown }: ScanQuestion,
  undated: number,
  epss: string | null,
  kev: string | null,
): readonly string[] {
  const rpm = software.some(({ software: one }) => kindOf(one.ecosystem) === 'rpm');

  return [
    ...(kev === null ? ['KEV was never imported: what is exploited is unknown, and so is every decision'] : []),
    ...(epochsUnknown && rpm ? ['the list has no epochs: those of the advisories are taken'] : []),
    ...(asOf === null ? [] : pastOf(asOf, undated, epss, kev)),
  ];
}

/** What no feed keeps a history of. */
function pastOf(asOf: string, undated: number, epss: string | null, kev: string | null): readonly string[] {
  const later = epss !== null && epss.slice(0, 10) > asOf;

  return [
    `as of ${asOf}: rules published later and KEV entries added later do not count`,
    'no history is kept of fixes, statuses and scores: what was published until then counts as it stands today',
    ...(later ? [`EPSS has no history: its scores are of ${epss.slice(0, 10)}, later, and are left out`] : []),
    ...(kev !== null && kev !== '' && kev.slice(0, 10) < asOf
      ? [`the KEV data is older than that: ${kev.slice(0, 10)}`]
      : []),
    ...(undated > 0 ? [`${undated} rules carry no date, and count`] : []),
  ];
}
