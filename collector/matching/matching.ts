// Which CVEs concern one piece of software, on what evidence, and whose word decided. Pure: the same answer for the same rules.
// It never hides: what cannot be compared is a match of its own that says so, what sources see differently is said in a sentence.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { PackageName, PackageRules } from '../store/feed-ports.ts';
import { vendorEcosystems } from './coverage.ts';
import { decide, type Entry, type Judgement } from './decide.ts';
import { normaliseName } from './ecosystem.ts';
import { asAdvised } from './kernel.ts';
import { isVulnerability } from './kinds.ts';
import type { Match } from './match.ts';
import type { Rule } from './rule.ts';
import type { Software } from './software.ts';
import { OWN_ADVISORIES, rankOf } from './sources.ts';
import { type Says, type Standing, standingOf } from './verdict.ts';

/** Under which names rules may speak of this software: what has to be asked of the store. */
export function packagesOf(installed: Software): readonly PackageName[] {
  const software = asAdvised(installed);
  const names = new Set([software.name, software.source].map((name) => normaliseName(software.ecosystem, name)));

  const ecosystems = [software.ecosystem, ...vendorEcosystems(software)];

  return ecosystems.flatMap((ecosystem) => [...names].map((name) => ({ ecosystem, package: name })));
}

/**
 * Every CVE that concerns this software, sorted by id: affected, or unknown with the reason. Rules of other packages are passed over, so
 * that more may be handed in than is needed. Withdrawn rules and bug fixes without a CVE match nothing.
 */
export function matchSoftware(installed: Software, rules: readonly PackageRules[]): readonly Match[] {
  const software = asAdvised(installed);
  const standing = standingOf(software);
  const sources = sourcesOf(software, rules, standing);
  const wanted = new Set<string>();

  for (const { rules: ofSource, word } of sources) {
    for (const rule of ofSource) {
      const says = word(rule);
      if (says !== 'affected' && says !== 'unknown') continue;
      for (const cve of subjectsOf(rule)) wanted.add(cve);
    }
  }
  if (wanted.size === 0) return [];
  const matches: Match[] = [];

  for (const [cve, group] of grouped(sources, wanted)) {
    const { match } = decide(cve, group, software, standing);
    if (match !== null) matches.push(match);
  }

  return matches.sort((a, b) => (a.cve < b.cve ? -1 : 1));
}

/** The same question for one CVE, answered also where it is no finding: fixed, not affected, or that nobody speaks of it. */
export function judge(installed: Software, cve: string, rules: readonly PackageRules[]): Judgement {
  const software = asAdvised(installed);
  const standing = standingOf(software);
  const group = grouped(sourcesOf(software, rules, standing), new Set([cve])).get(cve) ?? [];

  return decide(cve, group, software, standing);
}

/** What a rule is about: its CVEs, else itself. */
function subjectsOf(rule: Rule): readonly string[] {
  return rule.cves.length > 0 ? rule.cves : [rule.record];
}

/** The rules of one feed for a package. */
interface Source {
  readonly feed: string;
  readonly asOf: Timestamp | null;
  readonly rank: number;
  /** The rules are the distribution's, the build is a vendor's. */
  readonly foreign: boolean;
  readonly rules: readonly Rule[];
  /** What one of its rules says of the software; null: it is withdrawn, about another package, or no vulnerability. */
  readonly word: (rule: Rule) => Says | null;
}

function sourcesOf(software: Software, rules: readonly PackageRules[], standing: Standing): readonly Source[] {
  const vendors = vendorEcosystems(software);

  return rules
    .filter(({ ecosystem }) => ecosystem === software.ecosystem || vendors.includes(ecosystem))
    .map(({ feed, asOf, ecosystem, rules: ofPackage }) => {
      const foreign = software.origin !== null && !vendors.includes(ecosystem) && feed !== OWN_ADVISORIES;
      const word = (rule: Rule) =>
        rule.withdrawn === undefined && concerns(rule, software) && isVulnerability(rule)
          ? saysOf(rule, standing, foreign)
          : null;

      return { feed, asOf, rank: rankOf(feed), foreign, rules: ofPackage, word };
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

function grouped(sources: readonly Source[], wanted: ReadonlySet<string>): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();

  for (const { feed, asOf, rank, foreign, rules, word } of sources) {
    for (const rule of rules) {
      for (const cve of subjectsOf(rule)) {
        if (!wanted.has(cve)) continue;
        const says = word(rule);
        if (says === null) continue;
        const entry = { feed, asOf, rank, foreign, rule, says };
        const group = groups.get(cve);
        if (group === undefined) groups.set(cve, [entry]);
        else group.push(entry);
      }
    }
  }

  return groups;
}
