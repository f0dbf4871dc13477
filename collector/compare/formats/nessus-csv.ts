// Nessus and Tenable: tables, as Nessus itself writes them (`Plugin ID`, `CVE`, `Host` …) and as Tenable's service does (`definition.cve`,
// `asset.host_name` …).
import { cvesIn, Gathering, type ScannerFormat } from '../format.ts';
import { tableOf, titleLine } from '../table.ts';
import { packageIn } from './nessus.ts';

const OWN = ['plugin id', 'cve', 'host'];
const SERVICE = ['definition.cve', 'definition.id'];

export const NESSUS_CSV: ScannerFormat = {
  name: 'nessus-csv',
  about: 'Nessus or Tenable, CSV',
  detect: (head) => titleLine(head, OWN) !== null || titleLine(head, SERVICE) !== null,
  parse: (text) => {
    const service = titleLine(text.slice(0, 64 * 1024), SERVICE) !== null;
    const { rows, cell } = tableOf(text, service ? SERVICE : OWN);
    const found = new Gathering();
    for (const row of rows) {
      const names = [
        'host',
        'fqdn',
        'dns name',
        'netbios name',
        'asset.host_name',
        'asset.display_fqdn',
        'asset.name',
      ].map((title) => cell(row, title));
      const addresses = ['ip address', 'asset.display_ipv4_address', 'asset.display_ipv6_address'].map((title) =>
        cell(row, title),
      );
      const key = [...names, ...addresses].find((each) => each !== '');
      // Fixed: the scanner itself says that it is over.
      if (key === undefined || /^fixed$/i.test(cell(row, 'state'))) continue;
      found.host(key, { names, addresses, at: cell(row, 'last_seen', 'host end') || null });
      found.add(key, cvesIn(cell(row, 'cve', 'definition.cve')), {
        ...packageIn(cell(row, 'plugin output', 'output')),
        severity: cell(row, 'risk', 'severity', 'definition.severity').toLowerCase(),
        title: cell(row, 'name', 'definition.name'),
      });
    }

    return found.report('Nessus');
  },
};
