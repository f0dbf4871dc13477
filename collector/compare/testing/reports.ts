// One small report of each format, in the shape that the product writes, about the same machine as far as the format names one. For tests.
// Shapes: Tenable's description of .nessus files and exports of it; Qualys' and Greenbone's exports; the snapshots that Trivy and Grype
// keep of their own output. No text of them is kept, only names of fields.

export interface ReportSample {
  readonly format: string;
  readonly scanner: string;
  readonly text: string;
  /** Names and addresses of the first host. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly scannedAt: string | null;
  /** `CVE package` of the first host, in the order of the report. */
  readonly findings: readonly string[];
  readonly withoutCve: number;
  /** The same, cut in the middle. */
  readonly cut: string;
}

const NESSUS = `<?xml version="1.0" ?>
<NessusClientData_v2>
<Policy><policyName>Credentialed Patch Audit</policyName><Preferences><ServerPreferences><preference><name>plugin_set</name><value>10180;19506</value></preference></ServerPreferences></Preferences></Policy>
<Report name="weekly" xmlns:cm="http://www.nessus.org/cm">
<ReportHost name="192.0.2.10"><HostProperties>
<tag name="HOST_END_TIMESTAMP">1795170000</tag>
<tag name="HOST_END">Fri Nov 20 10:20:00 2026</tag>
<tag name="operating-system">Linux Kernel 6.1.0 on Debian 12</tag>
<tag name="host-fqdn">Web-1.example.org.</tag>
<tag name="hostname">web-1</tag>
<tag name="host-ip">192.0.2.10</tag>
</HostProperties>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="0" pluginID="19506" pluginName="Nessus Scan Information" pluginFamily="Settings">
<description>This plugin &lt;shows&gt; facts.</description><plugin_output>CVE-1999-0001 is no finding here</plugin_output>
</ReportItem>
<ReportItem port="0" svc_name="general" protocol="tcp" severity="3" pluginID="201194" pluginName="Debian dsa-5724 : openssh" pluginFamily="Debian Local Security Checks">
<cve>CVE-2024-6387</cve><cve>CVE-2023-51385</cve><risk_factor>High</risk_factor>
<plugin_output>
Remote package installed : openssh-server_1:9.2p1-2+deb12u2_amd64
Should be                : openssh-server_1:9.2p1-2+deb12u3_amd64
</plugin_output>
</ReportItem>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="2" pluginID="187315" pluginName="SSH Terrapin" pluginFamily="Misc."><cve>CVE-2023-48795</cve></ReportItem>
</ReportHost>
</Report>
</NessusClientData_v2>
`;

const NESSUS_CSV = `Plugin ID,CVE,CVSS v2.0 Base Score,Risk,Host,Protocol,Port,Name,Synopsis,Description,Solution,See Also,Plugin Output
19506,,,None,web-1.example.org,tcp,0,Nessus Scan Information,"facts, many","of
several lines",n/a,,"Information about this scan"
201194,CVE-2024-6387,9.3,High,web-1.example.org,tcp,0,Debian dsa-5724 : openssh,,"A ""signal"" handler",upgrade,,"
Remote package installed : openssh-server_1:9.2p1-2+deb12u2
Should be                : openssh-server_1:9.2p1-2+deb12u3
"
187315,CVE-2023-48795,5.4,Medium,web-1.example.org,tcp,22,SSH Terrapin,,,,,
`;

const QUALYS = `"Scan Results","11/20/2026 at 10:20:00 (GMT)"
"Example Org","Street 1","Town","None","Country","0000"
"Ann Example","ann_ex","Manager"

"Launch Date","Active Hosts","Total Hosts","Type","Status"
"11/20/2026 at 09:00:00","1","1","On demand","Finished"

"IP","Network","DNS","NetBIOS","OS","IP Status","QID","Title","Vuln Status","Type","Severity","Port","Protocol","FQDN","Last Detected","CVE ID","Vendor Reference","Results"
"192.0.2.10","Global Default Network","web-1.example.org","","Debian Linux 12","host scanned, found vuln","45038","Host Scan Time","Active","Ig","1",,,,"11/20/2026 10:20:00",,,"Scan duration: 60"
"192.0.2.10","Global Default Network","web-1.example.org","","Debian Linux 12","host scanned, found vuln","42046","OpenSSH regreSSHion","Active","Vuln","5","22","tcp",,"11/20/2026 10:20:00","CVE-2024-6387, CVE-2023-51385","DSA-5724-1","openssh-server 1:9.2p1-2+deb12u2
of two lines"
"192.0.2.10","Global Default Network","web-1.example.org","","Debian Linux 12","host scanned, found vuln","38909","Terrapin","Fixed","Vuln","3","22","tcp",,"11/20/2026 10:20:00","CVE-2023-48795",,
"hosts scanned","1"
`;

const OPENVAS = `<?xml version="1.0"?>
<report content_type="text/xml" extension="xml" id="88bbda4b" format_id="a994b278">
<name>2026-11-20T09:00:00Z</name>
<report id="88bbda4b"><gmp><version>22.6</version></gmp>
<scan_start>2026-11-20T09:00:00Z</scan_start>
<ports max="-1" start="1"><count>1</count><port>22/tcp<host>192.0.2.10</host><severity>8.1</severity><threat>High</threat></port></ports>
<results max="-1" start="1">
<result id="1"><name>OpenSSH regreSSHion</name><owner><name>admin</name></owner>
<host>192.0.2.10<asset asset_id="96329f0e"/><hostname>web-1.example.org</hostname></host><port>22/tcp</port>
<nvt oid="1.3.6.1.4.1.25623.1.0.1"><type>nvt</type><name>OpenSSH</name><epss><max_epss><cve id="CVE-1999-0001"><severity>1</severity></cve></max_epss></epss>
<refs><ref type="cve" id="CVE-2024-6387"/><ref type="cve" id="CVE-2023-51385"/><ref type="url" id="https://example.org/CVE-1999-0002"/></refs></nvt>
<threat>High</threat><severity>8.1</severity><description>Installed version: 9.2p1</description></result>
<result id="2"><name>Old test</name><host>192.0.2.10</host><port>general/tcp</port>
<nvt oid="1.3.6.1.4.1.25623.1.0.2"><name>Old</name><cve>CVE-2023-48795, CVE-2023-48796</cve></nvt><threat>Medium</threat></result>
<result id="3"><name>Traceroute</name><host>192.0.2.10</host><port>general/tcp</port><nvt oid="3"><name>T</name><cve>NOCVE</cve></nvt><threat>Log</threat></result>
</results>
<host><ip>192.0.2.10</ip><detail><name>hostname</name><value>web-1.example.org</value></detail><detail><name>OS</name><value>Debian</value></detail></host>
<scan_end>2026-11-20T10:20:00Z</scan_end>
</report></report>
`;

const TRIVY = JSON.stringify(
  {
    SchemaVersion: 2,
    CreatedAt: '2026-11-20T10:20:00Z',
    ArtifactName: '/',
    ArtifactType: 'filesystem',
    Metadata: { OS: { Family: 'debian', Name: '12.8' } },
    Results: [
      {
        Target: 'web-1 (debian 12.8)',
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: [
          {
            ...{ VulnerabilityID: 'CVE-2024-6387', PkgName: 'openssh-server', InstalledVersion: '1:9.2p1-2+deb12u2' },
            ...{ FixedVersion: '1:9.2p1-2+deb12u3', Status: 'fixed', Severity: 'HIGH', Title: 'a race' },
          },
          { VulnerabilityID: 'CVE-2023-48795', PkgName: 'openssh-server', Severity: 'MEDIUM' },
          { VulnerabilityID: 'TEMP-0628843-DBAD28', PkgName: 'login', Severity: 'LOW' },
        ],
      },
      { Target: 'app/package-lock.json', Class: 'lang-pkgs', Type: 'npm' },
    ],
  },
  null,
  1,
);

const GRYPE = JSON.stringify(
  {
    matches: [
      {
        vulnerability: {
          id: 'CVE-2024-6387',
          severity: 'High',
          description: 'a race',
          fix: { versions: [], state: '' },
        },
        relatedVulnerabilities: [{ id: 'CVE-2024-6387' }],
        artifact: {
          name: 'openssh-server',
          version: '1:9.2p1-2+deb12u2',
          type: 'deb',
          upstreams: [{ name: 'openssh' }],
        },
      },
      {
        vulnerability: { id: 'GHSA-xxxx-yyyy-zzzz', severity: 'Medium' },
        relatedVulnerabilities: [{ id: 'CVE-2023-48795' }],
        artifact: { name: 'golang.org/x/crypto', version: 'v0.16.0', type: 'go-module', upstreams: [] },
      },
      {
        vulnerability: { id: 'GHSA-aaaa-bbbb-cccc', severity: 'Low' },
        relatedVulnerabilities: [],
        artifact: { name: 'x', version: '1' },
      },
    ],
    source: { type: 'directory', target: '/' },
    distro: { name: 'debian', version: '12', idLike: [] },
    descriptor: { name: 'grype', version: '0.80.0', timestamp: '2026-11-20T10:20:00Z' },
  },
  null,
  1,
);

const SARIF = JSON.stringify(
  {
    $schema: 'https://json.schemastore.org/sarif-2.1.0-rtm.5.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            ...{ name: 'Trivy', fullName: 'Trivy Vulnerability Scanner', version: '0.49.1' },
            rules: [
              {
                ...{
                  id: 'CVE-2024-6387',
                  name: 'OsPackageVulnerability',
                  shortDescription: { text: 'openssh: a race' },
                },
                ...{
                  help: {
                    text: 'Vulnerability CVE-2024-6387\nSeverity: HIGH\nPackage: openssh-server\nFixed Version: 1',
                  },
                },
                properties: { 'security-severity': '8.1' },
              },
              { id: 'AVD-DS-0002', name: 'Misconfiguration' },
            ],
          },
        },
        results: [
          {
            ...{ ruleId: 'CVE-2024-6387', ruleIndex: 0, level: 'error' },
            message: {
              text: 'Package: openssh-server\nInstalled Version: 1:9.2p1-2+deb12u2\nVulnerability CVE-2024-6387',
            },
            locations: [{ physicalLocation: { artifactLocation: { uri: 'web-1', uriBaseId: 'ROOTPATH' } } }],
          },
          { ruleId: 'CVE-2023-48795-libssh', message: { text: 'The path / reports libssh at version 0.10.5' } },
          { ruleId: 'AVD-DS-0002', ruleIndex: 1, message: { text: 'a note' } },
        ],
      },
    ],
  },
  null,
  1,
);

const half = (text: string) => text.slice(0, Math.floor(text.length * 0.6));
const named = { names: ['web-1.example.org', 'web-1'], addresses: ['192.0.2.10'], scannedAt: '2026-11-20T10:20:00Z' };
const unnamed = { names: [], addresses: [], scannedAt: '2026-11-20T10:20:00Z' };

export const REPORTS: readonly ReportSample[] = [
  {
    ...{ format: 'nessus', scanner: 'Nessus', text: NESSUS, ...named, cut: half(NESSUS), withoutCve: 1 },
    findings: ['CVE-2024-6387 openssh-server', 'CVE-2023-51385 openssh-server', 'CVE-2023-48795 null'],
  },
  {
    ...{ format: 'nessus-csv', scanner: 'Nessus', text: NESSUS_CSV, withoutCve: 1, cut: NESSUS_CSV.slice(0, 40) },
    ...{ names: ['web-1.example.org'], addresses: [], scannedAt: null },
    findings: ['CVE-2024-6387 openssh-server', 'CVE-2023-48795 null'],
  },
  {
    ...{ format: 'qualys-csv', scanner: 'Qualys', text: QUALYS, withoutCve: 1, cut: QUALYS.slice(0, 300) },
    ...{ ...named, names: ['web-1.example.org'] },
    findings: ['CVE-2024-6387 null', 'CVE-2023-51385 null'],
  },
  {
    ...{ format: 'openvas', scanner: 'OpenVAS', text: OPENVAS, withoutCve: 1, cut: half(OPENVAS) },
    ...{ ...named, names: ['web-1.example.org'] },
    findings: ['CVE-2024-6387 null', 'CVE-2023-51385 null', 'CVE-2023-48795 null', 'CVE-2023-48796 null'],
  },
  {
    ...{ format: 'trivy', scanner: 'Trivy', text: TRIVY, ...unnamed, withoutCve: 1, cut: half(TRIVY) },
    findings: ['CVE-2024-6387 openssh-server', 'CVE-2023-48795 openssh-server'],
  },
  {
    ...{ format: 'grype', scanner: 'Grype', text: GRYPE, ...unnamed, withoutCve: 1, cut: half(GRYPE) },
    findings: ['CVE-2024-6387 openssh', 'CVE-2023-48795 golang.org/x/crypto'],
  },
  {
    ...{ format: 'sarif', scanner: 'Trivy', text: SARIF, ...unnamed, scannedAt: null, withoutCve: 1, cut: half(SARIF) },
    findings: ['CVE-2024-6387 openssh-server', 'CVE-2023-48795 null'],
  },
];

/** The report of a format. */
export function reportText(format: string): string {
  const found = REPORTS.find((each) => each.format === format);
  if (found === undefined) throw new Error(`there is no sample of ${format}`);

  return found.text;
}
