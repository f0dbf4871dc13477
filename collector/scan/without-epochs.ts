// Rules for a list of rpm packages that has no epochs: the epoch of an advisory is the package's own, so it is left out on both sides. Pure.
import { kindOf } from '../matching/ecosystem.ts';
import type { Rule } from '../matching/rule.ts';
import type { PackageRules } from '../store/feed-ports.ts';

export function withoutEpochs(all: readonly PackageRules[]): readonly PackageRules[] {
  return all.map((source) =>
    kindOf(source.ecosystem) === 'rpm' ? { ...source, rules: source.rules.map(withoutEpoch) } : source,
  );
}

function withoutEpoch(rule: Rule): Rule {
  return {
    ...rule,
    ranges: rule.ranges.map(({ introduced, fixed, lastAffected }) => ({
      ...{ introduced: bare(introduced), fixed: bare(fixed), lastAffected: bare(lastAffected) },
    })),
    ...(rule.versions === undefined ? {} : { versions: rule.versions.map((version) => bare(version) ?? version) }),
  };
}

function bare(version: string | null): string | null {
  return version === null ? null : version.replace(/^\d+:/, '');
}
