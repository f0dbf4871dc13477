import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { compareVersions } from '@selvage/shared/versions/list.ts';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../matching/rule.ts';
import type { CveFacts } from '../triage/cve-facts.ts';
import { factsAsOf, rulesAsOf } from './as-of.ts';
import { withoutEpochs } from './without-epochs.ts';

const rule = (record: string, published?: string): Rule => ({
  ...{ ecosystem: 'Debian:12', package: 'openssl', record, cves: [record], status: 'fixed' },
  ranges: [{ introduced: null, fixed: '1:3.0.11-1', lastAffected: null }],
  ...(published === undefined ? {} : { published: published as Timestamp }),
});
const source = (...rules: Rule[]) => [{ feed: 'f', asOf: null, ecosystem: 'Debian:12', package: 'openssl', rules }];

describe('as of a day', () => {
  it('what was published later does not count, what was published on that day does', () => {
    const all = source(
      rule('CVE-1', '2023-06-01T23:59:59Z'),
      rule('CVE-2', '2023-06-02T00:00:00Z'),
      rule('CVE-3', '2022-01-01T00:00:00Z'),
      rule('CVE-4'),
    );
    const { rules, undated } = rulesAsOf(all, '2023-06-01');

    expect(rules[0]?.rules.map(({ record }) => record)).toEqual(['CVE-1', 'CVE-3', 'CVE-4']);
    expect(undated).toBe(1);
  });

  it('KEV entries added later, later scores and later words do not count', () => {
    const facts: CveFacts = {
      ...{ cve: 'CVE-1', title: null, published: null, cvss: [], cwe: [], references: [] },
      kev: { dateAdded: '2023-06-02', dueDate: null, ransomware: null },
      epss: { score: 0.9, percentile: 0.9, asOf: '2023-06-01' },
      ssvc: {
        exploitation: 'poc',
        automatable: true,
        technicalImpact: 'total',
        at: '2023-06-02T00:00:00Z' as Timestamp,
      },
    };

    expect(factsAsOf(facts, '2023-06-01')).toEqual({ ...facts, kev: null, ssvc: null });
    expect(factsAsOf(facts, '2023-06-02')).toEqual(facts);
    expect(factsAsOf({ ...facts, ssvc: null }, '2023-05-31')).toMatchObject({ kev: null, epss: null, ssvc: null });
  });
});

describe('for a list without epochs', () => {
  it('those of rpm rules are left out, those of others stay', () => {
    const [deb] = withoutEpochs(source(rule('CVE-1')));
    const [rpm] = withoutEpochs(
      source({ ...rule('CVE-1'), versions: ['1:2-1', '3-1'] }).map((one) => ({ ...one, ecosystem: 'AlmaLinux:9' })),
    );

    expect(deb?.rules[0]?.ranges[0]?.fixed).toBe('1:3.0.11-1');
    expect(rpm?.rules[0]).toMatchObject({
      ranges: [{ introduced: null, fixed: '3.0.11-1' }],
      versions: ['2-1', '3-1'],
    });
    expect(compareVersions('AlmaLinux:9', '3.0.7-1', rpm?.rules[0]?.ranges[0]?.fixed ?? '')).toBeLessThan(0);
  });
});
