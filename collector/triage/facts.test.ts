// Many feeds, one CVE: the order of the parts decides nothing, and what is missing stays missing.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { CveFactsPart, SsvcPoints } from './cve-facts.ts';
import { mergeFacts } from './facts.ts';
import { realCves } from './testing/real-facts.ts';

const points = (exploitation: unknown, at: string | null, automatable: unknown = null): CveFactsPart => ({
  ssvc: { exploitation, automatable, technicalImpact: null, at } as unknown as SsvcPoints,
});

describe('when feeds speak of one CVE', () => {
  it('says nothing where they do', () => {
    expect(mergeFacts('CVE-2026-0001', [])).toEqual({
      ...{ cve: 'CVE-2026-0001', title: null, published: null, kev: null, epss: null, ssvc: null },
      ...{ cvss: [], cwe: [], references: [] },
    });
  });

  it('is the same in any order', () => {
    const more: readonly CveFactsPart[] = [
      { title: 'b', cwe: ['CWE-79', 'CWE-20'], references: ['https://b', 'https://a'] },
      { title: 'a', kev: { dateAdded: '2020-01-01', dueDate: null, ransomware: null } },
      { epss: { score: 0.9, percentile: 1, asOf: '2026-08-15' } },
      points('active', '2025-01-01T00:00:00Z'),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...realCves()), fc.nat(), ({ cve, parts }, seed) => {
        const all = [...parts, ...more];
        const shuffled = all.toSorted(
          (a, b) => ((all.indexOf(a) * 7919 + seed) % 31) - ((all.indexOf(b) * 7919 + seed) % 31),
        );

        expect(mergeFacts(cve, shuffled)).toEqual(mergeFacts(cve, all));
      }),
    );
  });

  it('works scores out from their vectors, whatever was claimed beside them', () => {
    const [score] = mergeFacts('CVE-2024-28568', [
      {
        cvss: [
          // As CISA-ADP published it: 8.4 for a vector that is 6.2.
          {
            version: '3.1',
            vector: 'CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H',
            score: 8.4,
            severity: 'high',
            source: 'CISA-ADP',
          },
        ],
      },
    ]).cvss;

    expect(score).toMatchObject({ score: 6.2, severity: 'medium' });
  });

  it('keeps what was claimed for a vector that is none', () => {
    const odd = { version: '3.1', vector: 'none given', score: 7.5, severity: 'high', source: 'vendor' } as const;

    expect(mergeFacts('CVE-2026-0001', [{ cvss: [odd] }]).cvss).toEqual([odd]);
  });

  it.each([
    ['none', 'none'],
    ['None', 'none'],
    ['PoC', 'poc'],
    ['public poc', 'poc'],
    [' ACTIVE ', 'active'],
    ['weaponised', null],
    [null, null],
    [7, null],
    ['constructor', null],
  ])('reads exploitation %j as %j', (found, meant) => {
    expect(mergeFacts('CVE-2026-0001', [points(found, null)]).ssvc?.exploitation ?? null).toBe(meant);
  });

  it.each([
    ['Yes', true],
    ['NO', false],
    [true, true],
    ['perhaps', null],
  ])('reads automatable %j as %j', (found, meant) => {
    expect(mergeFacts('CVE-2026-0001', [points('none', null, found)]).ssvc?.automatable ?? null).toBe(meant);
  });

  it('takes each point from the newest record that has it, and says of when the exploitation is', () => {
    const { ssvc } = mergeFacts('CVE-2026-0001', [
      points('poc', '2024-01-01T00:00:00Z', 'yes'),
      points('active', '2025-01-01T00:00:00Z'),
      points(null, '2026-01-01T00:00:00Z'),
    ]);

    expect(ssvc).toMatchObject({ exploitation: 'active', automatable: true, at: '2025-01-01T00:00:00Z' });
  });

  it('has the score of the newest day, and none where there is none', () => {
    const epss = (score: number, asOf: string): CveFactsPart => ({ epss: { score, percentile: 0.5, asOf } });

    expect(mergeFacts('CVE-2026-0001', [epss(0.9, '2025-02-09'), epss(0.1, '2026-08-16')]).epss?.score).toBe(0.1);
    expect(mergeFacts('CVE-2026-0001', [{}]).epss).toBeNull();
  });
});
