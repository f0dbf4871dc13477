// Short ways to write rules and sources of rules in tests.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { PackageRules } from '../../store/feed-ports.ts';
import type { Rule } from '../rule.ts';

const AS_OF = '2026-11-23T00:00:00Z' as Timestamp;

/** About CVE-2026-1 of demo in Debian 12, fixed in 2.0-1, unless told otherwise. */
export function rule(more: Partial<Rule> = {}): Rule {
  return {
    ...{
      ecosystem: 'Debian:12',
      package: 'demo',
      record: 'CVE-2026-1',
      cves: ['CVE-2026-1'],
      status: 'fixed' as const,
    },
    ranges: [{ introduced: null, fixed: '2.0-1', lastAffected: null }],
    ...more,
  };
}

/** Up to (not with) a version; null: all. */
export const before = (fixed: string | null) => [{ introduced: null, fixed, lastAffected: null }];

export function source(feed: string, ...rules: readonly Rule[]): PackageRules {
  const { ecosystem = 'Debian:12', package: name = 'demo' } = rules[0] ?? {};

  return { feed, asOf: AS_OF, ecosystem, package: name, rules };
}
