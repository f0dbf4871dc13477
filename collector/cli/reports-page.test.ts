// Both reports over a real API and store, at 80 and 120 columns.
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exposureReport, triageReport } from '../api/contract/reports.ts';
import { type ApiLab, apiLab, type ClientIdentity } from '../api/testing/api-lab.ts';
import { putFacts } from '../api/testing/finding-samples.ts';
import { sampleFleet } from '../findings/testing/sample-fleet.ts';
import type { Cli } from './cli.ts';
import { showExposure, showTriage } from './reports-page.ts';
import { createScreen } from './screen.ts';

let lab: ApiLab;
let reader: ClientIdentity;

beforeAll(async () => {
  lab = await apiLab();
  reader = await lab.admin('rita', 'reader');
});
afterAll(() => lab.close());

function printed(columns: number, show: (cli: Cli) => void): string {
  let text = '';
  const stdout = {
    columns,
    write: (more: string) => {
      text += more;
    },
  };
  const clock = fakeClock(lab.clock.now().toString());
  show({ screen: createScreen({ stdout, stderr: stdout, env: {} }), clock, zone: 'UTC' } as unknown as Cli);

  return text;
}

const ask = async (name: string) => (await lab.call('GET', `/v1/reports/${name}`, { as: reader })).json;

describe('when nothing was imported', () => {
  it('says that it is not known, in both reports, and never 0', async () => {
    const triage = triageReport.parse(await ask('triage'));
    const text = printed(80, (cli) => showTriage(cli, triage));

    expect(triage).toMatchObject({ disclosed: null, years: [] });
    expect(text).toContain('no feed was imported');
    expect(text).toMatch(/disclosed +\?/);
  });

  it('answers nobody without a certificate', async () => {
    expect((await lab.call('GET', '/v1/reports/triage')).status).toBe(401);
    expect((await lab.call('GET', '/v1/reports/exposure')).status).toBe(401);
  });
});

describe('when facts and findings are known', () => {
  beforeAll(async () => {
    await putFacts(lab.store, 'kev', {
      'CVE-2024-1': { kev: { dateAdded: '2024-02-01', dueDate: null, ransomware: null } },
    });
    await putFacts(lab.store, 'epss', {
      'CVE-2024-1': { epss: { score: 0.5, percentile: 0.9, asOf: '2026-01-01' } },
      'CVE-2024-2': { epss: { score: 0.1, percentile: 0.5, asOf: '2026-01-01' } },
      'CVE-2023-90001': { epss: { score: 0.1, percentile: 0.5, asOf: '2026-01-01' } },
    });
    lab.findings.fleet = sampleFleet({
      machines: [{ name: 'a', software: [{ name: 'x', version: '1' }] }],
      matches: [{ name: 'x', version: '1', matches: [{ cve: 'CVE-2024-1', fixed: '2' }, { cve: 'CVE-2026-7' }] }],
    });
  });

  it('counts each CVE once by its year, with the exploited share', async () => {
    const report = triageReport.parse(await ask('triage'));

    expect(report).toMatchObject({
      ...{ disclosed: 3, withoutFacts: 1 },
      stages: { relevant: { cves: 2, findings: 2, machines: 1 }, exploited: { cves: 1 } },
      years: [
        { year: 2024, known: 2, exploited: 1 },
        { year: 2023, known: 1, exploited: 0 },
      ],
    });
    expect(printed(120, (cli) => showTriage(cli, report))).toMatch(/2024 +2 +1 +50\.0 %/);
  });

  it.each([80, 120])('both fit %i columns', async (columns) => {
    const triage = triageReport.parse(await ask('triage'));
    const exposure = exposureReport.parse(await ask('exposure'));
    const text =
      printed(columns, (cli) => showTriage(cli, triage)) + printed(columns, (cli) => showExposure(cli, exposure));

    for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(columns);
    expect(text).toContain('mitigations are not built yet');
    const words = text.replaceAll('\n', ' ');
    expect(words).toContain('stages are of closed findings only: what is still open has the last row');
    expect(words).toContain('what came before the step ahead of it counts as 0');
  });
});
