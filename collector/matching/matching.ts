// Which CVEs concern one piece of software, on what evidence, and whose word decided. Pure: the same answer for the same rules.
// It never hides: what cannot be compared is a match of its own that says so, what sources see differently is said in a sentence.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { PackageName, PackageRuleGroups, PackageRules } from '../store/feed-ports.ts';
import { vendorEcosystems } from './coverage.ts';
import { decide, type Entry, type Judgement } from './decide.ts';
import { normaliseName } from './ecosystem.ts';
import { groupsIn } from './groups.ts';
import { asAdvised } from './kernel.ts';
import { isVulnerability } from './kinds.ts';
import type { Match } from './match.ts';
import type { Rule, RuleGroup } from './rule.ts';
import type { Software } from './software.ts';
import { OWN_ADVISORIES, rankOf } from './sources.ts';
import { type Says, type Standing, standingOf } from './verdict.ts';

/** Of one package and one feed. */
export type SomeRules = PackageRules | PackageRuleGroups;

/** Under which names rules may speak of this software: what has to be asked of the store. */
export function packagesOf(installed: Software): readonly PackageName[] {
  const software = asAdvised(installed);
  const name = normaliseName(software.ecosystem, software.name);
  const source = normaliseName(software.ecosystem, software.source);
  const names = name === source ? [name] : [name, source];

  const ecosystems = [software.ecosystem, ...vendorEcosystems(software)];

  return ecosystems.flatMap((ecosystem) => names.map((one) => ({ ecosystem, package: one })));
}

/**
 * Every CVE that concerns this software, sorted by id: affected, or unknown with the reason. Rules of other packages are passed over, so
 * that more may be handed in than is needed. Withdrawn rules and bug fixes without a CVE match nothing.
 */
export function matchSoftware(installed: Software, rules: readonly SomeRules[]): readonly Match[] {
  const software = asAdvised(installed);
  const standing = standingOf(software);
  const sources = sourcesOf(software, rules, standing);
  const wanted = new Set<string>();

  for (const { groups, says } of sources) {
    // Of thousands of groups: with a pair for each they would be most of what has to be cleared away.
    for (let place = 0; place < groups.length; place += 1) {
      const group = groups[place];
      if (group !== undefined && isOpen(says(place))) eachSubject(group, (cve) => wanted.add(cve));
    }
  }
  if (wanted.size === 0) return [];
  const matches: Match[] = [];
  const [only] = sources;
  const places = sources.length === 1 && only !== undefined ? placesOf(only, wanted) : null;

  for (const [cve, group] of grouped(sources, wanted, places)) {
    const { match } = decide(cve, group, software, standing);
    if (match !== null) matches.push(match);
  }

  return matches.sort((a, b) => (a.cve < b.cve ? -1 : 1));
}

function isOpen(word: Says | null): boolean {
  return word === 'affected' || word === 'unknown';
}

/** Of the only source: which groups speak of what is open at all; null where only looking at all of them can tell. */
function placesOf({ groups, shared, says }: Source, wanted: ReadonlySet<string>): readonly number[] | null {
  if (shared === null) return null;
  const places = new Set<number>();
  for (const one of shared) {
    if (!wanted.has(one[0])) continue;
    for (const place of one) if (typeof place === 'number') places.add(place);
  }
  for (let place = 0; place < groups.length; place += 1) if (isOpen(says(place))) places.add(place);

  return [...places].sort((a, b) => a - b);
}

/** The same question for one CVE, answered also where it is no finding: fixed, not affected, or that nobody speaks of it. */
export function judge(installed: Software, cve: string, rules: readonly SomeRules[]): Judgement {
  const software = asAdvised(installed);
  const standing = standingOf(software);
  const group = grouped(sourcesOf(software, rules, standing), new Set([cve]), null).get(cve) ?? [];

  return decide(cve, group, software, standing);
}

/** What the rules are about: their CVEs, else themselves; nothing of bug fixes. */
function eachSubject(group: RuleGroup, visit: (cve: string, index: number) => void): void {
  for (let index = 0; index < group.size; index += 1) {
    const about = group.about(index);
    if (typeof about === 'string') visit(about, index);
    else if (about.length > 0) for (const cve of about) visit(cve, index);
    else {
      const rule = group.rule(index);
      if (isVulnerability(rule)) visit(rule.record, index);
    }
  }
}

/** The rules of one feed for a package. */
interface Source {
  readonly feed: string;
  readonly asOf: Timestamp | null;
  readonly rank: number;
  /** The rules are the distribution's, the build is a vendor's. */
  readonly foreign: boolean;
  readonly groups: readonly RuleGroup[];
  readonly shared: PackageRuleGroups['shared'];
  /** What the rules of the group in that place say of the software; null: they are withdrawn, or about another package. */
  readonly says: (place: number) => Says | null;
}

function sourcesOf(software: Software, rules: readonly SomeRules[], standing: Standing): readonly Source[] {
  const vendors = vendorEcosystems(software);

  return rules
    .filter(({ ecosystem }) => ecosystem === software.ecosystem || vendors.includes(ecosystem))
    .map((source) => {
      const { feed, asOf, ecosystem } = source;
      const foreign = software.origin !== null && !vendors.includes(ecosystem) && feed !== OWN_ADVISORIES;
      const groups = groupsIn(source);
      const shared = 'groups' in source ? source.shared : null;
      const known: (Says | null)[] = [];
      const says = (place: number) => {
        const before = known[place];
        if (before !== undefined) return before;
        const rule = groups[place]?.rule(0);
        const isMeant = rule?.withdrawn === undefined && rule !== undefined && concerns(rule, software);

        const word = isMeant ? saysOf(rule, standing, foreign) : null;
        known[place] = word;

        return word;
      };

      return { feed, asOf, rank: rankOf(feed), foreign, groups, shared, says };
    });
}

/** Another's build: its numbers and the distribution's do not follow each other, so that "older than the fix" is a question, no answer. */
function saysOf(rule: Rule, standing: Standing, foreign: boolean): Says {
  const says = standing.says(rule);

  return foreign && says === 'affected' ? 'unknown' : says;
}

/** By the name that is meant: the source package, unless the rule says that it speaks of binary ones. */
function concerns(rule: Rule, software: Software): boolean {
  const name = rule.names === 'binary' ? software.name : software.source;

  return (
    rule.package === name || normaliseName(software.ecosystem, rule.package) === normaliseName(software.ecosystem, name)
  );
}

/** `places`: groups to look at, those of all sources; null: all of them. */
function grouped(
  sources: readonly Source[],
  wanted: ReadonlySet<string>,
  places: readonly number[] | null,
): Map<string, Entry[]> {
  const found = new Map<string, Entry[]>();

  for (const { feed, asOf, rank, foreign, groups, says } of sources) {
    for (const place of places ?? groups.keys()) {
      const group = groups[place];
      if (group === undefined) continue;
      eachSubject(group, (cve, index) => {
        const word = wanted.has(cve) ? says(place) : null;
        if (word === null) return;
        const entry = { feed, asOf, rank, foreign, rule: group.rule(index), says: word };
        const known = found.get(cve);
        if (known === undefined) found.set(cve, [entry]);
        else known.push(entry);
      });
    }
  }

  return found;
}
