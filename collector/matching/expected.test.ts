// Lists of findings that others worked out, with other tools, for real package lists: ours must be the same, or the table of
// docs/matching.md says why not.
import { beforeAll, describe, expect, it } from 'vitest';
import { OSV_FEEDS } from '../feeds/osv.ts';
import type { Match } from './match.ts';
import { isRestricted } from './pockets.ts';
import { difference, matched, type Rules, snapshotRules, software, sourcesOf, table } from './testing/data.ts';
import { counted, explainedDifferences } from './testing/differences.ts';

const feed = (name: string) => {
  const found = OSV_FEEDS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no feed ${name}`);

  return found;
};

/** One row for each record that says affected, as these lists have them. */
const recordsOf = (match: Match) => match.evidence.filter(({ says }) => says === 'affected');

describe('when the Debian 12 lists are matched against the data of that day', () => {
  let rules: Rules;
  beforeAll(async () => {
    rules = await snapshotRules(feed('osv-debian'));
  });

  const findings = (list: string) =>
    sourcesOf('Debian:12', table(`${list}.packages`)).flatMap((one) =>
      matched(one, rules).flatMap((match) =>
        recordsOf(match).map(({ record, fixed, urgency }) =>
          [one.name, one.version, record, fixed ?? '', record.startsWith('DSA') ? '' : urgency].join(' '),
        ),
      ),
    );
  const expected = (list: string) =>
    table(`${list}.expected`).map(({ source, installed, advisory, fixed, urgency }) =>
      [source, installed, advisory, fixed, urgency].join(' '),
    );

  it.each([
    ['debian-12-host', 729],
    ['oldest-in-changelog', 213],
    ['random-mix', 122],
  ])('finds in %s exactly the %i that are expected', (list, count) => {
    expect(expected(list)).toHaveLength(count);
    expect(difference(expected(list), findings(list))).toEqual({ missing: [], extra: [] });
  });

  it('finds nothing that could be fixed on a host that is newer than the data', () => {
    const states = sourcesOf('Debian:12', table('debian-12-host.packages')).flatMap((one) =>
      matched(one, rules).map(({ state }) => state),
    );

    expect(states).toHaveLength(729);
    expect(new Set(states)).toEqual(new Set(['open']));
  });
});

describe('when the Ubuntu 22.04 lists are matched', () => {
  let rules: Rules;
  beforeAll(async () => {
    rules = await snapshotRules(feed('osv-ubuntu'));
  });

  /** What the lists call it: they know no ignored, and OSV does not tell needed from pending. */
  const wordOf = ({ state, status, pocket }: Match) => {
    if (state === 'fixable') return isRestricted(pocket ?? undefined) ? 'fix-in-esm' : 'fix-available';

    return { postponed: 'open-deferred', undetermined: 'open-needs-triage' }[status as string] ?? 'open';
  };
  const isIgnored = ({ status }: Match) => status === 'ignored' || status === 'end-of-life';

  const findings = (list: string) =>
    sourcesOf('Ubuntu:22.04', table(`${list}.packages`)).flatMap((one) =>
      matched(one, rules).map((match) =>
        [
          one.name,
          one.version,
          match.cve,
          match.urgency,
          isIgnored(match) ? 'ignored' : wordOf(match),
          match.fixed ?? '',
        ].join(' '),
      ),
    );
  const expected = (list: string) =>
    table(`${list}.expected`).map(({ source, installed, cve, priority, status = '', fixed_or_note }) =>
      [
        ...[source, installed, cve, priority, status.replace(/^open-(?:needed|pending)$/, 'open')],
        status.startsWith('open') ? '' : fixed_or_note,
      ].join(' '),
    );
  const reasonsFor = (rows: readonly string[]) => {
    const missing = new Set(rows.map((row) => row.split(' ').slice(0, 3).join(' ')));

    return (row: string) => {
      if (row.includes(' ignored ')) return 'ignored-is-shown';
      // Missing under one word and there under another.
      if (row.startsWith('imagemagick ') && missing.has(row.split(' ').slice(0, 3).join(' ')))
        return 'paid-fix-is-older';

      return null;
    };
  };

  it.each([
    ['ubuntu-22.04-2024-01-17', 1832],
    ['ubuntu-22.04-2024-03-28', 1716],
    ['ubuntu-22.04-2026-07-17', 1169],
  ])('finds in %s the %i that are expected, but for what the table explains', (list, count) => {
    const { missing, extra } = difference(expected(list), findings(list));

    expect(expected(list)).toHaveLength(count);
    expect(counted(extra, reasonsFor(missing))).toEqual(explainedDifferences(list));
    expect(missing.filter((row) => reasonsFor(missing)(row) === null)).toEqual([]);
  });
});

describe('when the lists of the RHEL family are matched by binary name', () => {
  let rules: Rules;
  beforeAll(async () => {
    rules = await snapshotRules(feed('osv-almalinux'));
  });

  it.each([
    ['ubi8-2019', 'AlmaLinux:8', 415],
    ['ubi9.5-httpd-24', 'AlmaLinux:9', 248],
  ])('finds in %s what is expected, but for what the table explains', (list, ecosystem, count) => {
    const rows = table(`${list}.expected`);
    const findings = table(`${list}.packages`).flatMap(({ name = '', evr = '', module = '', source_rpm = '' }) =>
      matched(software(ecosystem, name, evr, { module: module || null, source: source_rpm }), rules).flatMap((match) =>
        recordsOf(match).map(({ record, fixed }) => [name, evr, record, fixed].join(' ')),
      ),
    );
    const withoutCve = new Set(
      rows
        .filter(({ cves }) => cves === '')
        .map(({ name, installed_evr, advisory }) => [name, installed_evr, advisory].join(' ')),
    );
    const expected = rows.map(({ name, installed_evr, advisory, fixed_evr }) =>
      [name, installed_evr, advisory, fixed_evr].join(' '),
    );
    const { missing, extra } = difference(expected, findings);

    expect(rows).toHaveLength(count);
    expect(extra).toEqual([]);
    expect(
      counted(missing, (row) => (withoutCve.has(row.split(' ').slice(0, 3).join(' ')) ? 'erratum-without-cve' : null)),
    ).toEqual(explainedDifferences(list));
  });
});
