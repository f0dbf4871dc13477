// What every format owes: a new one is covered by its report in testing/reports.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { FORMATS } from './formats.ts';
import { readReport } from './reading.ts';
import { REPORTS, reportText } from './testing/reports.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const invalid = expect.objectContaining({ code: 'SCAN_REPORT_INVALID' });
const invalidFor = (text: string) =>
  expect.objectContaining({ code: 'SCAN_REPORT_INVALID', message: expect.stringContaining(text) });

it('every format has a report here', () => {
  expect(REPORTS.map(({ format }) => format)).toEqual(FORMATS.map(({ name }) => name));
});

describe.each(REPORTS)('a report of the format $format', (sample) => {
  const { format, scanner, text, names, addresses, scannedAt, findings, withoutCve, cut } = sample;

  it('is told by what is in it: its host, its CVEs with their packages, and how many lines have none', () => {
    const read = readReport(bytes(text));
    const [host] = read.hosts;

    expect([read.format, read.scanner, read.hosts.length, read.withoutCve]).toEqual([format, scanner, 1, withoutCve]);
    expect(host).toMatchObject({ names, addresses, scannedAt });
    expect(host?.findings.map((each) => `${each.cve} ${each.package}`)).toEqual(findings);
  });

  it('is the same in UTF-16, with and without its mark, and with line ends of Windows', () => {
    const wanted = readReport(bytes(text)).hosts;
    const wide = Buffer.from(text, 'utf16le');
    const variants = [
      bytes(`\uFEFF${text}`),
      Buffer.from(`\uFEFF${text}`, 'utf16le'),
      wide,
      Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
      Buffer.from(wide).swap16(),
      bytes(text.replaceAll('\n', '\r\n')),
    ];
    for (const variant of variants) expect(readReport(variant).hosts).toEqual(wanted);
  });

  it('with letters of another encoding in what people wrote, it says the same', () => {
    const title = text.replace(/regreSSHion|dsa-5724|a race/, 'f\xfcr alle');
    const read = readReport(Buffer.from(title, 'latin1'));

    expect(read.hosts[0]?.findings.map((each) => `${each.cve} ${each.package}`)).toEqual(findings);
  });

  it('that is cut is refused, never half of it', () => {
    expect(() => readReport(bytes(cut))).toThrow(invalid);
  });

  it('whatever is changed in it, it is read or refused', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length - 1), fc.string({ maxLength: 3 })), { maxLength: 8 }),
        (changes) => {
          let changed = text;
          for (const [at, piece] of changes) changed = changed.slice(0, at) + piece + changed.slice(at + 1);
          try {
            for (const host of readReport(bytes(changed)).hosts) {
              for (const { cve } of host.findings) expect(cve).toMatch(/^CVE-\d{4}-\d{4,}$/);
              for (const name of host.names) expect(name).toMatch(/^[\x21-\x7e]+$/);
            }
          } catch (error) {
            expect(error).toEqual(invalid);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('what is no report', () => {
  it.each(['', ' ', '{}', '[]', 'null', '0', '<html></html>', 'a,b,c\n1,2,3\n', '{"runs":1}', '\u0000\u0001'])(
    '%j is refused',
    (text) => {
      expect(() => readReport(bytes(text))).toThrow(invalid);
    },
  );

  it('XML that defines entities is refused before it could become large', () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`;
    for (const format of ['nessus', 'openvas']) {
      const text = reportText(format).replace(/^<\?xml[^>]*\?>/, bomb);
      expect(() => readReport(bytes(text))).toThrow(invalidFor('document type'));
    }
  });

  it('XML that reads files of this machine is refused', () => {
    const outside = `<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><NessusClientData_v2></NessusClientData_v2>`;

    expect(() => readReport(bytes(outside))).toThrow(invalidFor('document type'));
  });

  it('XML without end in depth is refused', () => {
    const deep = `<NessusClientData_v2>${'<a>'.repeat(100_000)}`;

    expect(() => readReport(bytes(deep))).toThrow(invalidFor('deep'));
  });

  it('an entity that nobody defined is refused, not read as nothing', () => {
    const text = reportText('nessus').replace('web-1</tag>', '&host;</tag>');

    expect(() => readReport(bytes(text))).toThrow(invalid);
  });

  it('more hosts than any network has are refused', () => {
    const item = '<ReportItem severity="1"><cve>CVE-2024-6387</cve></ReportItem>';
    const hosts = Array.from({ length: 50_001 }, (_, at) => `<ReportHost name="h${at}">${item}</ReportHost>`);
    const text = `<NessusClientData_v2><Report>${hosts.join('')}</Report></NessusClientData_v2>`;

    expect(() => readReport(bytes(text))).toThrow(invalidFor('more than 50000 hosts'));
  });
});

describe('what products write besides', () => {
  it('what Trivy itself wrote about an image of Debian is read: CVEs, packages, versions', () => {
    const read = readReport(readFileSync(join(import.meta.dirname, 'fixtures/trivy-debian-buster.json')));

    expect(read).toMatchObject({ format: 'trivy', scanner: 'Trivy', withoutCve: 0 });
    expect(read.hosts).toMatchObject([{ scannedAt: '2021-08-25T12:20:30.000000005Z' }]);
    expect(read.hosts[0]?.findings.map((each) => `${each.cve} ${each.package} ${each.version}`)).toEqual([
      'CVE-2019-18276 bash 5.0-4',
      'CVE-2019-18224 libidn2-0 2.0.5-1',
    ]);
  });

  it('Grype has written versions with characters that may not be shown: they are blanks', () => {
    const text = reportText('grype').replace('1:9.2p1-2+deb12u2', '17.0.10+7\\u0000-J\\u001b[31m');

    expect(readReport(bytes(text)).hosts[0]?.findings[0]?.version).toBe('17.0.10+7 -J [31m');
  });

  it("Tenable's service names hosts and CVEs otherwise, divides by semicolons, and tells what is over", () => {
    const titles =
      'asset.display_ipv4_address;asset.host_name;definition.cve;definition.id;definition.name;severity;state;last_seen';
    const rows = [
      '192.0.2.10;web-1;CVE-2024-6387,CVE-2023-51385;201194;OpenSSH;High;ACTIVE;2026-11-20T10:20:00.000Z',
      '192.0.2.10;web-1;CVE-2023-48795;187315;Terrapin;Medium;FIXED;2026-11-20T10:20:00.000Z',
    ];
    const read = readReport(bytes([titles, ...rows].join('\n')));

    expect(read.hosts).toMatchObject([
      { names: ['web-1'], addresses: ['192.0.2.10'], scannedAt: '2026-11-20T10:20:00Z' },
    ]);
    expect(read.hosts[0]?.findings.map(({ cve }) => cve)).toEqual(['CVE-2024-6387', 'CVE-2023-51385']);
  });

  it("Qualys' export for payment cards calls its columns otherwise", () => {
    const text = `IP,HOSTNAME,LAST SCAN,QID,VULN TITLE,TYPE,SEVERITY,CVEID\n192.0.2.10,web-1,22/09/2026 13:01,42046,OpenSSH,CONFIRMED,High,CVE-2024-6387\n`;

    expect(readReport(bytes(text)).hosts).toMatchObject([
      {
        names: ['web-1'],
        addresses: ['192.0.2.10'],
        scannedAt: null,
        findings: [{ cve: 'CVE-2024-6387', severity: 'high' }],
      },
    ]);
  });

  it('Trivy without findings writes no results at all, and its older versions a list', () => {
    const nothing = { SchemaVersion: 2, ArtifactName: 'debian:12', ArtifactType: 'container_image' };
    const old = [
      { Target: 'x', Type: 'debian', Vulnerabilities: [{ VulnerabilityID: 'CVE-2024-6387', PkgName: 'openssh' }] },
    ];

    expect(readReport(bytes(JSON.stringify(nothing))).hosts).toMatchObject([{ names: ['debian:12'], findings: [] }]);
    expect(readReport(bytes(JSON.stringify(old))).hosts[0]?.findings).toMatchObject([{ package: 'openssh' }]);
  });

  it('Grype writes SARIF whose rules end with the package', () => {
    const text = reportText('sarif')
      .replace('"Trivy"', '"grype"')
      .replaceAll('CVE-2024-6387"', 'CVE-2024-6387-openssh-server"');
    const read = readReport(bytes(text));

    expect([read.scanner, read.hosts[0]?.findings[0]?.cve]).toEqual(['Grype', 'CVE-2024-6387']);
  });

  it('XML in the encoding that it names is read in that', () => {
    const text = reportText('nessus').replace('<?xml version="1.0" ?>', '<?xml version="1.0" encoding="ISO-8859-1"?>');
    const read = readReport(Buffer.from(text.replace('SSH Terrapin', 'SSH f\xfcr alle'), 'latin1'));

    expect(read.hosts[0]?.findings.at(-1)?.title).toBe('SSH f\u00fcr alle');
  });
});
