// OSV records (ossf.github.io/osv-schema), as osv.dev gives them out: one a file, in folders, zip dumps or one a line. One feed for each
// distribution or registry, so that each has an age and errors of its own; what a record says of others is theirs.
import type { Feed } from './feed.ts';
import { readOsv } from './osv/read.ts';
import { mainEcosystem } from './osv/recognise.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Where osv.dev keeps its dumps (google.github.io/osv.dev/data). */
const DUMPS = 'https://osv-vulnerabilities.storage.googleapis.com';

/** Ecosystem as OSV writes it before the colon, and ours. */
const ECOSYSTEMS: readonly {
  readonly name: string;
  readonly osv: string;
  readonly ours: string;
  readonly title: string;
}[] = [
  { name: 'osv-debian', osv: 'Debian', ours: 'Debian', title: 'Debian advisories and CVEs (OSV)' },
  { name: 'osv-ubuntu', osv: 'Ubuntu', ours: 'Ubuntu', title: 'Ubuntu notices and CVEs with ESM (OSV)' },
  { name: 'osv-almalinux', osv: 'AlmaLinux', ours: 'AlmaLinux', title: 'AlmaLinux errata (OSV)' },
  { name: 'osv-rocky', osv: 'Rocky Linux', ours: 'Rocky', title: 'Rocky Linux errata (OSV)' },
  { name: 'osv-alpine', osv: 'Alpine', ours: 'Alpine', title: 'Alpine security database (OSV)' },
  { name: 'osv-pypi', osv: 'PyPI', ours: 'PyPI', title: 'Python packages (OSV)' },
  { name: 'osv-npm', osv: 'npm', ours: 'npm', title: 'npm packages (OSV)' },
  { name: 'osv-go', osv: 'Go', ours: 'Go', title: 'Go modules (OSV)' },
  { name: 'osv-crates', osv: 'crates.io', ours: 'crates.io', title: 'Rust crates (OSV)' },
];

export const OSV_FEEDS: readonly Feed[] = [
  ...ECOSYSTEMS.map(
    ({ name, osv, ours, title }): Feed => ({
      name,
      title,
      urls: [`${DUMPS}/${encodeURIComponent(osv)}/all.zip`],
      staleAfterMs: 3 * DAY_MS,
      serves: [ours],
      gathers: true,
      member: isRecord,
      recognises: (start) => mainEcosystem(start) === ours,
      read: (source) => readOsv(source, (ecosystem) => ecosystem.split(':', 1)[0] === ours),
    }),
  ),
  {
    // Records of a company's own, or of several ecosystems at once. Only by name: they replace no distribution's.
    name: 'osv',
    title: 'OSV records from a file, of any ecosystem',
    urls: [],
    staleAfterMs: 365 * DAY_MS,
    serves: [],
    gathers: true,
    member: isRecord,
    read: (source) => readOsv(source, () => true),
  },
];

function isRecord(name: string): boolean {
  return /[.]jsonl?$/i.test(name);
}
