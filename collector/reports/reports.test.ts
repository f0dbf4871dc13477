import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { Fleet } from '../findings/fleet.ts';
import { type Sample, sampleFleet } from '../findings/testing/sample-fleet.ts';
import { type Given, TODO_AT, todoDeps } from '../todo/testing/todo-deps.ts';
import { daysBetween, daysOf } from './days.ts';
import { type ExposureDeps, exposureSteps } from './exposure.ts';
import { funnelSteps, STAGES } from './funnel.ts';

const KEV = { kev: { dateAdded: '2026-01-02', dueDate: null, ransomware: null } };
const POC = { ssvc: { exploitation: 'poc' as const, automatable: null, technicalImpact: null, at: null } };

function finished<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const funnel = (sample: Sample, given: Given = {}) => finished(funnelSteps(sampleFleet(sample), todoDeps(given)));

describe('when the funnel is counted', () => {
  const matches = [
    {
      ...{ name: 'openssl', version: '1' },
      matches: [{ cve: 'CVE-1', fixed: '2' }, { cve: 'CVE-2', fixed: '2' }, { cve: 'CVE-3' }],
    },
  ];
  const software = [{ name: 'openssl', version: '1' }];
  const machines = ['a', 'b'].map((name) => ({ name, software }));

  it('counts CVEs once, findings for each machine, and each stage within the one before', () => {
    const { stages } = funnel({ machines, matches }, { facts: { 'CVE-1': KEV, 'CVE-2': POC } });

    expect(stages.relevant).toEqual({ cves: 3, findings: 6, machines: 2 });
    expect(stages.exploitable).toEqual({ cves: 2, findings: 4, machines: 2 });
    expect(stages.exploited).toEqual({ cves: 1, findings: 2, machines: 2 });
  });

  it('counts old code that was replaced on disk and still runs, but not among what can be installed', () => {
    const urgent = { ...KEV, cvss: [] };
    const processes = [{ pid: 7, program: '/usr/sbin/nginx', service: null }];
    const ran = {
      ...{ name: 'c', software: [{ name: 'openssl', version: '2' }], listening: [] },
      stillRunning: [{ package: 'openssl', source: 'openssl', processes }],
      episodes: [{ name: 'openssl', version: '1', since: '2026-01-01T00:00:00Z', until: '2026-03-01T12:00:00Z' }],
    };
    const given = { facts: { 'CVE-1': urgent } };
    const { stages } = funnel({ machines: [ran], matches }, given);

    expect(stages.relevant).toEqual({ cves: 3, findings: 3, machines: 1 });
    expect(stages.exploited).toEqual({ cves: 1, findings: 1, machines: 1 });
    expect(stages.now).toMatchObject({ findings: 1 });
    expect(stages.installable).toMatchObject({ findings: 0 });
    const judgements = { concerns: () => true, of: () => ({ state: 'accepted' as const, note: '', until: null }) };
    expect(funnel({ machines: [ran], matches }, { ...given, judgements }).stages.relevant.findings).toBe(0);
  });

  it('says of how many nobody can tell, instead of counting them as not exploited', () => {
    expect(funnel({ machines, matches }, { kev: null })).toMatchObject({ undecided: 6, withoutFacts: 3 });
  });

  it('leaves out what is accepted, and machines of which nothing is known', () => {
    const judgements = {
      concerns: () => true,
      of: (_: unknown, __: unknown, cve: string) =>
        cve === 'CVE-1' ? { state: 'accepted' as const, note: '', until: null } : null,
    };
    const given = { machines: [...machines, { name: 'c', software, unknown: 'not read' }], matches };
    const { stages, machines: counted } = funnel(given, { judgements });

    expect(stages.relevant).toEqual({ cves: 2, findings: 4, machines: 2 });
    expect(counted).toEqual({ counted: 3, unknown: 1 });
  });

  it('never grows from relevant to exploited', () => {
    const cve = fc.constantFrom('CVE-1', 'CVE-2', 'CVE-3');
    fc.assert(
      fc.property(fc.uniqueArray(cve), fc.uniqueArray(cve), fc.nat(4), (exploited, poc, count) => {
        const facts = Object.fromEntries([...poc.map((id) => [id, POC]), ...exploited.map((id) => [id, KEV])]);
        const many = Array.from({ length: count }, (_, index) => ({ name: `m${index}`, software }));
        const { stages } = funnel({ machines: many, matches }, { facts });
        for (const [index, name] of STAGES.slice(0, 3).entries()) {
          const before = stages[STAGES[Math.max(0, index - 1)] ?? 'relevant'];
          expect(stages[name].cves).toBeLessThanOrEqual(before.cves);
          expect(stages[name].findings).toBeLessThanOrEqual(before.findings);
        }
        expect(stages.installable.findings).toBeLessThanOrEqual(stages.now.findings);
      }),
    );
  });
});

describe('when exposure is measured', () => {
  const evidence = (record: string, published: string) => ({
    ...{ feed: 'osv-debian', feedAsOf: null, record, rule: '', status: 'fixed' as const, range: null, fixed: '2' },
    ...{ pocket: null, urgency: null, published: published as never, says: 'affected' as const },
  });
  const old = {
    ...{ name: 'openssl', version: '1' },
    matches: [
      {
        ...{ cve: 'CVE-1', fixed: '2' },
        evidence: [evidence('DEBIAN-CVE-1', '2026-01-01T00:00:00Z'), evidence('DSA-1', '2026-01-04T00:00:00Z')],
      },
    ],
  };
  const upgraded = (until: string, since = until) => ({
    ...{ name: 'a', software: [{ name: 'openssl', version: '2', since }] },
    episodes: [{ name: 'openssl', version: '1', since: '2025-12-01T00:00:00Z', until }],
  });
  const measure = (fleet: Fleet, over: Partial<ExposureDeps> = {}) =>
    finished(
      exposureSteps(fleet, {
        ...{ facts: () => ({ published: null }), approvedAt: () => null, restartedAt: () => null, now: TODO_AT },
        ...over,
      }),
    );

  it('gives the days of each stage of what was closed, and which cost most', () => {
    const fleet = sampleFleet({ machines: [upgraded('2026-01-20T00:00:00Z')], matches: [old] });
    const { closed, stages, costliest } = measure(fleet, {
      approvedAt: () => '2026-01-05T00:00:00Z',
      restartedAt: () => '2026-01-21T00:00:00Z',
    });

    expect(closed).toBe(1);
    expect(Object.values(stages).map(({ median }) => median)).toEqual([3, 1, 15, 1, 19]);
    expect(costliest.map(({ stage }) => stage)).toEqual(['installation', 'vendor-fix', 'approval']);
    expect(costliest[0]?.share).toBeCloseTo(0.75);
  });

  it('counts a stage of which nothing is known as unknown, not as no days', () => {
    const { stages } = measure(sampleFleet({ machines: [upgraded('2026-01-20T00:00:00Z')], matches: [old] }));

    expect(stages.approval).toEqual({ known: 0, unknown: 1, median: null, p90: null, worst: null, total: 0 });
    expect(stages.whole).toMatchObject({ known: 1, median: 19 });
  });

  it.each(['GHSA-x-y-z', 'PYSEC-2026-1', 'GO-2026-1', 'RUSTSEC-2026-1', 'TEMP-1', 'UBUNTU-CVE-2026-9'])(
    'takes the date of %s for that of the flaw, and of no fix',
    (record) => {
      const [match] = old.matches;
      const flaw = { ...match, cve: 'CVE-1', evidence: [evidence(record, '2026-01-04T00:00:00Z')] };
      const machines = [upgraded('2026-01-20T00:00:00Z')];
      const { stages } = measure(sampleFleet({ machines, matches: [{ ...old, matches: [flaw] }] }));

      expect(stages['vendor-fix']).toMatchObject({ known: 0, unknown: 1 });
      expect(stages.whole).toMatchObject({ known: 1, median: 16 });
    },
  );

  it('takes no date of an advisory of our own for that of the fix of its vendor', () => {
    const own = { ...evidence('own-2026-001', '2026-01-04T00:00:00Z'), feed: 'advisory' };
    const matches = [{ ...old, matches: [{ cve: 'CVE-1', fixed: '2', evidence: [own] }] }];
    const { stages } = measure(sampleFleet({ machines: [upgraded('2026-01-20T00:00:00Z')], matches }));

    expect(stages['vendor-fix']).toMatchObject({ known: 0, unknown: 1 });
  });

  it('spends no days on an approval that came when something else had installed it', () => {
    const fleet = sampleFleet({ machines: [upgraded('2026-01-20T00:00:00Z')], matches: [old] });
    const { stages, costliest } = measure(fleet, { approvedAt: () => '2026-02-20T00:00:00Z' });

    expect(stages.approval).toMatchObject({ known: 0, unknown: 1 });
    expect(stages.installation).toMatchObject({ known: 0, unknown: 1 });
    expect(stages.whole).toMatchObject({ known: 1, median: 19 });
    expect(costliest.map(({ stage }) => stage)).toEqual(['vendor-fix']);
    const inTime = measure(fleet, { approvedAt: () => '2026-01-20T00:00:00Z' });
    expect(inTime.stages.installation).toMatchObject({ known: 1, median: 0 });
  });

  it('does not take a removed package for an installed fix', () => {
    const machines = [upgraded('2026-01-20T00:00:00Z', '2026-02-02T00:00:00Z')];

    expect(measure(sampleFleet({ machines, matches: [old] })).stages.whole).toMatchObject({ known: 0, unknown: 1 });
  });

  it('does not count what another version has still open as closed', () => {
    const { matches } = old;
    const { closed, open } = measure(
      sampleFleet({
        machines: [upgraded('2026-01-20T00:00:00Z')],
        matches: [old, { name: 'openssl', version: '2', matches }],
      }),
    );

    expect([closed, open.findings, open.age.known]).toEqual([0, 1, 1]);
  });

  it('has machines of which nothing is known in the denominator alone', () => {
    const fleet = sampleFleet({
      machines: [{ ...upgraded('2026-01-20T00:00:00Z'), unknown: 'not read' }],
      matches: [old],
    });

    expect(measure(fleet)).toMatchObject({ closed: 0, machines: { counted: 1, unknown: 1, withClosed: 0 } });
  });
});

describe('when days are summed up', () => {
  it('takes values that occurred, and leaves unknown ones out', () => {
    expect(daysOf([1, null, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toEqual({
      ...{ known: 10, unknown: 1, median: 5, p90: 9, worst: 10, total: 55 },
    });
    expect(daysBetween('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')).toBe(0);
    expect(daysBetween(null, '2026-01-01T00:00:00Z')).toBeNull();
  });
});
