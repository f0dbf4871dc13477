// Every CVE that real changelogs say was fixed, for real upgrades of real packages: found before, gone after.
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { debianTracker } from '../feeds/debian-tracker.ts';
import type { Match } from './match.ts';
import type { Rule } from './rule.ts';
import {
  fixture,
  gathered,
  matched,
  type Row,
  type Rules,
  rulesFrom,
  software,
  sourcesOf,
  table,
} from './testing/data.ts';
import { counted, explainedDifferences } from './testing/differences.ts';

const AS_OF = '2026-11-23T00:00:00Z';
const name = (row: Row) => `${row.source} ${row.cve} ${row.fixed_version}`;

describe('when a Debian 12 host of November 2026 is upgraded', () => {
  const truth = table('debian-12-host.changelog-truth');
  const upgrades = table('debian-12-host.upgradable');
  let rules: Rules;
  beforeAll(async () => {
    rules = await rulesFrom(debianTracker, 'data.json', fixture('derived-host-changelog.tracker.json'), AS_OF);
  });

  const found = (versionOf: (row: Row) => string | undefined) => {
    const find = finder(rules);

    return truth.filter((row) => {
      const match = find(row, versionOf(row));

      return match?.state === 'fixable' && match.fixed === row.fixed_version;
    });
  };

  it('finds every one of the 2,391 before', () => {
    expect(truth).toHaveLength(2391);
    expect(found((row) => row.installed_source_version).map(name)).toEqual(truth.map(name));
  });

  it('finds none with the version that has the fix', () => {
    expect(found((row) => row.fixed_version)).toEqual([]);
  });

  it('finds nothing at all after the upgrade', () => {
    const after = sourcesOf(
      'Debian:12',
      upgrades.map(({ source = '', source_candidate = '' }) => ({ source, source_version: source_candidate })),
    );

    expect(after).toHaveLength(57);
    expect(after.flatMap((one) => matched(one, rules))).toEqual([]);
  });

  it('finds those 66 too that came with the point release and never were in the security suite', () => {
    const late = truth.filter(({ fix_suite }) => fix_suite === 'bookworm');
    const find = finder(rules);
    const matches = late.map((row) => find(row, row.installed_source_version));

    expect(late).toHaveLength(66);
    expect(matches.filter((match) => match?.state === 'fixable')).toHaveLength(66);
  });

  it('takes a pure rebuild for no fix and for no finding', () => {
    const rebuilt = upgrades.filter(({ source_installed, source_candidate }) => source_installed === source_candidate);

    expect(new Set(rebuilt.map(({ source }) => source))).toEqual(new Set(['appstream', 'bash', 'e2fsprogs']));
    for (const { source = '', source_installed = '' } of rebuilt) {
      expect(matched(software('Debian:12', source, source_installed), rules)).toEqual([]);
    }
  });
});

describe.each(['oldest-in-changelog', 'random-mix'])('when the older host %s is upgraded', (host) => {
  const truth = table(`${host}.changelog-truth`);
  const rules = gathered('debian-tracker', truth.map(ruleOf), AS_OF);
  const find = finder(rules);

  it('finds every CVE before, but for what the table explains', () => {
    const missing = truth.filter((row) => find(row, row.installed)?.fixed !== row.fixed_version);
    // What dpkg takes for newer than the fix no upgrade would ever replace.
    const reasons = counted(
      missing.map((row) => `${row.installed} ${row.fixed_version} ${name(row)}`),
      (row) => {
        const [installed = '', fixed = ''] = row.split(' ');

        return compareDebVersions(installed, fixed) >= 0 ? 'sorts-after-the-fix' : null;
      },
    );

    expect(truth.length).toBeGreaterThan(300);
    expect(reasons).toEqual(explainedDifferences(`${host} changelog`));
  });

  it('finds none with the fix', () => {
    expect(truth.filter((row) => find(row, row.fixed_version) !== null).map(name)).toEqual([]);
  });
});

/** Matches each version of a package once. */
function finder(rules: Rules): (row: Row, version: string | undefined) => Match | null {
  const known = new Map<string, ReadonlyMap<string, Match>>();

  return ({ source = '', cve = '' }, version = '') => {
    const key = `${source} ${version}`;
    const matches =
      known.get(key) ?? new Map(matched(software('Debian:12', source, version), rules).map((one) => [one.cve, one]));
    known.set(key, matches);

    return matches.get(cve) ?? null;
  };
}

function ruleOf({ source = '', cve = '', fixed_version = '' }: Row): Rule {
  return {
    ...{ ecosystem: 'Debian:12', package: source, record: cve, cves: [cve], status: 'fixed' as const },
    ranges: [{ introduced: null, fixed: fixed_version, lastAffected: null }],
  };
}
