// Nessus: .nessus files (NessusClientData_v2), tag by tag.
import { createXmlReader } from '@selvage/shared/packages/xml.ts';
import { cvesIn, Gathering, type ScannerFormat } from '../format.ts';

const HOST_TAGS = ['host-fqdn', 'hostname', 'host-rdns', 'netbios-name', 'host-ip'];
/** Characters of the output of one plugin that are looked at for a package. */
const MAX_OUTPUT = 64 * 1024;
/** `Remote package installed : openssl_3.0.9-1`, `Installed package : openssl-3.0.7-16.el9`. */
const PACKAGE = /(?:Remote package installed|Installed package|Package installed)\s*:\s*(\S+)/;

export const NESSUS: ScannerFormat = {
  name: 'nessus',
  about: 'Nessus, .nessus (XML, version 2)',
  detect: (head) => /<NessusClientData_v2[\s>]/.test(head),
  parse: (text) => {
    const found = new Gathering();
    let host: { key: string; tags: Map<string, string> } | null = null;
    let hosts = 0;
    let item: { attributes: Readonly<Record<string, string>>; cves: string; output: string } | null = null;
    let wanted: string | null = null;
    let collected = '';

    const reader = createXmlReader({
      open: (name, attributes) => {
        if (name === 'ReportHost') {
          hosts += 1;
          host = { key: `${hosts}`, tags: new Map([['name', attributes.name ?? '']]) };
        } else if (name === 'ReportItem') item = { attributes, cves: '', output: '' };
        wanted =
          host !== null && ((name === 'tag' && item === null) || name === 'cve' || name === 'plugin_output')
            ? name
            : null;
        collected = '';
        if (name === 'tag') host?.tags.set('', attributes.name ?? '');
      },
      text: (piece) => {
        if (wanted !== null && collected.length < MAX_OUTPUT) collected += piece;
      },
      close: (name) => {
        if (name === 'tag' && host !== null) host.tags.set(host.tags.get('') ?? '', collected);
        else if (name === 'cve' && item !== null) item.cves += ` ${collected}`;
        else if (name === 'plugin_output' && item !== null) item.output = collected;
        else if (name === 'ReportItem' && host !== null && item !== null) {
          const seen = packageIn(item.output);
          found.add(host.key, cvesIn(item.cves), {
            ...seen,
            severity: SEVERITIES[Number(item.attributes.severity)] ?? null,
            title: item.attributes.pluginName ?? null,
          });
          item = null;
        } else if (name === 'ReportHost' && host !== null) {
          const { tags } = host;
          found.host(host.key, {
            names: [tags.get('name'), ...HOST_TAGS.map((tag) => tags.get(tag))],
            at: tags.get('HOST_END_TIMESTAMP') ?? tags.get('HOST_END') ?? null,
          });
          host = null;
        }
        wanted = null;
      },
    });
    reader.write(text);
    reader.end();

    return found.report('Nessus');
  },
};

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'];

/** The package that the output of a local check names: `name_version` of dpkg (with or without its architecture), `name-version-release` of rpm. */
export function packageIn(output: string): { readonly package: string | null; readonly version: string | null } {
  const named = PACKAGE.exec(output.slice(0, MAX_OUTPUT))?.[1] ?? null;
  if (named === null) return { package: null, version: null };
  const deb = /^([a-z0-9][a-z0-9+.-]+)_([^_]+)(?:_[a-z0-9]+)?$/.exec(named);
  const rpm = /^(.+)-([^-]+-[^-]+)$/.exec(named);

  return { package: deb?.[1] ?? rpm?.[1] ?? named, version: deb?.[2] ?? rpm?.[2] ?? null };
}
