// What several rules say of one CVE in one piece of software, made into one answer: whose word counts, which fix is for whom, and in one
// sentence where sources differ.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { disagreementOf } from './disagreement.ts';
import { kindOf } from './ecosystem.ts';
import { kernelNote } from './kernel.ts';
import type { Evidence, Match } from './match.ts';
import { streamVerdict } from './modules.ts';
import { carriesMark, continuesRelease, extendsMinorRelease, isOfSameBranch, isRestricted } from './pockets.ts';
import type { Rule } from './rule.ts';
import type { Software } from './software.ts';
import { OWN_ADVISORIES, TOLD_BY_HOSTS } from './sources.ts';
import type { Says, Standing } from './verdict.ts';

/** One rule of one feed and what it says. */
export interface Entry {
  readonly feed: string;
  readonly asOf: Timestamp | null;
  readonly rank: number;
  readonly rule: Rule;
  readonly says: Says;
  /** The rule is the distribution's, the build is a vendor's. */
  readonly foreign: boolean;
}

/** The answer for one CVE. `match` is null where it is no finding; `unknown` without evidence: no feed speaks of it. */
export interface Judgement {
  readonly says: Says;
  /** The one that decided first. */
  readonly evidence: readonly Evidence[];
  readonly match: Match | null;
  readonly disagreement: string | null;
}

export function decide(cve: string, group: readonly Entry[], software: Software, standing: Standing): Judgement {
  const [alone] = group;
  if (group.length === 1 && alone !== undefined) return decideAlone(cve, alone, software, standing);
  const counted = withoutRetired(group, software);
  const verdict = firstWord(cve, counted, software);
  if (verdict === null) return { says: 'unknown', evidence: [], match: null, disagreement: null };
  const { says, by } = verdict;
  const show = (entry: Entry) => evidenceOf(entry, software, standing, !counted.includes(entry));
  const deciding = by.map(show);
  const fixed = says === 'affected' ? fixFor(deciding, standing) : null;
  const others = group
    .filter((entry) => !by.includes(entry))
    .sort((a, b) => bySource(a, b) || order(a.rule.record, b.rule.record));
  deciding.sort((a, b) => decidedFirst(a, b, fixed));
  const evidence = [...deciding, ...others.map(show)];
  // A word about another stream of the module is none about this build: nothing is seen differently there. Few differ at all.
  const here = () => others.filter(({ rule }) => streamVerdict(software, rule) !== 'not-affected').map(show);
  const disagreement = disagreementOf(evidence, says) && disagreementOf([...deciding, ...here()], says);
  const match = says === 'affected' || says === 'unknown' ? matchOf(cve, says, fixed, evidence, disagreement) : null;

  return { says, evidence, match, disagreement };
}

/** Most CVEs of a package: one record, which nothing else is held against. */
function decideAlone(cve: string, entry: Entry, software: Software, standing: Standing): Judgement {
  const says = isRestricted(entry.rule.pocket) ? wordOf(cve, [entry], software).says : entry.says;
  const evidence = [evidenceOf(entry, software, standing, false)];
  const fixed = says === 'affected' ? (evidence[0]?.fixed ?? null) : null;
  const match = says === 'affected' || says === 'unknown' ? matchOf(cve, says, fixed, evidence, null) : null;

  return { says, evidence, match, disagreement: null };
}

/** The version that answers every record that has an answer: of the builds that one record names the oldest, of several records the newest. */
function fixFor(deciding: readonly Evidence[], standing: Standing): string | null {
  const perRecord = [...Map.groupBy(deciding, ({ record }) => record).values()];

  return standing.newest(
    perRecord.flatMap((group) => standing.oldest(group.flatMap(({ fixed }) => fixed ?? [])) ?? []),
  );
}

/** Who has the fix that is told, then by their names: the same whatever order a feed is written in. */
function decidedFirst(a: Evidence, b: Evidence, fixed: string | null): number {
  return (
    Number(b.fixed === fixed) - Number(a.fixed === fixed) ||
    order(a.record, b.record) ||
    order(a.status, b.status) ||
    order(a.pocket ?? '', b.pocket ?? '') ||
    order(a.fixed ?? '', b.fixed ?? '')
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Own intelligence is retired as soon as any feed speaks of the same CVE in this build of the package; what a host says of itself is no
 * such word.
 */
function withoutRetired(group: readonly Entry[], software: Software): readonly Entry[] {
  if (!group.some(({ feed }) => feed === OWN_ADVISORIES)) return group;
  const isRetired = group.some(
    (entry) => entry.feed !== OWN_ADVISORIES && entry.feed !== TOLD_BY_HOSTS && isForThisBuild(entry, software),
  );

  return isRetired ? group.filter((entry) => entry.feed !== OWN_ADVISORIES) : group;
}

/** No word about another stream of a module, or about builds of a pocket that this one is not from. */
function isForThisBuild(entry: Entry, software: Software): boolean {
  const { rule } = entry;
  if (streamVerdict(software, rule) === 'not-affected') return false;
  const { pocket } = rule;

  return !isRestricted(pocket) || speaksFor(pocket, software) || isOfItsBranch(entry, software);
}

function speaksFor(pocket: string, software: Software): boolean {
  return continuesRelease(pocket) || carriesMark(software, pocket);
}

interface Verdict {
  readonly says: Says;
  /** Rules that decided, the first first. */
  readonly by: readonly Entry[];
}

/** Of the same rank by name: never as a store happens to give them. */
function bySource(a: Entry, b: Entry): number {
  return a.rank - b.rank || order(a.feed, b.feed);
}

/** Of the first source in rank that speaks of this build and knows; where none knows, that is the answer. */
function firstWord(cve: string, group: readonly Entry[], software: Software): Verdict | null {
  const feeds = [...Map.groupBy([...group].sort(bySource), (entry) => entry.feed).values()];
  const meant = feeds.length > 1 ? feeds.filter((all) => all.some((entry) => isForThisBuild(entry, software))) : feeds;
  const verdicts = (meant.length > 0 ? meant : feeds).map((entries) => wordOf(cve, entries, software));

  return verdicts.find((verdict) => verdict.says !== 'unknown') ?? verdicts[0] ?? null;
}

/** Of one feed. Its record of the CVE itself counts before announcements that list the CVE among others. */
function wordOf(cve: string, entries: readonly Entry[], software: Software): Verdict {
  const here = entries.filter(({ rule }) => streamVerdict(software, rule) !== 'not-affected');
  const own = here.filter((entry) => isOwnRecord(entry, cve, software));
  const rules = own.length > 0 ? own : here.length > 0 ? here : entries;
  const marked = rules.filter(({ rule }) => isRestricted(rule.pocket) && carriesMark(software, rule.pocket));
  if (marked.length > 0) return strongest(withoutFrozen(marked));
  const branch = here.filter((entry) => isOfItsBranch(entry, software));
  // It has the fix, whatever the ordinary stream is numbered.
  if (branch.some(({ says }) => says === 'fixed')) return strongest(branch.filter(({ says }) => says === 'fixed'));
  const open = rules.filter(({ rule }) => !isRestricted(rule.pocket));
  const paid = rules.filter(({ rule }) => isRestricted(rule.pocket) && continuesRelease(rule.pocket));
  const alone = paid.length > 0 ? paid : branch;
  if (open.length === 0) return alone.length > 0 ? strongest(alone) : { says: 'not-affected', by: rules };
  const verdict = strongest(open);
  const fixes = paid.filter(({ rule, says }) => rule.status === 'fixed' && says === 'affected');
  const openStill = verdict.says === 'affected' || verdict.says === 'unknown';

  // Where there is a fix only for those who pay, that is told. A number beyond it proves nothing: it lacks the pocket's mark.
  return openStill && !hasFix(verdict.by) && fixes.length > 0
    ? { says: 'affected', by: [...fixes, ...verdict.by] }
    : verdict;
}

/** The record of the CVE itself, as far as it is for this build: one for an extension that is for others leaves the word to the rest. */
function isOwnRecord({ feed, rule }: Entry, cve: string, software: Software): boolean {
  if (feed === TOLD_BY_HOSTS || !rule.record.endsWith(cve)) return false;
  const { pocket } = rule;

  return !isRestricted(pocket) || speaksFor(pocket, software);
}

/**
 * A pocket of certified builds (fips) is frozen, and another (fips-updates) goes on from it with higher numbers: who has the fix of that
 * is not open because the frozen one never gets any.
 */
function withoutFrozen(marked: readonly Entry[]): readonly Entry[] {
  const fixedIn = new Set(marked.flatMap(({ rule, says }) => (says === 'fixed' ? (rule.pocket ?? []) : [])));
  if (fixedIn.size === 0) return marked;

  return marked.filter((entry) => entry.says !== 'affected' || hasFix([entry]) || fixedIn.has(entry.rule.pocket ?? ''));
}

/** The fix is of extended support of the very minor release that this build is for. */
function isOfItsBranch({ rule }: Entry, { version }: Software): boolean {
  return (
    rule.pocket !== undefined &&
    extendsMinorRelease(rule.pocket) &&
    rule.ranges.some(({ fixed }) => fixed !== null && isOfSameBranch(version, fixed))
  );
}

const STRENGTH: readonly Says[] = ['affected', 'unknown', 'fixed', 'not-affected'];

/** One record that says affected is enough: an announcement that fixes only a part does not speak for the next one. */
function strongest(all: readonly Entry[]): Verdict {
  const entries = all.filter((entry) => !isAnswered(entry, all));
  const says = STRENGTH.find((word) => entries.some((entry) => entry.says === word)) ?? 'unknown';

  return { says, by: entries.filter((entry) => entry.says === says) };
}

/** One record of rpms that names several builds with the fix (41.el8 and 41.el8.alma): having one of them is having the fix. */
function isAnswered(entry: Entry, all: readonly Entry[]): boolean {
  return (
    entry.says === 'affected' &&
    entry.feed !== TOLD_BY_HOSTS &&
    kindOf(entry.rule.ecosystem) === 'rpm' &&
    fromTheStart(entry.rule) &&
    all.some((other) => other.rule.record === entry.rule.record && other.says === 'fixed' && fromTheStart(other.rule))
  );
}

/** Branches that begin later (2.0 up to 2.3) are about other versions, not other builds. */
function fromTheStart(rule: Rule): boolean {
  return rule.ranges.length > 0 && rule.ranges.every(({ introduced }) => introduced === null || introduced === '0');
}

function hasFix(entries: readonly Entry[]): boolean {
  return entries.some(({ rule }) => rule.ranges.some((range) => range.fixed !== null));
}

function evidenceOf(entry: Entry, software: Software, standing: Standing, retired: boolean): Evidence {
  const { rule } = entry;
  const { range, words } = standing.explain(rule);
  const note = kernelNote(software);
  const retirement = retired ? '; own advisory, retired: a real record speaks of it' : '';
  const builder = entry.foreign ? `; built by ${software.origin}, whose versions this source does not follow` : '';

  return {
    feed: entry.feed,
    feedAsOf: entry.asOf,
    record: rule.record,
    rule: `${words}${retirement}${builder}${note === null ? '' : `; ${note}`}`,
    status: rule.status,
    range,
    fixed: range?.fixed ?? null,
    pocket: rule.pocket ?? null,
    urgency: rule.urgency ?? null,
    published: rule.published ?? null,
    says: entry.says,
  };
}

function matchOf(
  cve: string,
  says: Says,
  fixed: string | null,
  evidence: readonly Evidence[],
  disagreement: string | null,
): Match | null {
  const [first] = evidence;
  if (first === undefined) return null;
  const open = evidence.filter((one) => one.says === 'affected' || one.says === 'unknown');
  // A record may have a fix for other branches than this one.
  const status = first.status === 'fixed' && fixed === null ? 'open' : first.status;

  return {
    cve,
    records: [...new Set(open.map(({ record }) => record))],
    state: fixed === null ? 'open' : 'fixable',
    status: says === 'unknown' ? 'undetermined' : status,
    fixed,
    pocket: fixed === null ? null : first.pocket,
    urgency: evidence.find((one) => one.urgency !== null)?.urgency ?? null,
    evidence,
    disagreement,
  };
}
