// OpenVAS and Greenbone: reports in XML, with CVEs as references of a test (`refs`) or, in old ones, as one text (`cve`).
import { createXmlReader } from '@selvage/shared/packages/xml.ts';
import { cvesIn, Gathering, instantOf, type ScannerFormat } from '../format.ts';

const MAX_TEXT = 64 * 1024;

export const OPENVAS: ScannerFormat = {
  name: 'openvas',
  about: 'OpenVAS or Greenbone, report in XML',
  detect: (head) => /<(get_reports_response|report)[\s>]/.test(head) && !/<NessusClientData/.test(head),
  parse: (text) => {
    const found = new Gathering();
    const path: string[] = [];
    let result: { host: string; hostname: string; cves: string; threat: string; name: string } | null = null;
    let machine: { ip: string; detail: string; hostname: string } | null = null;
    let end: string | null = null;
    let collected = '';
    let reports = 0;

    const reader = createXmlReader({
      open: (name, attributes) => {
        // The text of `host` stands before its own children.
        if (result !== null && path.at(-1) === 'host' && result.host === '') result.host = collected.trim();
        path.push(name);
        collected = '';
        if (name === 'report') reports += 1;
        if (name === 'result' && path.at(-2) === 'results')
          result = { host: '', hostname: '', cves: '', threat: '', name: '' };
        else if (name === 'host' && path.at(-2) === 'report') machine = { ip: '', detail: '', hostname: '' };
        else if (name === 'ref' && path.at(-2) === 'refs' && attributes.type?.toLowerCase() === 'cve') {
          if (result !== null) result.cves += ` ${attributes.id ?? ''}`;
        }
      },
      text: (piece) => {
        if (collected.length < MAX_TEXT) collected += piece;
      },
      close: (name) => {
        path.pop();
        const within = path.at(-1);
        if (result !== null) {
          if (name === 'host' && within === 'result' && result.host === '') result.host = collected.trim();
          else if (name === 'hostname' && within === 'host') result.hostname = collected.trim();
          else if (name === 'cve' && within === 'nvt') result.cves += ` ${collected}`;
          else if (name === 'threat' && within === 'result') result.threat = collected.trim();
          else if (name === 'name' && within === 'result') result.name = collected;
          else if (name === 'result' && within === 'results') {
            const { host, hostname, cves, threat, name: title } = result;
            const key = host || hostname;
            if (key !== '') {
              found.host(key, { names: [hostname], addresses: [host] });
              // "False positive" is its user's own word that there is nothing.
              if (threat !== 'False Positive') found.add(key, cvesIn(cves), { severity: threat.toLowerCase(), title });
            }
            result = null;
          }
        } else if (machine !== null) {
          if (name === 'ip' && within === 'host') machine.ip = collected.trim();
          else if (name === 'name' && within === 'detail') machine.detail = collected.trim();
          else if (name === 'value' && within === 'detail' && machine.detail === 'hostname')
            machine.hostname = collected.trim();
          else if (name === 'host' && within === 'report') {
            if (machine.ip !== '') found.host(machine.ip, { names: [machine.hostname], addresses: [machine.ip] });
            machine = null;
          }
        } else if (name === 'scan_end') end = collected;
        collected = '';
      },
    });
    reader.write(text);
    reader.end();
    if (reports === 0) return found.report('OpenVAS');
    const report = found.report('OpenVAS');
    const at = end === null ? null : instantOf(end);

    return { ...report, hosts: report.hosts.map((host) => ({ ...host, scannedAt: host.scannedAt ?? at })) };
  },
};
