// Rules in groups that one answer holds for, however they were handed in. Pure.
import type { PackageRuleGroups, PackageRules } from '../store/feed-ports.ts';
import type { Rule, RuleGroup } from './rule.ts';

/** In everything that a version, a name or a module stream is held against. */
export function isAlike(one: Rule, other: Rule): boolean {
  return (
    one.ranges === other.ranges &&
    one.status === other.status &&
    one.versions === other.versions &&
    one.module === other.module &&
    one.names === other.names &&
    one.package === other.package &&
    one.withdrawn === other.withdrawn
  );
}

/** As a store has them, or of a list those that follow each other and share what they have in common. */
export function groupsIn(source: PackageRules | PackageRuleGroups): readonly RuleGroup[] {
  if ('groups' in source) return source.groups;
  const { rules } = source;
  const groups: RuleGroup[] = [];
  let from = 0;

  for (const [place, rule] of rules.entries()) {
    const next = rules[place + 1];
    if (next !== undefined && isAlike(rule, next)) continue;
    groups.push(new Run(rules, from, place + 1));
    from = place + 1;
  }

  return groups;
}

class Run implements RuleGroup {
  readonly size: number;
  readonly #rules: readonly Rule[];
  readonly #from: number;

  constructor(rules: readonly Rule[], from: number, to: number) {
    this.size = to - from;
    this.#rules = rules;
    this.#from = from;
  }

  about(place: number): readonly string[] {
    return this.rule(place).cves;
  }

  rule(place: number): Rule {
    return this.#rules[this.#from + place] as Rule;
  }
}
