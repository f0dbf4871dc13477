import { describe, expect, it } from 'vitest';
import { EPSS } from './epss.ts';
import { KEV } from './kev.ts';
import { codeOf, readAll, sourceOf } from './testing/reading.ts';

const entry = {
  ...{ cveID: 'CVE-2025-0108', vendorProject: 'Palo Alto Networks', product: 'PAN-OS' },
  ...{ vulnerabilityName: 'Palo Alto Networks PAN-OS Authentication Bypass Vulnerability', dateAdded: '2025-02-18' },
  ...{ dueDate: '2025-03-11', knownRansomwareCampaignUse: 'Unknown', cwes: ['CWE-306'] },
};
const catalogue = (vulnerabilities: readonly unknown[]) =>
  JSON.stringify({
    catalogVersion: '2025.02.19',
    dateReleased: '2025-02-19T14:08:44.5021Z',
    count: 1,
    vulnerabilities,
  });
const kev = (text: string) => readAll(KEV, sourceOf('kev', text));
const epss = (text: string) => readAll(EPSS, sourceOf('epss.csv', text, 7));

describe('when the catalogue of known exploited vulnerabilities is read', () => {
  it('each entry has its dates as they are, not worked out', async () => {
    const soon = { ...entry, cveID: 'CVE-2026-8037', dateAdded: '2026-08-07', dueDate: '2026-08-10' };
    const { cves, asOf } = await kev(catalogue([entry, soon]));

    expect(cves.get('CVE-2025-0108')).toEqual({
      kev: { dateAdded: '2025-02-18', dueDate: '2025-03-11', ransomware: null },
      title: entry.vulnerabilityName,
      cwe: ['CWE-306'],
    });
    expect(cves.get('CVE-2026-8037')?.kev?.dueDate).toBe('2026-08-10');
    expect(asOf).toBe('2025-02-19T14:08:44.5021Z');
  });

  it('ransomware is known or not known, never known to be absent', async () => {
    const known = { ...entry, cveID: 'CVE-2024-53704', knownRansomwareCampaignUse: 'Known' };
    const { cves } = await kev(catalogue([entry, known]));

    expect([...cves.values()].map((each) => each.kev?.ransomware)).toEqual([null, true]);
  });

  it('the CSV says the same', async () => {
    const text = [
      'cveID,vendorProject,product,vulnerabilityName,dateAdded,shortDescription,requiredAction,dueDate,knownRansomwareCampaignUse,notes,cwes',
      'CVE-2025-48384,Git,Git,"Git ""Link"" Following",2025-08-25,"of, two\nlines",Apply,2025-09-15,Known,,"CWE-59, CWE-436"',
      'CVE-2024-8068,Citrix,"Session Recording",Citrix,2025-08-20,x,y,2025-09-10,Unknown,,',
    ].join('\n');
    const { cves, asOf, problems } = await kev(text);

    expect(problems).toEqual([]);
    expect(cves.get('CVE-2025-48384')).toEqual({
      kev: { dateAdded: '2025-08-25', dueDate: '2025-09-15', ransomware: true },
      ...{ title: 'Git "Link" Following', cwe: ['CWE-59', 'CWE-436'] },
    });
    expect(asOf).toBe('2025-08-25T00:00:00Z');
  });

  it('an entry without an id or a date is counted, and the others stand', async () => {
    const wrong = [
      { ...entry, cveID: 'cve-2025-1' },
      { ...entry, dateAdded: 'soon' },
      7,
      null,
      { cveID: { toString: 1 } },
    ];
    const { cves, problems } = await kev(catalogue([...wrong, entry]));

    expect([...cves.keys()]).toEqual(['CVE-2025-0108']);
    expect(problems).toHaveLength(5);
    expect((await kev(catalogue([{ ...entry, dueDate: '' }]))).cves.get('CVE-2025-0108')?.kev?.dueDate).toBeNull();
  });

  it.each(['<html>', '{"vulnerabilities": 7}', '[]', '{}', '{"catalogVersion":"1","vulnera', 'a,b\n1,2', ''])(
    '%s is no catalogue',
    async (text) => {
      expect(await codeOf(KEV, sourceOf('kev', text))).toBe('FEED_INVALID');
    },
  );
});

describe('when EPSS is read', () => {
  it('each score has the day of its file', async () => {
    const { cves, asOf, problems } = await epss(
      '#model_version:v2023.03.01,score_date:2025-02-20T00:00:00+0000\ncve,epss,percentile\r\nCVE-1999-0001,0.00383,0.73075\nCVE-2026-1000,1.3e-05,1\n',
    );

    expect(problems).toEqual([]);
    expect(cves.get('CVE-1999-0001')).toEqual({ epss: { score: 0.00383, percentile: 0.73075, asOf: '2025-02-20' } });
    expect(cves.get('CVE-2026-1000')?.epss?.score).toBe(0.000013);
    expect(cves.has('CVE-1999-0002')).toBe(false);
    expect(asOf).toBe('2025-02-20T00:00:00Z');
  });

  it.each([
    ['no line for the model', 'cve,epss,percentile\nCVE-1999-0001,0.1,0.2\n'],
    ['a line without a date', '#model_version:v2023.03.01\ncve,epss,percentile\nCVE-1999-0001,0.1,0.2\n'],
  ])('with %s they are taken, and it is said', async (_what, text) => {
    const { cves, asOf, problems } = await epss(text);

    expect(cves.size).toBe(1);
    expect(asOf).toBeNull();
    expect(problems).toEqual([{ name: 'epss.csv', reason: 'no line says of which day these scores are' }]);
  });

  it.each([
    ...['CVE-1999-1,0.1,0.2', 'CVE-1999-0001,1.1,0.2', 'CVE-1999-0001,-0.1,0.2', 'CVE-1999-0001,,0.2'],
    ...['CVE-1999-0001,0.1', 'CVE-1999-0001,0.1,0.2,0.3', 'CVE-1999-0001,NaN,0.2', 'CVE-1999-0001,0x1,0.2'],
  ])('%s is no score', async (line) => {
    const { cves, problems } = await epss(
      `#m,score_date:2025-02-20T00:00:00Z\ncve,epss,percentile\n${line}\nCVE-1999-0009,0,0.2\n`,
    );

    expect([...cves]).toEqual([['CVE-1999-0009', { epss: { score: 0, percentile: 0.2, asOf: '2025-02-20' } }]]);
    expect(problems).toHaveLength(1);
  });

  it.each(['', '<html></html>', '#model\ninvalid,header,format\nCVE-2024-6775,0.1,0.1', 'cve,epss\nCVE-2020-5902,0.6'])(
    '%s is no EPSS',
    async (text) => {
      expect(await codeOf(EPSS, sourceOf('x', text))).toBe('FEED_INVALID');
    },
  );
});
