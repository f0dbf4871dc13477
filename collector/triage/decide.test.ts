// Real CVEs through the tree: KEV wins over older words and says so, unknown is said, and no worse fact makes a milder decision.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { CveFacts, CvssScore } from './cve-facts.ts';
import { scoreOf } from './cvss.ts';
import { decide, decideWith, pointsOf, shownEpss, verdictOf } from './decide.ts';
import { type Circumstances, DECISIONS, EXPOSURES, HUMAN_IMPACTS } from './decision.ts';
import { mergeFacts } from './facts.ts';
import { someFacts } from './testing/facts.ts';
import { realCves } from './testing/real-facts.ts';

const around = (exposure: Circumstances['exposure'], impact: Circumstances['impact']): Circumstances => ({
  ...{ exposure, impact, exposureWhy: 'listens 0.0.0.0:443', impactWhy: 'label criticality=internal' },
});
const OPEN = around('open', 'medium');
const merged = realCves().map(({ cve, parts, ...rest }) => ({ ...rest, facts: mergeFacts(cve, parts) }));
const listed = merged.filter(({ kev }) => kev !== null);
const exploitationOf = (facts: CveFacts, knowledge = { kev: '' as string | null }) =>
  pointsOf(knowledge, facts, OPEN)[0];
const vector = (text: string): CvssScore => {
  const score = scoreOf(text, 'NVD');
  if (score === null) throw new Error(`no vector: ${text}`);

  return score;
};

describe('when KEV lists a CVE', () => {
  it('is active, whatever vulnrichment says, for all 263 that both know', () => {
    expect(listed).toHaveLength(263);
    expect(new Set(listed.map(({ facts }) => exploitationOf(facts)?.value))).toEqual(new Set(['active']));
  });

  it('says of 53 whose word was overruled, and of the other 210 nothing', () => {
    const overruled = listed.filter(({ facts }) => exploitationOf(facts)?.overruled !== null);

    expect(overruled).toHaveLength(53);
    expect(overruled.every(({ exploitation }) => exploitation.toLowerCase() !== 'active')).toBe(true);
    expect(listed.filter(({ exploitation }) => exploitation === 'Active')).toHaveLength(20);
  });

  it('names the day and the word that it overrules', () => {
    const facts = listed.find(({ facts }) => facts.cve === 'CVE-2024-38475')?.facts ?? someFacts();

    expect(exploitationOf(facts)).toEqual({
      name: 'exploitation',
      value: 'active',
      why: `KEV since 2025-05-01, EPSS ${shownEpss(facts.epss?.score ?? 0)}`,
      overruled: 'vulnrichment of 2024-07-10 says "none": older, overruled',
    });
    expect(decide(facts, OPEN)).toMatchObject({
      ...{ decision: 'out-of-cycle', path: 'active / open / yes / medium', tree: { name: 'deployer', version: '2.1' } },
      ...{ severity: 'critical', score: 9.1 },
    });
    expect(decide(facts, around('open', 'high')).decision).toBe('immediate');
  });

  it('overrules what is newer too, without calling it older', () => {
    const facts = someFacts({
      kev: { dateAdded: '2024-01-01', dueDate: null, ransomware: true },
      ssvc: { exploitation: 'poc', automatable: null, technicalImpact: null, at: '2025-01-01T00:00:00Z' as never },
    });

    expect(exploitationOf(facts)).toMatchObject({
      ...{ value: 'active', why: 'KEV since 2024-01-01, used by ransomware, no EPSS score' },
      overruled: 'vulnrichment of 2025-01-01 says "poc": overruled',
    });
  });
});

describe('when KEV does not list a CVE', () => {
  it('takes the word of vulnrichment in any letter case', () => {
    const others = merged.filter(({ kev, exploitation }) => kev === null && exploitation !== '');

    expect(others.filter(({ exploitation }) => exploitation !== exploitation.toLowerCase()).length).toBeGreaterThan(10);
    for (const { facts, exploitation } of others) expect(exploitationOf(facts)?.value).toBe(exploitation.toLowerCase());
  });

  it('says none where no source speaks of it, and that none does', () => {
    expect(exploitationOf(someFacts(), { kev: '2026-08-07T00:00:00Z' })).toEqual({
      ...{ name: 'exploitation', value: 'none', overruled: null },
      why: 'no source speaks of it: not in KEV of 2026-08-07, no vulnrichment, no EPSS score',
    });
  });

  it('never takes a high EPSS score for exploitation', () => {
    const facts = someFacts({ epss: { score: 0.97, percentile: 0.999, asOf: '2026-08-16' } });

    expect(exploitationOf(facts)).toMatchObject({ value: 'none', why: expect.stringContaining('EPSS 0.97') });
    expect(decide(facts, OPEN).decision).toBe(decide(someFacts(), OPEN).decision);
  });
});

describe('when KEV was never imported', () => {
  const never = { kev: null };

  it('decides nothing about what another source calls none or poc, and says why', () => {
    for (const exploitation of [null, 'none', 'poc'] as const) {
      const facts = someFacts({ ssvc: { exploitation, automatable: true, technicalImpact: null, at: null } });
      const { decision, path, points } = decideWith(never, facts, OPEN);

      expect([decision, path]).toEqual(['unknown', '? / open / yes / medium']);
      expect(points[0]).toMatchObject({ value: 'unknown', why: expect.stringContaining('never imported') });
    }
  });

  it('still knows what vulnrichment calls active', () => {
    const facts = someFacts({ ssvc: { exploitation: 'active', automatable: true, technicalImpact: null, at: null } });

    expect(decideWith(never, facts, around('open', 'high')).decision).toBe('immediate');
  });
});

describe('when nobody says whether it can be automated', () => {
  const value = (facts: Partial<CveFacts>) => decide(someFacts(facts), OPEN).points[2];

  it.each([
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 'yes'],
    ['CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N', 'yes'],
    ['CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 'no'],
    ['CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H', 'no'],
    ['CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H', 'no'],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H', 'no'],
    ['CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:N', 'no'],
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'yes'],
    ['CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'no'],
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'no'],
    ['AV:N/AC:L/Au:N/C:C/I:C/A:C', 'yes'],
    ['AV:N/AC:M/Au:N/C:C/I:C/A:C', 'no'],
  ])('takes %s as %s', (text, answer) => {
    expect(value({ cvss: [vector(text)] })).toMatchObject({ value: answer, why: expect.stringContaining('by CVSS') });
  });

  it('says whose vector it was', () => {
    expect(value({ cvss: [vector('CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H')] })?.why).toBe(
      'by CVSS 3.1 of NVD (AV:N/AC:L/PR:N/UI:N)',
    );
  });

  it('takes the worse where there is no vector, and says that it is assumed', () => {
    expect(value({})).toMatchObject({ value: 'yes', why: 'assumed: nobody says' });
  });

  it('lets vulnrichment speak before the vector', () => {
    const ssvc = { exploitation: null, automatable: false, technicalImpact: null, at: null };

    expect(value({ ssvc, cvss: [vector('CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H')] })).toMatchObject({
      ...{ value: 'no', why: 'vulnrichment' },
    });
  });
});

describe('when something gets worse', () => {
  const rank = (decision: (typeof DECISIONS)[number]) => -DECISIONS.indexOf(decision);
  const ssvcs = fc.record({
    exploitation: fc.constantFrom(null, 'none', 'poc', 'active'),
    automatable: fc.constantFrom(null, true, false),
    technicalImpact: fc.constant(null),
    at: fc.constant(null),
  });
  const facts = ssvcs.map((ssvc) => someFacts({ ssvc: ssvc as CveFacts['ssvc'] }));
  const circumstances = fc.record({ exposure: fc.nat(2), impact: fc.nat(3) });
  const at = ({ exposure, impact }: { readonly exposure: number; readonly impact: number }) =>
    around(EXPOSURES[exposure] ?? 'open', HUMAN_IMPACTS[impact] ?? 'very high');

  it('is never decided more mildly: a listing in KEV, a wider exposure, a greater loss', () => {
    fc.assert(
      fc.property(facts, circumstances, fc.constantFrom('kev', 'exposure', 'impact'), (about, place, change) => {
        const kev = { dateAdded: '2026-01-01', dueDate: null, ransomware: null };
        const before = rank(decide(about, at(place)).decision);
        const after =
          change === 'kev'
            ? decide({ ...about, kev }, at(place))
            : decide(about, at({ ...place, [change]: place[change as 'exposure' | 'impact'] + 1 }));

        expect(rank(after.decision)).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  it('gives one answer for the verdict alone and for the whole decision', () => {
    fc.assert(
      fc.property(fc.constantFrom(...merged), circumstances, ({ facts: about }, place) => {
        const { points, ...verdict } = decide(about, at(place));

        expect(verdictOf({ kev: '' }, about, at(place))).toEqual(verdict);
        expect(points.map(({ value }) => value).join(' / ')).toBe(verdict.path);
      }),
    );
  });
});

describe('when an EPSS score is shown', () => {
  it.each([
    [0.999_6, '0.9996'],
    [0.97, '0.97'],
    [0.033_51, '0.0335'],
    [0.000_04, '0.00004'],
    [1, '1'],
    [0, '0'],
  ])('writes %d as %s', (score, text) => {
    expect(shownEpss(score)).toBe(text);
  });
});
