import { riskAcceptanceSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { inTurns } from '../api/in-turns.ts';
import { findingsLab, rule } from '../findings/testing/findings-lab.ts';
import { hostSample } from '../store/samples.ts';
import { vexSteps } from '../vex/export.ts';
import { readVex } from '../vex/reading.ts';
import { SUPPRESS_NOTHING, type Suppress } from '../vex/suppress.ts';
import { createSuppress } from '../vex/testing/suppress.ts';
import { createComparing } from './comparing.ts';
import { joinSteps } from './joining.ts';
import { cellOf, spreadsheetSteps } from './spreadsheet.ts';
import { reportText } from './testing/reports.ts';
import { wordSteps } from './words.ts';

const lab = findingsLab('compare');
const NAME = hostSample(1).name;
const NETWORK = { addresses: [{ interface: 'eth0', address: '192.0.2.10', prefix: 24, mac: '52:54:00:00:00:01' }] };
const PACKAGES = { openssl: '3.0.11-1', 'openssh-server openssh': '1:9.2p1-2+deb12u10', xz: '5.4.1-1' };
const RULES = [
  rule('CVE-2024-6387', 'openssh', '1:9.2p1-2+deb12u3'),
  rule('CVE-2023-48795', 'openssh', null, { status: 'not-affected', ranges: [] }),
  rule('CVE-2024-0001', 'openssl', '3.0.13-1~deb12u1'),
  rule('CVE-2024-0002', 'openssl', null),
  rule('CVE-2024-0003', 'nginx', '1.22.1-10'),
];

async function fleet(suppress: Suppress = SUPPRESS_NOTHING) {
  const setup = await lab.make();
  await setup.host(1);
  await setup.inventory(1, 1, PACKAGES, { network: NETWORK });
  await setup.feed('debian-tracker', 2, RULES);
  const { store, clock } = setup;
  const comparing = createComparing({ store, clock, fleet: () => setup.fleet, suppress: () => suppress });
  const compare = (text: string, host?: string) =>
    comparing({ bytes: new TextEncoder().encode(text), file: 'report', host, by: 'admin:ann' });

  return { ...setup, compare };
}

/** What the steps return, and how many they were. */
function toEnd<T>(steps: Generator<void, T>): readonly [T, number] {
  for (let count = 0; ; count += 1) {
    const step = steps.next();
    if (step.done) return [step.value, count];
  }
}

/** A .nessus file about one host, with `CVE package` lines. */
function nessus(host: string, ...lines: readonly string[]): string {
  const items = lines.map((line) => {
    const [cve, name] = line.split(' ');
    const output = name === undefined ? '' : `<plugin_output>Remote package installed : ${name}_1-1</plugin_output>`;

    return `<ReportItem severity="3" pluginName="x"><cve>${cve}</cve>${output}</ReportItem>`;
  });

  return `<NessusClientData_v2><Report name="r"><ReportHost name="${host}"><HostProperties></HostProperties>${items.join('')}</ReportHost></Report></NessusClientData_v2>`;
}

const said = (lines: readonly { cve: string; answer: string }[]) => lines.map(({ cve, answer }) => `${cve} ${answer}`);

describe('when the report of another scanner is held against findings', () => {
  it('every line is in one group, and what is answered carries the evidence', async () => {
    const { compare } = await fleet();
    const done = await compare(
      nessus(
        '192.0.2.10',
        'CVE-2024-0001 openssl',
        'CVE-2024-6387 openssh-server',
        'CVE-2023-48795',
        'CVE-2024-0003 nginx',
        'CVE-2030-0001 xz',
        'CVE-2030-0002',
      ),
    );

    expect(done.machines).toEqual([
      { machine: `host:${hostSample(1).id}`, name: NAME, host: '192.0.2.10', scannedAt: null },
    ]);
    expect(said(done.agreed)).toEqual([
      expect.stringMatching(/^CVE-2024-0001 openssl 3.0.11-1, fixed in 3.0.13-1~deb12u1, debian-tracker of /),
    ]);
    expect(said(done.answered)).toEqual([
      expect.stringMatching(
        /^CVE-2024-6387 fixed by backport in 1:9.2p1-2\+deb12u3, installed 1:9.2p1-2\+deb12u10, debian-tracker, 20/,
      ),
      expect.stringMatching(/^CVE-2023-48795 not affected: openssh 1:9.2p1-2\+deb12u10, .*debian-tracker/),
      expect.stringMatching(/^CVE-2024-0003 not installed: debian-tracker of .* has CVE-2024-0003 in nginx/),
    ]);
    expect(done.answered.map(({ kind }) => kind)).toEqual(['fixed', 'not affected', 'not installed']);
    expect(done.answered[0]?.evidence[0]).toMatchObject({
      feed: 'debian-tracker',
      record: 'CVE-2024-6387',
      says: 'fixed',
    });
    expect(said(done.open)).toEqual([
      'CVE-2030-0001 no feed says anything of CVE-2030-0001 in xz',
      'CVE-2030-0002 no feed says anything of CVE-2030-0002 in what is installed here',
    ]);
    expect(done.oursOnly.map(({ cve, package: name }) => `${cve} ${name}`)).toEqual(['CVE-2024-0002 openssl']);
  });

  it('what another package has fixed is no answer for the one that the scanner names', async () => {
    const { compare } = await fleet();
    const done = await compare(nessus(NAME, 'CVE-2024-6387 xz'));

    expect([done.answered, said(done.open)]).toEqual([
      [],
      ['CVE-2024-6387 no feed says anything of CVE-2024-6387 in xz'],
    ]);
  });

  it('what another package is open to is no agreement about the one that is named, and is ours', async () => {
    const { compare, feed } = await fleet();
    await feed('debian-tracker', 3, [...RULES, rule('CVE-2024-6387', 'xz', '5.6.0-1')]);
    const done = await compare(nessus(NAME, 'CVE-2024-6387 openssh-server'));

    expect([said(done.agreed), said(done.answered)]).toEqual([
      [],
      [expect.stringMatching(/^CVE-2024-6387 fixed by backport in 1:9.2p1-2\+deb12u3, installed/)],
    ]);
    expect(done.oursOnly.map(({ cve, package: name }) => `${cve} ${name}`)).toContain('CVE-2024-6387 xz');
    const [line] = (await compare(nessus(NAME, 'CVE-2024-6387 liblzma-of-the-scanner'))).agreed;
    expect([line?.package, line?.software?.name]).toEqual(['liblzma-of-the-scanner', 'xz']);
  });

  it('a risk that is accepted is an answer with whose word it is, and is handed back as affected', async () => {
    const acceptance = riskAcceptanceSample({
      cves: ['CVE-2024-0001'],
      package: 'openssl',
      select: `name=${NAME}`,
      from: '2026-01-01',
      until: '2026-12-31',
      review: '2026-12-01',
    });
    const { compare } = await fleet(createSuppress({ documents: [acceptance], statements: [] }));
    const done = await compare(nessus(NAME, 'CVE-2024-0001'));

    expect(done.agreed).toEqual([]);
    expect(said(done.answered)).toEqual([expect.stringContaining('accepted: risk acceptance ssh-of-the-plant by ann')]);
    expect((await inTurns(wordSteps(done))).map(({ status }) => status)).toEqual(['affected']);
  });

  it('a host is found by name in any case, by its full name, by what its inventory says; others are listed', async () => {
    const { compare } = await fleet();
    for (const host of [NAME, NAME.toUpperCase(), `${NAME}.example.org`, '192.0.2.10', 'host.example']) {
      const done = await compare(nessus(host, 'CVE-2024-0001'));
      const found = host !== 'host.example';

      expect([host, done.machines.length, done.unknownHosts.length]).toEqual([host, found ? 1 : 0, found ? 0 : 1]);
    }
    expect((await compare(nessus('host.example', 'CVE-2024-0001', 'CVE-2024-0002'))).unknownHosts).toEqual([
      { host: 'host.example', findings: 2, why: 'no machine is called so' },
    ]);
  });

  it('a name or address that two machines have is nobody, never one of them', async () => {
    const { compare, host, inventory } = await fleet();
    await host(2);
    await inventory(2, 3, PACKAGES, { network: NETWORK });
    const done = await compare(nessus('192.0.2.10', 'CVE-2024-0001'));

    expect(done.machines).toEqual([]);
    expect(done.unknownHosts[0]?.why).toContain('2 machines are called so');
  });

  it('a report without names is of the machine that is named, and of none when that is not known', async () => {
    const { compare } = await fleet();
    const done = await compare(reportText('trivy'), NAME);

    expect([done.machines.length, done.answered.length, done.withoutCve]).toEqual([1, 2, 1]);
    await expect(compare(reportText('trivy'), 'nobody')).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
    expect((await compare(reportText('trivy'))).unknownHosts).toEqual([
      { host: '(the report names no host)', findings: 2, why: 'no machine is called so' },
    ]);
  });

  it('of a machine whose packages are not known everything is open, nothing answered', async () => {
    const { fleet: index } = await fleet();
    const [known] = index.machines.values();
    if (!known) throw new Error('the fleet has a machine');
    const machine = { ...known, unknown: 'the list was cut' };
    const finding = { cve: 'CVE-2024-6387', package: 'openssh', version: null, severity: null, title: null };
    const reported = { names: [NAME], addresses: [], scannedAt: null, findings: [finding] };
    const sources = { fleet: index, open: () => [], rules: () => [], concerns: () => [] };
    const done = await inTurns(joinSteps([{ reported, machine }], [], sources));

    expect([done.agreed, done.answered, said(done.open)]).toEqual([
      [],
      [],
      [`CVE-2024-6387 the packages of ${NAME} are not known: the list was cut`],
    ]);
  });

  it('what the scanner said of a machine is kept, the last time only, with who compared', async () => {
    const { compare, store } = await fleet();
    const machine = `host:${hostSample(1).id}`;
    await compare(nessus(NAME, 'CVE-2024-0002'));
    await compare(nessus(NAME, 'CVE-2024-0001', 'CVE-2024-6387'));

    const [report, ...others] = await store.read.scanners.ofMachine(machine);

    expect(others).toEqual([]);
    expect(report).toMatchObject({ scanner: 'Nessus', comparedBy: 'admin:ann', file: 'report' });
    expect(report?.rows).toMatchObject([
      { cve: 'CVE-2024-0001', group: 'agreed' },
      { cve: 'CVE-2024-6387', group: 'answered', answer: expect.stringContaining('fixed by backport') },
    ]);
    expect(await store.read.scanners.ofMachine('host:other')).toEqual([]);
    expect((await store.read.audit.after(0, 100)).filter(({ action }) => action === 'finding.compared')).toHaveLength(
      2,
    );
  });

  it('before everything has been matched it says so, and keeps nothing', async () => {
    const { compare, fleet: index, store } = await fleet();
    index.complete = false;

    expect((await compare(nessus(NAME, 'CVE-2024-0001'))).complete).toBe(false);
    expect(await store.read.scanners.ofMachine(`host:${hostSample(1).id}`)).toEqual([]);
    index.complete = true;
    expect((await compare(nessus(NAME, 'CVE-2024-0001'))).complete).toBe(true);
  });

  it.each(['', '\u001b[31mred', '\u202egpj', 'x'.repeat(70)])(
    'a scanner that calls itself %j is kept under a name that can be shown',
    async (name) => {
      const { compare, store } = await fleet();
      const results = [{ ruleId: 'CVE-2024-0001', message: { text: 'Package: openssl' } }];
      const invocations = [{ endTimeUtc: '+010000-01-01T00:00:00Z' }];
      const runs = [{ tool: { driver: { name } }, results, invocations }];
      const done = await compare(JSON.stringify({ version: '2.1.0', runs }), NAME);

      expect(done.scanner).toMatch(/^[\x20-\x7e]{1,64}$/);
      const [report] = await store.read.scanners.ofMachine(`host:${hostSample(1).id}`);
      expect(report).toMatchObject({ scanner: done.scanner, scannedAt: null });
    },
  );

  it('a report that cannot be read changes nothing that was kept', async () => {
    const { compare, store } = await fleet();
    await compare(nessus(NAME, 'CVE-2024-0002'));
    await expect(compare('<NessusClientData_v2><ReportHost')).rejects.toThrow(
      expect.objectContaining({ code: 'SCAN_REPORT_INVALID' }),
    );

    const [report] = await store.read.scanners.ofMachine(`host:${hostSample(1).id}`);
    expect(report?.rows.map(({ cve }) => cve)).toEqual(['CVE-2024-0002']);
  });
});

describe('when it is handed back', () => {
  it('as OpenVEX it says fixed, affected, and not yet known; and can be read again', async () => {
    const { compare } = await fleet();
    const done = await compare(nessus(NAME, 'CVE-2024-0001', 'CVE-2024-6387', 'CVE-2030-0001', 'CVE-2024-0003 nginx'));
    const words = await inTurns(wordSteps(done));
    const facts = { author: 'us', at: '2026-11-20T12:00:00Z', version: '1' };
    const document = await inTurns(vexSteps('openvex', words, facts));
    const read = readVex(new TextEncoder().encode(JSON.stringify(document)));

    expect(
      read.statements.map(({ vulnerabilities, status, justification }) => [...vulnerabilities, status, justification]),
    ).toEqual([
      ['CVE-2024-0001', 'affected', null],
      ['CVE-2024-0003', 'not_affected', 'component_not_present'],
      ['CVE-2024-6387', 'fixed', null],
      ['CVE-2030-0001', 'under_investigation', null],
    ]);
  });

  it('of a long report others have their turns, in every form, and nothing is left out', async () => {
    const { compare } = await fleet();
    const done = await compare(nessus(NAME, 'CVE-2024-0001', 'CVE-2030-0001'));
    const long = { ...done, agreed: Array(3000).fill(done.agreed[0]), open: Array(3000).fill(done.open[0]) };
    const [table, lines] = toEnd(spreadsheetSteps(long));
    const [words, portions] = toEnd(wordSteps(long));

    expect(table.trimEnd().split('\n')).toHaveLength(6001 + done.oursOnly.length);
    expect(words).toHaveLength(6000);
    expect(lines).toBeGreaterThan(20);
    expect(portions).toBeGreaterThan(20);
  });

  it('as a table no cell is a formula, and nothing of it gets lost', async () => {
    const { compare } = await fleet();
    const table = await inTurns(spreadsheetSteps(await compare(nessus('=cmd|x', 'CVE-2024-0001'))));

    expect(table).toContain(`host not found,"'=cmd|x"`);
    for (const text of ['=1+1', '+1', '-1', '@x', '\t=1', ' =1', '\r=1', '＝1', '＋1', '－1', '＠x'])
      expect(cellOf(text)).toMatch(/^"'/);
    expect(cellOf('a "quoted", text')).toBe('"a ""quoted"", text"');
    expect(cellOf('1:9.2p1-2+deb12u10')).toBe('1:9.2p1-2+deb12u10');
  });
});
