// Qualys: tables of scan reports, with the lines about account and scan that stand before the titles.
import { cvesIn, Gathering, type ScannerFormat } from '../format.ts';
import { tableOf, titleLine } from '../table.ts';

const TITLES = ['ip', 'qid', 'cve id'];

export const QUALYS_CSV: ScannerFormat = {
  name: 'qualys-csv',
  about: 'Qualys, CSV of a scan report',
  detect: (head) => titleLine(head, TITLES) !== null,
  parse: (text) => {
    const { rows, cell } = tableOf(text, TITLES);
    const found = new Gathering();
    for (const row of rows) {
      const key = cell(row, 'ip') || cell(row, 'dns') || cell(row, 'fqdn');
      // Lines at the end that are no findings have no number.
      if (key === '' || !/^\d+$/.test(cell(row, 'qid'))) continue;
      if (/^fixed$/i.test(cell(row, 'vuln status'))) continue;
      found.host(key, {
        names: [cell(row, 'dns'), cell(row, 'fqdn'), cell(row, 'netbios')],
        addresses: [cell(row, 'ip')],
        at: cell(row, 'last detected') || null,
      });
      found.add(key, cvesIn(cell(row, 'cve id')), {
        severity: SEVERITIES[Number(cell(row, 'severity')) - 1] ?? null,
        title: cell(row, 'title'),
      });
    }

    return found.report('Qualys');
  },
};

/** Its five steps. */
const SEVERITIES = ['minimal', 'medium', 'serious', 'critical', 'urgent'];
