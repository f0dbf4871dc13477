// Qualys: tables of scan reports, with the lines about account and scan that stand before the titles.
import { cvesIn, Gathering, type ScannerFormat } from '../format.ts';
import { tableOf, titleLine } from '../table.ts';

/** Of a scan report, and of what its service for payment cards exports. */
const TITLES = [
  ['ip', 'qid', 'cve id'],
  ['ip', 'qid', 'cveid'],
];

/** Characters in which the titles are looked for. */
const HEAD = 256 * 1024;

export const QUALYS_CSV: ScannerFormat = {
  name: 'qualys-csv',
  about: 'Qualys, CSV of a scan report',
  detect: (head) => TITLES.some((titles) => titleLine(head, titles) !== null),
  parse: (text) => {
    const titles = TITLES.find((each) => titleLine(text.slice(0, HEAD), each) !== null) ?? [];
    const { rows, cell } = tableOf(text, titles);
    const found = new Gathering();
    for (const row of rows) {
      const key = cell(row, 'ip') || cell(row, 'dns') || cell(row, 'fqdn');
      // Lines at the end that are no findings have no number.
      if (key === '' || !/^\d+$/.test(cell(row, 'qid'))) continue;
      if (/^fixed$/i.test(cell(row, 'vuln status'))) continue;
      found.host(key, {
        names: [cell(row, 'dns'), cell(row, 'fqdn'), cell(row, 'hostname'), cell(row, 'netbios')],
        addresses: [cell(row, 'ip')],
        at: cell(row, 'last detected') || null,
      });
      found.add(key, cvesIn(cell(row, 'cve id', 'cveid')), {
        severity: SEVERITIES[Number(cell(row, 'severity')) - 1] ?? cell(row, 'severity').toLowerCase(),
        title: cell(row, 'title', 'vuln title'),
      });
    }

    return found.report('Qualys');
  },
};

/** Its five steps. */
const SEVERITIES = ['minimal', 'medium', 'serious', 'critical', 'urgent'];
