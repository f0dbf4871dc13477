import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScanReport } from '../api/contract/scan.ts';
import { table } from '../matching/testing/data.ts';
import { dpkgStatus, OS_DEBIAN, SYFT, TRIVY } from '../scan/testing/samples.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';
import { importSnapshot } from './testing/scan-lab.ts';

type Document = ScanReport & { readonly scanned: { readonly packages: number; readonly unread: readonly unknown[] } };

const ALMA = (version: string) => `ID="almalinux"\nVERSION_ID="${version}"\nPRETTY_NAME="AlmaLinux ${version}"\n`;

const unbroken = (text: string) => text.replace(/\s+/g, ' ');

describe('when something is scanned by the feeds of a collector', () => {
  const lab = collectorLab();
  let running: Running;
  const debian = () => lab.file('os-release', OS_DEBIAN);
  const statusOf = (host: string) =>
    lab.file(
      host,
      dpkgStatus(
        table(`${host}.packages`).map(({ binary = '', version = '', source = '', source_version = '' }) => ({
          ...{ binary, version, source, sourceVersion: source_version },
        })),
      ),
    );
  const scan = async (path: string, ...more: readonly string[]) => lab.run(['scan', path, '--json', ...more]);
  /** `source record` of every finding: an announcement and the CVEs that it fixes are one. */
  const pairs = ({ findings }: Document, names: (one: ScanReport['findings'][number]) => readonly string[]) =>
    [
      ...new Set(
        findings.flatMap((one) => names(one).flatMap((name) => one.records.map((record) => `${name} ${record}`))),
      ),
    ].sort();

  beforeAll(async () => {
    await lab.init();
    await importSnapshot(lab, {
      ...{ 'osv-debian': 'osv-debian.jsonl.gz', 'osv-almalinux': 'osv-almalinux.jsonl.gz' },
      ...{ kev: 'kev.json.gz', epss: 'epss.csv.gz' },
    });
    running = await lab.serve();
  });
  afterAll(async () => {
    await running.stop();
  });

  it.each([
    ['debian-12-host', 729],
    ['oldest-in-changelog', 213],
    ['random-mix', 122],
  ])('every finding of %s is there, and no other', async (host, count) => {
    const expected = table(`${host}.expected`).map(({ source, advisory }) => `${source} ${advisory}`);
    const outcome = await scan(statusOf(host), '--os-release', debian());
    const document = outcome.json<Document>();

    expect(outcome).toMatchObject({ exit: 0, stderr: '' });
    expect(expected).toHaveLength(count);
    expect(pairs(document, ({ source }) => [source])).toEqual(expected.sort());
    // Its own version shows that NodeSource built it.
    expect(document.unknown.map(({ name }) => name)).toEqual(host === 'debian-12-host' ? ['nodejs'] : []);
    expect(document.counts.unknown).toBe(0);
  });

  it.each([
    ['ubi8-2019', '8.10'],
    ['ubi9.5-httpd-24', '9.5'],
  ])('every security announcement of %s is there, and no other', async (host, release) => {
    const list = table(`${host}.packages`).map(({ name, evr = '' }) => {
      const [, epoch = '(none)', version = '', number = ''] = /^(?:(\d+):)?(.+)-([^-]+)$/.exec(evr) ?? [];

      return `${name} ${epoch} ${version} ${number} x86_64\n`;
    });
    // Announcements of bug fixes and new features that name no CVE are no findings.
    const expected = table(`${host}.expected`).filter(
      ({ advisory = '', cves }) => advisory.startsWith('ALSA-') || cves !== '',
    );
    const outcome = await scan(lab.file(host, list.join('')), '--os-release', lab.file(`os-${host}`, ALMA(release)));

    expect(outcome).toMatchObject({ exit: 0, stderr: '' });
    expect(pairs(outcome.json<Document>(), ({ packages }) => packages)).toEqual(
      [...new Set(expected.map(({ name, advisory }) => `${name} ${advisory}`))].sort(),
    );
  });

  it('an upgrade to the fixed version closes it, whose word it is stands beside it', async () => {
    const of = async (version: string) => {
      const path = lab.file('openssh', dpkgStatus([{ binary: 'openssh-server', version, source: 'openssh' }]));
      const { findings } = (await scan(path, '--os-release', debian())).json<Document>();

      return findings.find(({ cve }) => cve === 'CVE-2024-6387');
    };

    expect(await of('1:9.2p1-2+deb12u2')).toMatchObject({
      ...{
        source: 'openssh',
        packages: ['openssh-server'],
        installed: '1:9.2p1-2+deb12u2',
        fixed: '1:9.2p1-2+deb12u3',
      },
      ...{ state: 'fixable', decision: 'scheduled' },
      evidence: { feed: 'osv-debian', rule: expect.stringContaining('1:9.2p1-2+deb12u2 < 1:9.2p1-2+deb12u3') },
    });
    expect(await of('1:9.2p1-2+deb12u3')).toBe(undefined);
  });

  it('the most urgent is first, and --fail-on ends with 1 from there on', async () => {
    const path = statusOf('oldest-in-changelog');
    const at = async (decision: string) =>
      lab.run(['scan', path, '--os-release', debian(), '--fail-on', decision], { columns: 120 });
    const immediate = await at('immediate');
    const outOfCycle = await at('out-of-cycle');

    expect(immediate).toMatchObject({ exit: 0, stderr: '' });
    expect(immediate.stdout.split('\n').find((line) => line.includes('CVE-'))).toMatch(
      /^CVE-2023-44487 +nghttp2 +1\.52\.0-1 +1\.52\.0-1\+deb12u1 +fixable +high, KEV/,
    );
    expect(immediate.stdout).toMatch(/^out-of-cycle: 1 finding\n[\s\S]*^scheduled: 104 findings\n/m);
    expect(outOfCycle.exit).toBe(1);
    expect(outOfCycle.stdout).toBe(immediate.stdout);
    expect(outOfCycle.stderr).toContain('error SCAN_REACHED: 1 out-of-cycle: --fail-on out-of-cycle');
    expect(await at('defer')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('1 out-of-cycle, 193 scheduled'),
    });
    expect(await at('soon')).toMatchObject({ exit: 2, stderr: expect.stringContaining('Allowed choices') });
  });

  it('what has no fix is one counted line, and all of it with --all', async () => {
    const path = statusOf('debian-12-host');
    const short = await lab.run(['scan', path, '--os-release', debian()]);
    const long = await lab.run(['scan', path, '--os-release', debian(), '--all']);

    expect(unbroken(short.stdout)).toContain('473 in kernel sources of which no kernel runs; --all lists them');
    expect(short.stdout).not.toContain('CVE-');
    expect(unbroken(short.stdout)).toContain('256 scheduled without a fix');
    // What is counted by decision and what does not run are all of it.
    expect(unbroken(short.stdout)).toContain(
      '729 findings: immediate 0, out-of-cycle 0, scheduled 256, defer 0, unknown 0; 473 of kernels that do not run',
    );
    expect(long.stdout.split('\n').filter((line) => line.includes('no-fix'))).toHaveLength(256);
    expect(long.stdout.split('\n').filter((line) => line.includes('no kernel runs'))).toHaveLength(473);
    for (const line of [...short.stdout.split('\n'), ...long.stdout.split('\n')]) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('as of a day only what was published until then counts, and it says what has no history', async () => {
    const path = statusOf('oldest-in-changelog');
    const now = (await scan(path, '--os-release', debian())).json<Document>();
    const then = (await scan(path, '--os-release', debian(), '--as-of', '2023-06-01')).json<Document>();

    expect(now.findings).toHaveLength(194);
    expect(then.findings).toHaveLength(45);
    expect(then).toMatchObject({ asOf: '2023-06-01', counts: { 'out-of-cycle': 0 } });
    expect(then.findings.every(({ kev, epss }) => kev === null && epss === null)).toBe(true);
    expect(then.notes.join('\n')).toMatch(/EPSS has no history: its scores are of 2026-08-16, later, and are left out/);
    expect(then.notes.join('\n')).toContain('no history is kept of fixes, statuses and scores');
    expect(await scan(path, '--os-release', debian(), '--as-of', '2999-01-01')).toMatchObject({ exit: 2 });
    expect(await scan(path, '--os-release', debian(), '--as-of', '2023-02-30')).toMatchObject({ exit: 2 });
  });

  it.each(['yesterday', '2026-02-30', '2026-01-31[u-ca=hebrew]', '-000001-01-01'])('%s is no day', async (day) => {
    const outcome = await lab.run(['scan', statusOf('debian-12-host'), '--as-of', day]);

    expect(outcome).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining(`"${day}" is no day such as 2026-01-31.`),
    });
    expect(outcome.stderr).not.toContain('RangeError');
  });

  it('packages that nobody watches are counted as unknown, also beside others', async () => {
    const outcome = await scan(lab.file('trivy.json', JSON.stringify(TRIVY)));
    const document = outcome.json<Document>();

    expect(document.watched).toEqual({ feed: 2, rule: 0, unknown: 1 });
    expect(document.unknown).toEqual([
      { ecosystem: 'npm', name: 'lodash', version: '4.17.20', reason: 'no feed that was imported speaks of npm' },
    ]);
    const withVendored = { ...SYFT, components: [...SYFT.components, { type: 'library', name: 'vendored' }] };
    const shown = await lab.run(['scan', lab.file('syft.json', JSON.stringify(withVendored))]);

    expect(unbroken(shown.stdout)).toContain(
      'unknown: 2 packages that nobody watches, so nothing is known of them: requests 2.31.0, @angular/core 12.0.0',
    );
    expect(unbroken(shown.stdout)).toContain(
      'unknown: 1 entry that could not be looked up, such as vendored: it has no package URL',
    );
    expect(shown.stdout).toContain('watched: 2 by a feed, 0 by a rule; unknown 3');
  });

  it('where nobody watches any of it, it is an error, not a clean answer', async () => {
    const bookworm = dpkgStatus([{ binary: 'bash', version: '5.2' }]);
    const outcome = await scan(
      lab.file('other', bookworm),
      '--os-release',
      lab.file('os-other', 'ID=debian\nVERSION_ID="7"\n'),
    );

    expect(outcome).toMatchObject({
      ...{ exit: 2, stdout: '' },
      stderr: expect.stringMatching(
        /error SCAN_INVALID: .*no feed that was imported speaks of Debian:7\nnext: import a feed/,
      ),
    });
  });

  it('a list without epochs is held against the numbers alone', async () => {
    const os = lab.file('os-alma', ALMA('9.5'));
    const of = async (line: string) => (await scan(lab.file('list', `${line}\n`), '--os-release', os)).json<Document>();
    const without = await of('openssl-libs-3.0.7-16.el9_2.x86_64');
    const withEpoch = await of('openssl-libs-1:3.0.7-16.el9_2.x86_64');
    const newest = await of('openssl-libs-99-1.el9.x86_64');

    expect(without.findings.length).toBeGreaterThan(0);
    expect(without.findings.map(({ cve }) => cve)).toEqual(withEpoch.findings.map(({ cve }) => cve));
    expect(without.notes).toContain('the list has no epochs: those of the advisories are taken');
    expect(newest.findings).toEqual([]);
  });

  it('names out of an SBOM write nothing to a terminal but letters', async () => {
    const hostile = {
      ...TRIVY,
      components: [...TRIVY.components, { type: 'library', name: '\u001b]0;owned\u0007\u001b[2J', version: '1' }],
    };
    const { stdout, exit } = await lab.run(['scan', lab.file('hostile.json', JSON.stringify(hostile))]);

    expect(exit).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('when a collector knows advisories, but not what is exploited', () => {
  const lab = collectorLab();

  it('every decision is unknown, and --fail-on stops for that', async () => {
    await lab.init();
    await importSnapshot(lab, { 'osv-debian': 'osv-debian.jsonl.gz' });
    const running = await lab.serve();
    const path = lab.file(
      'status',
      dpkgStatus([{ binary: 'openssh-server', version: '1:9.2p1-2', source: 'openssh' }]),
    );
    const args = ['scan', path, '--os-release', lab.file('os-release', OS_DEBIAN), '--fail-on', 'immediate'];
    const outcome = await lab.run(args);

    expect(outcome).toMatchObject({ exit: 1, stderr: expect.stringMatching(/SCAN_REACHED: \d+ unknown/) });
    expect(outcome.stdout).toContain('note: KEV was never imported');
    expect(await lab.run(args, { home: join(lab.home, 'nobody') })).toMatchObject({ exit: 3 });
    await running.stop();
    expect(await lab.run(args)).toMatchObject({ exit: 4, stdout: '' });
  });
});
