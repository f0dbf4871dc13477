// What holds for any rules and any software.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { decodeGroups, decodeRules, encodeRule, joinRules } from '../feed-rows/rules.ts';
import type { PackageRules } from '../store/feed-ports.ts';
import { judge, matchSoftware, packagesOf } from './matching.ts';
import { DISTRO_STATUSES, type Rule } from './rule.ts';
import type { Software } from './software.ts';
import { software } from './testing/data.ts';
import { before, rule, source } from './testing/rules.ts';

const versions = fc.constantFrom(
  '1.0-1',
  '1.0-1+deb12u1',
  '1.0-2',
  '2.0-1',
  '2.0-1+esm1',
  '1:0.1-1',
  '0',
  '',
  'not a version',
);
const range = fc.record({
  introduced: fc.option(versions),
  fixed: fc.option(versions),
  lastAffected: fc.option(versions),
});
const anyRule: fc.Arbitrary<Rule> = fc.record(
  {
    ecosystem: fc.constant('Debian:12'),
    package: fc.constantFrom('demo', 'other'),
    record: fc.constantFrom('CVE-2026-1', 'CVE-2026-2', 'DSA-1-1', 'DSA-2-1'),
    cves: fc.subarray(['CVE-2026-1', 'CVE-2026-2']),
    status: fc.constantFrom(...DISTRO_STATUSES),
    ranges: fc.array(range, { maxLength: 3 }),
    versions: fc.array(versions, { maxLength: 2 }),
    pocket: fc.constantFrom('esm-infra', 'fips', 'point-release', 'security'),
    module: fc.constantFrom('demo:1', 'demo:2'),
    names: fc.constantFrom('source' as const, 'binary' as const),
    withdrawn: fc.constant('2026-01-01T00:00:00Z' as never),
  },
  { requiredKeys: ['ecosystem', 'package', 'record', 'cves', 'status', 'ranges'] },
);
const anySources: fc.Arbitrary<PackageRules[]> = fc.uniqueArray(
  fc.record({
    feed: fc.constantFrom('debian-tracker', 'osv-debian', 'osv', 'osv-other', 'advisory', 'host-updateinfo'),
    asOf: fc.constant(null),
    ecosystem: fc.constantFrom('Debian:12', 'Debian:13'),
    package: fc.constant('demo'),
    rules: fc.array(anyRule, { maxLength: 6 }),
  }),
  { selector: ({ feed, ecosystem }) => `${feed} ${ecosystem}`, maxLength: 4 },
);
const anySoftware: fc.Arbitrary<Software> = fc.record({
  ecosystem: fc.constant('Debian:12'),
  name: fc.constant('demo'),
  version: versions,
  source: fc.constant('demo'),
  module: fc.constantFrom(null, 'demo:1'),
  kernel: fc.constantFrom(null, 'running' as const, 'installed' as const),
  origin: fc.constantFrom(null, 'vendor.example'),
});

describe('whatever the rules', () => {
  it('asking for one CVE and matching all of them say the same', () => {
    fc.assert(
      fc.property(anySoftware, anySources, (one, sources) => {
        const matches = new Map(matchSoftware(one, sources).map((match) => [match.cve, match]));

        for (const cve of ['CVE-2026-1', 'CVE-2026-2', 'DSA-1-1', 'DSA-2-1']) {
          const { says, match, evidence } = judge(one, cve, sources);
          expect(match).toEqual(matches.get(cve) ?? null);
          if (match) expect(says === 'affected' || says === 'unknown').toBe(true);
          if (evidence.length === 0) expect([says, match]).toEqual(['unknown', null]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the order of sources and rules decides nothing', () => {
    const short = (one: Software, sources: readonly PackageRules[]) =>
      matchSoftware(one, sources).map(({ cve, state, fixed, pocket, status, records, evidence }) => ({
        ...{
          cve,
          state,
          fixed,
          pocket,
          status,
          records: [...records].sort(),
          says: evidence[0]?.says,
          evidence: evidence.length,
        },
      }));

    fc.assert(
      fc.property(anySoftware, anySources, (one, sources) => {
        const turned = sources.map((each) => ({ ...each, rules: each.rules.toReversed() })).toReversed();

        expect(short(one, turned)).toEqual(short(one, sources));
      }),
      { numRuns: 3000 },
    );
  });

  it('rules as they are stored, where what is closed is passed over, are answered as all of them one by one', () => {
    fc.assert(
      fc.property(anySources, anySoftware, (sources, on) => {
        const texts = sources.map(({ rules, ...rest }) => ({ ...rest, text: joinRules(rules.map(encodeRule)) }));
        const own = texts.map(({ text, ...rest }) => ({
          ...rest,
          rules: decodeRules(text, rest.ecosystem, rest.package),
        }));
        const stored = texts.map(({ text, ...rest }) => ({
          ...rest,
          ...decodeGroups(text, rest.ecosystem, rest.package),
        }));

        expect(matchSoftware(on, stored)).toEqual(matchSoftware(on, own));
        for (const one of stored)
          expect(matchSoftware(on, [one])).toEqual(matchSoftware(on, [{ ...one, shared: null }]));
      }),
      { numRuns: 400 },
    );
  });

  it('rules that share what they have in common are each answered for themselves', () => {
    const ofSource = fc.record({ sourceVersion: versions }, { requiredKeys: [] });
    const differing = fc.constantFrom('status' as const, 'versions' as const, 'module' as const, 'names' as const);
    const alike = fc.tuple(differing, range, fc.array(anyRule, { minLength: 2, maxLength: 4 }));
    fc.assert(
      fc.property(anySoftware, ofSource, alike, (one, more, [key, only, all]) => {
        const ranges = [only];
        const shared = all.map(({ record, cves, [key]: own }) =>
          rule({ record, cves, ranges, ...(own === undefined ? {} : { [key]: own }) }),
        );
        const apart = shared.map((each): Rule => JSON.parse(JSON.stringify(each)));
        const found = (rules: readonly Rule[]) => matchSoftware({ ...one, ...more }, [source('osv', ...rules)]);

        expect(found(shared)).toEqual(found(apart));
      }),
      { numRuns: 1000 },
    );
  });

  it('a fix that is no version is told only where there is no other, whichever record comes first', () => {
    const strange = rule({ record: 'DSA-1-1', ranges: before('not a version'), versions: ['1.0-1'] });
    const [first, second] = [rule({ record: 'DSA-2-1' }), rule({ record: 'DSA-3-1', ranges: before('2.0-0+a') })];
    const same = [rule({ record: 'DSA-4-1', ranges: before('02.0-1') }), first];
    const fixIn = (...rules: readonly Rule[]) =>
      matchSoftware(software('Debian:12', 'demo', '1.0-1'), [source('osv-debian', ...rules)])[0]?.fixed;

    expect([fixIn(strange, first, second), fixIn(second, first, strange)]).toEqual(['2.0-1', '2.0-1']);
    expect(fixIn(strange)).toBe('not a version');
    expect([fixIn(...same), fixIn(...same.toReversed())]).toEqual(['02.0-1', '02.0-1']);
  });

  it('a branch without a fix is open, also where the same record has a fix for another', () => {
    const ranges = [
      { introduced: null, fixed: '1.4', lastAffected: null },
      { introduced: '2.0', fixed: null, lastAffected: '2.3' },
    ];
    const rules = [source('osv-pypi', rule({ ecosystem: 'PyPI', ranges }))];

    expect(matchSoftware(software('PyPI', 'demo', '2.1'), rules)[0]).toMatchObject({
      state: 'open',
      status: 'open',
      fixed: null,
    });
    expect(matchSoftware(software('PyPI', 'demo', '1.3'), rules)[0]).toMatchObject({ status: 'fixed', fixed: '1.4' });
    expect(matchSoftware(software('PyPI', 'demo', '2.4'), rules)).toEqual([]);
  });

  it('every finding has evidence, the first decided, and a fix where it says so', () => {
    fc.assert(
      fc.property(anySoftware, anySources, (one, sources) => {
        for (const match of matchSoftware(one, sources)) {
          expect(match.evidence.length).toBeGreaterThan(0);
          expect(['affected', 'unknown']).toContain(match.evidence[0]?.says);
          expect(match.state === 'fixable').toBe(match.fixed !== null);
          if (match.evidence[0]?.says === 'unknown') expect(match.status).toBe('undetermined');
          expect(match.records.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('rules of other packages, releases and withdrawn ones change nothing', () => {
    fc.assert(
      fc.property(anySoftware, anySources, anyRule, (one, sources, extra) => {
        const others = source(
          'osv-other',
          { ...extra, package: 'elsewhere' },
          { ...extra, withdrawn: '2026-01-01T00:00:00Z' as never },
        );
        const elsewhere = {
          ...source('osv-other', { ...extra, package: 'demo', ecosystem: 'Debian:13' }),
          ecosystem: 'Debian:13',
        };

        expect(matchSoftware(one, [...sources, others, elsewhere])).toEqual(matchSoftware(one, sources));
      }),
      { numRuns: 300 },
    );
  });

  it('hostile texts are answered and cut short, never thrown', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 400 }),
        fc.string({ maxLength: 400 }),
        fc.constantFrom('Debian:12', 'AlmaLinux:9', 'PyPI', 'npm', 'Nowhere'),
        (version, fixed, ecosystem) => {
          const [match] = matchSoftware(software(ecosystem, 'demo', version), [
            source('osv', rule({ ecosystem, ranges: before(fixed) })),
          ]);

          for (const { rule: words } of match?.evidence ?? []) expect(words.length).toBeLessThan(1000);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('when thousands of records concern one package', () => {
  it('each distinct version is compared once', () => {
    const rules = Array.from({ length: 4000 }, (_, index) =>
      rule({
        record: `CVE-2026-${10_000 + index}`,
        cves: [`CVE-2026-${10_000 + index}`],
        ranges: before(`6.1.${index % 40}-1`),
      }),
    );
    const matches = matchSoftware(software('Debian:12', 'demo', '6.1.20-1'), [source('osv-debian', ...rules)]);

    expect(matches).toHaveLength(1900);
    expect(packagesOf(software('Debian:12', 'demo', '1-1'))).toEqual([{ ecosystem: 'Debian:12', package: 'demo' }]);
  });
});
