// What others say of findings, as an admin meets it: VEX documents, accepted risks, own advisories and reports of other scanners. Real
// commands, a real collector, real signatures.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS_SECTION } from '../api/testing/inventories.ts';
import { debs, rule } from '../findings/testing/findings-lab.ts';
import { putFeed } from '../findings/testing/put-feed.ts';
import { hostSample } from '../store/samples.ts';
import { OPENVEX_SAMPLE } from '../vex/testing/documents.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const folder = temporaryFolder('words-of-others');
const lab = collectorLab();
let collector: Running;
const HOST = hostSample(1).name;
const run = (...args: readonly string[]) => lab.run(args, { columns: 120 });
// Once: at midnight the documents would be others.
const TODAY = Temporal.Now.plainDateISO('UTC');
const day = (offset: number) => TODAY.add({ days: offset }).toString();

interface Findings {
  readonly findings: readonly { readonly cve: string; readonly state: string; readonly note?: string | null }[];
}
/** `CVE state` of every finding, as soon as the collector has read everything. */
async function states(want: (found: readonly string[]) => boolean): Promise<readonly string[]> {
  for (;;) {
    const answer = await run('finding', 'list', '--json');
    expect(answer).toMatchObject({ exit: 0 });
    const found = answer.json<Findings>().findings.map(({ cve, state }) => `${cve} ${state}`);
    if (want(found)) return found.toSorted();
  }
}

beforeAll(async () => {
  await lab.init();
  const packages = debs({ openssl: '3.0.11-1', openssh: '1:9.2p1-2+deb12u2', 'xz-utils': '5.6.1-1' });
  await lab.addHost(1, { os: { ...OS_SECTION, hostname: 'web-1.example.org' }, packages });
  await lab.withStore(async (store) => {
    const rules = [
      rule('CVE-2024-0001', 'openssl', '3.0.13-1'),
      rule('CVE-2024-6387', 'openssh', '1:9.2p1-2+deb12u3'),
      rule('CVE-2023-51385', 'openssh', '1:9.2p1-2+deb12u1'),
    ];
    await putFeed(store, 'debian-tracker', rules, '2026-11-20T02:10:00Z' as never);
  });
  collector = await lab.serve();
});
afterAll(async () => {
  await collector.stop();
});

describe('when somebody else says that a weakness is none here', () => {
  it('its document is imported, listed, suppresses with its word, and counts no more when it is removed', async () => {
    await states((found) => found.length === 2);
    const file = lab.file('vendor.vex.json', JSON.stringify(OPENVEX_SAMPLE));
    const done = await run('vex', 'import', file);
    expect(done).toMatchObject({ exit: 0, stderr: '' });
    expect(done.stdout).toContain('2 statements of Example Security <sec@example.org> (1 not_affected, 1 fixed)');
    expect(done.stdout).toContain('1 of its 2 products are software that some machine here has');
    expect(done.stdout).toContain('the machine is not known here');

    expect(await states((found) => found.some((each) => each.endsWith('not-affected')))).toEqual([
      'CVE-2024-0001 fixable',
      'CVE-2024-6387 not-affected',
    ]);
    expect((await run('vex', 'import', file)).stderr).toContain('this very file was imported before');
    const [document] = (await run('vex', 'list', '--json')).json<{ documents: { id: string }[] }>().documents;
    expect((await run('vex', 'list')).stdout).toContain('vendor.vex.json, imported');
    expect((await run('vex', 'remove', document?.id ?? '')).exit).toBe(0);
    expect(await states((found) => found.every((each) => each.endsWith('fixable')))).toHaveLength(2);
    expect((await run('vex', 'remove', 'abcdef')).exit).toBe(1);
  });

  it('what cannot be read is refused with its path, and nothing is kept', async () => {
    const file = lab.file('bad.json', JSON.stringify({ ...OPENVEX_SAMPLE, timestamp: 'soon' }));

    const refused = await run('vex', 'import', file);
    expect([refused.exit, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('VEX_INVALID');
    expect(refused.stderr).toContain('timestamp');
    expect((await run('vex', 'list')).stdout).toContain('no VEX document was imported');
  });
});

describe('when a risk is accepted', () => {
  const document = (over: string) => `kind: RiskAcceptance
name: openssl-of-web
cves: [CVE-2024-0001]
package: openssl
select: name=${HOST}
reason: the program that uses it breaks
control: reachable from the office only
requester: team web
from: ${day(-1)}
review: ${day(20)}
until: ${day(25)}
${over}`;

  it('only the admin whom it names may approve it, and never who asks for it', async () => {
    const same = await run('policy', 'push', lab.file('same.yaml', document('approver: Team  Web')));
    expect(same.exit).toBe(2);
    expect(same.stderr).toContain('another person has to approve');

    const other = await run('policy', 'push', lab.file('other.yaml', document('approver: bob')));
    expect(other.exit).toBe(2);
    expect(other.stderr).toContain('bob is no admin with a signing key');
  });

  it('its finding is accepted, stays countable with whose word it is, and its end is an alarm', async () => {
    const pushed = await run('policy', 'push', lab.file('good.yaml', document('approver: ann')));
    expect(pushed).toMatchObject({ exit: 0, stderr: '' });
    expect(pushed.stdout).toContain(`openssl-of-web is about 1 host: ${HOST}`);

    expect(await states((found) => found.some((each) => each.endsWith('accepted')))).toEqual([
      'CVE-2024-0001 accepted',
      'CVE-2024-6387 fixable',
    ]);
    const accepted = await run('finding', 'list', '--state', 'accepted', '--json');
    expect(accepted.json<Findings>().findings).toMatchObject([
      { cve: 'CVE-2024-0001', note: expect.stringContaining('risk acceptance openssl-of-web by ann until') },
    ]);
    const { alarms } = (await run('status', '--json')).json<{ alarms: { kind: string; message: string }[] }>();
    expect(alarms.filter(({ kind }) => kind.startsWith('risk-acceptance')).map(({ message }) => message)).toEqual([
      expect.stringContaining('the risk acceptance openssl-of-web (asked for by team web, approved by ann) ends in'),
    ]);
    expect((await run('policy', 'get', 'RiskAcceptance/openssl-of-web')).stdout).toContain('control: reachable');
  });
});

describe('when an advisory of our own is pushed', () => {
  it('it is a finding like any other', async () => {
    const text = `kind: Advisory
name: own-2026-001
summary: a backdoor that is not public yet
published: 2026-11-20T08:00:00Z
affected: [{ ecosystem: "Debian:12", package: xz-utils, ranges: [{ introduced: 5.6.0, fixed: 5.6.2-1 }] }]
decision: immediate
`;
    expect(await run('policy', 'push', lab.file('advisory.yaml', text))).toMatchObject({ exit: 0, stderr: '' });

    expect(await states((found) => found.length === 3)).toContain('own-2026-001 fixable');
    const explained = await run('finding', 'explain', HOST, 'own-2026-001');
    expect(explained.stdout).toContain('own-2026-001');
  });
});

describe('when another scanner says something else', () => {
  const item = (cve: string, name: string) =>
    `<ReportItem severity="3" pluginName="x"><cve>${cve}</cve><plugin_output>Remote package installed : ${name}_1-1</plugin_output></ReportItem>`;
  const report = `<NessusClientData_v2><Report name="r"><ReportHost name="web-1.example.org"><HostProperties/>${item('CVE-2024-6387', 'openssh')}${item('CVE-2023-51385', 'openssh')}${item('CVE-2024-0001', 'openssl')}${item('CVE-2030-0001', 'openssl')}</ReportHost><ReportHost name="printer-3"><HostProperties/>${item('CVE-2024-6387', 'x')}</ReportHost></Report></NessusClientData_v2>`;

  it('counts come first, then who says what, and hosts that nobody knows', async () => {
    const done = await run('finding', 'compare', lab.file('scan.nessus', report));

    expect(done).toMatchObject({ exit: 0, stderr: '' });
    expect(done.stdout).toMatch(
      /^Nessus on 1 machines: host-1\n {2}agreed +1\n {2}scanner only, answered +2 \(1 fixed, 1 accepted\)\n {2}scanner only, open +1\n {2}ours only +1\n/,
    );
    expect(done.stdout).toContain('printer-3: 1 findings; no machine is called so');
    const words = done.stdout.replaceAll(/\s+/g, ' ');
    expect(words).toContain(
      'fixed by backport in 1:9.2p1-2+deb12u1, installed 1:9.2p1-2+deb12u2, debian-tracker, 2026-11-20T02:10:00Z',
    );
    expect(words).toContain('accepted: risk acceptance openssl-of-web by ann');
    expect(Math.max(...done.stdout.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(120);
  });

  it('it goes back as a table or as OpenVEX, and explain says what the scanner says', async () => {
    const file = lab.file('scan.nessus', report);
    const table = await run('finding', 'compare', file, '--csv');
    expect(table.stdout.split('\n')[0]).toBe('group,host,cve,package,severity,state,answer,source,record,rule,as of');
    expect(table.stdout).toContain('"scanner only, answered",host-1,CVE-2023-51385,openssh,high,fixed,');
    const vex = (await run('finding', 'compare', file, '--openvex')).json<{ statements: { status: string }[] }>();
    expect(vex.statements.map(({ status }) => status).toSorted()).toEqual([
      ...['affected', 'affected', 'fixed', 'under_investigation'],
    ]);
    expect((await run('finding', 'compare', file, '--csv', '--json')).exit).toBe(2);
  });

  it('what is no report is refused', async () => {
    const refused = await run(
      'finding',
      'compare',
      lab.file('bomb.xml', '<!DOCTYPE a [<!ENTITY b "c">]><NessusClientData_v2/>'),
    );

    expect([refused.exit, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('SCAN_REPORT_INVALID');
  });
});

describe('when findings are handed to somebody else', () => {
  it('they are written as OpenVEX or CSAF, what is accepted as affected', async () => {
    const out = join(folder, 'ours.json');
    expect(await run('vex', 'export', '--format', 'csaf', '--out', out)).toMatchObject({ exit: 0 });
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ document: { category: 'csaf_vex' } });

    const { statements } = (await run('vex', 'export')).json<{
      statements: { vulnerability: { name: string }; status: string; action_statement?: string }[];
    }>();
    expect(statements.map(({ vulnerability, status }) => `${vulnerability.name} ${status}`)).toEqual([
      'CVE-2024-0001 affected',
      'CVE-2024-6387 affected',
      'own-2026-001 affected',
    ]);
    expect(statements[0]?.action_statement).toContain('accepted: risk acceptance');
    const all = (await run('vex', 'export', '--fixed')).json<{
      statements: { vulnerability: { name: string }; status: string; status_notes?: string }[];
    }>().statements;
    expect(all.filter(({ status }) => status === 'fixed')).toMatchObject([
      {
        vulnerability: { name: 'CVE-2023-51385' },
        status_notes: expect.stringContaining('debian-tracker of 2026-11-20'),
      },
    ]);
    expect((await run('vex', 'export', '--select', 'name=nobody')).exit).toBe(1);
  });

  it('what comes back is how things stood then, and takes nothing off the list', async () => {
    for (const format of ['openvex', 'csaf']) {
      const out = join(folder, `back.${format}`);
      await run('vex', 'export', '--fixed', '--format', format, '--out', out);
      const done = await run('vex', 'import', out);

      expect(done).toMatchObject({ exit: 0, stderr: '' });
      expect(done.stdout).toContain('Selvage wrote it: it is kept and takes nothing off');
    }
    // The word of somebody else about the same still counts: ours does not stand against it.
    const vendor = {
      ...OPENVEX_SAMPLE,
      '@id': 'urn:example:xz',
      statements: [
        {
          ...{ vulnerability: { name: 'own-2026-001' }, products: [{ '@id': 'pkg:deb/debian/xz-utils@5.6.1-1' }] },
          ...{ status: 'not_affected', justification: 'vulnerable_code_not_present' },
        },
      ],
    };
    await run('vex', 'import', lab.file('xz.json', JSON.stringify(vendor)));
    expect(await states((found) => found.some((each) => each.endsWith('not-affected')))).toEqual([
      ...['CVE-2024-0001 accepted', 'CVE-2024-6387 fixable', 'own-2026-001 not-affected'],
    ]);
  });

  it('the ledger has every word, and verifies', async () => {
    const actions = (await run('audit', 'list', '--json')).stdout;

    for (const action of ['vex.imported', 'vex.removed', 'finding.compared', 'advisories.taken'])
      expect(actions).toContain(action);
    expect((await run('audit', 'verify')).exit).toBe(0);
  });
});
