// Makes collector/feeds/snapshot: real data of one day each, reduced to facts, in the shapes of their sources, so that the ordinary feeds
// read it. Started by hand when newer data are there: npm run snapshot -- FOLDER. The files that it reads of FOLDER are named below.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { cveRecords } from './cve-records.ts';
import { cvesOf, joined, type OsvRecord, reducedOsv } from './osv.ts';
import { documentsOf, tableOf } from './rows.ts';
import { type TrackerEntry, ubuntuOsv } from './ubuntu.ts';

/** Largest sum of all files, in bytes: it travels with every package. */
const MAX_TOTAL_BYTES = 3_000_000;

interface Part {
  readonly feed: string;
  readonly file: string;
  /** Date of the data, RFC 3339. */
  readonly asOf: string;
  readonly source: string;
  readonly licence: string;
  readonly records: number;
  readonly text: string;
}

const jsonLines = (records: readonly unknown[]) => `${records.map((record) => JSON.stringify(record)).join('\n')}\n`;

async function osvDebian(folder: string): Promise<{ part: Part; records: OsvRecord[] }> {
  const asOf = '2025-02-12T00:00:00Z';
  const records = await Array.fromAsync(
    documentsOf<OsvRecord>(join(folder, 'debian/osv-debian12.jsonl.gz')),
    (record) => reducedOsv(record, asOf),
  );
  const source =
    'OSV export of the Debian security tracker, Debian 12, by way of vulsio/vuls-data-raw-debian-osv af8e56d33fa6';
  const licence = 'facts of the Debian security tracker; no licence file in the copy';

  return {
    part: {
      feed: 'osv-debian',
      file: 'osv-debian.jsonl.gz',
      asOf,
      source,
      licence,
      records: records.length,
      text: jsonLines(records),
    },
    records,
  };
}

async function osvUbuntu(folder: string): Promise<{ part: Part; records: OsvRecord[] }> {
  const asOf = '2024-08-09T00:00:00Z';
  const records: OsvRecord[] = [];

  for await (const entry of documentsOf<TrackerEntry>(join(folder, 'ubuntu/uct-focal-jammy-noble.jsonl.gz'))) {
    const record = ubuntuOsv(entry, asOf);
    if (record !== null) records.push(record);
  }
  const source =
    'Ubuntu CVE tracker, jammy and noble, by way of vulsio/vuls-data-raw-ubuntu-cve-tracker aca6c662fe92, turned into OSV';
  const licence = 'facts of the Ubuntu CVE tracker; no licence file in the copy';

  return {
    part: {
      feed: 'osv-ubuntu',
      file: 'osv-ubuntu.jsonl.gz',
      asOf,
      source,
      licence,
      records: records.length,
      text: jsonLines(records),
    },
    records,
  };
}

/** Errata that close no CVE match nothing and stay behind. Some have the same id in two releases: they become one record of both. */
async function osvAlma(folder: string): Promise<{ part: Part; records: OsvRecord[] }> {
  const asOf = '2026-08-21T00:00:00Z';
  const found = new Map<string, OsvRecord>();

  for (const release of [8, 9, 10]) {
    for await (const record of documentsOf<OsvRecord>(join(folder, `rpm/almalinux${release}-osv.jsonl.gz`))) {
      if (cvesOf(record).length === 0) continue;
      found.set(record.id, joined(found.get(record.id), reducedOsv(record, asOf)));
    }
  }
  const records = [...found.values()];
  const source = 'AlmaLinux/osv-database 948f47aa6b88, AlmaLinux 8, 9 and 10';

  return {
    part: {
      feed: 'osv-almalinux',
      file: 'osv-almalinux.jsonl.gz',
      asOf,
      source,
      licence: 'MIT',
      records: records.length,
      text: jsonLines(records),
    },
    records,
  };
}

interface KevCatalogue {
  readonly catalogVersion: string;
  readonly dateReleased: string;
  readonly vulnerabilities: readonly Readonly<Record<string, unknown>>[];
}

function kev(folder: string): Part {
  const bytes = readFileSync(join(folder, 'kev/known_exploited_vulnerabilities-2026-08-07.json.gz'));
  const { catalogVersion, dateReleased, vulnerabilities }: KevCatalogue = JSON.parse(
    gunzipSync(bytes).toString('utf8'),
  );
  const reduced = vulnerabilities.map((one) => ({ ...one, shortDescription: '', requiredAction: '', notes: '' }));
  const catalogue = {
    title: 'CISA Catalog of Known Exploited Vulnerabilities',
    catalogVersion,
    dateReleased,
    count: reduced.length,
  };

  return {
    feed: 'kev',
    file: 'kev.json.gz',
    asOf: dateReleased,
    source: 'CISA KEV 2026.08.07, by way of lodestonesecurity/cisa-kevc-history b1599bf5f9af',
    licence: 'CC0-1.0',
    records: reduced.length,
    text: JSON.stringify({ ...catalogue, vulnerabilities: reduced }),
  };
}

/** Five decimals, as FIRST publishes them. */
async function epss(folder: string, wanted: ReadonlySet<string>): Promise<Part> {
  const rows: string[] = [];

  for await (const row of tableOf(join(folder, 'epss/epss_scores-2026-08-16.csv.gz'), ',')) {
    if (!wanted.has(row.cve ?? '')) continue;
    rows.push([row.cve, Number(row.epss).toFixed(5), Number(row.percentile).toFixed(5)].join(','));
  }
  const head = '#model_version:unknown,score_date:2026-08-16T00:00:00+0000\ncve,epss,percentile\n';

  return {
    feed: 'epss',
    file: 'epss.csv.gz',
    asOf: '2026-08-16T00:00:00Z',
    source: 'EPSS by FIRST, by way of EMBA-support-repos/EPSS-data 346ef2e1571d; only CVEs of the other files',
    licence: 'scores published by FIRST; no licence file in the copy',
    records: rows.length,
    text: `${head}${rows.join('\n')}\n`,
  };
}

async function cve(folder: string, wanted: ReadonlySet<string>): Promise<Part> {
  const records = await cveRecords(
    tableOf(join(folder, 'ssvc/ssvc-vulnrichment-2024-10-24.tsv.gz'), '\t'),
    tableOf(join(folder, 'cvss/cvss.tsv.gz'), '\t'),
    wanted,
  );

  return {
    feed: 'cve-records',
    file: 'cve-records.jsonl.gz',
    asOf: '2024-10-24T00:00:00Z',
    source: 'cisagov/vulnrichment b0ed758328f4: decision points and scores; only CVEs of the other files',
    licence: 'CC0-1.0',
    records: records.length,
    text: jsonLines(records),
  };
}

/** Every part, in the order of the manifest. */
async function parts(folder: string): Promise<readonly Part[]> {
  const [debian, ubuntu, alma] = [await osvDebian(folder), await osvUbuntu(folder), await osvAlma(folder)];
  const wanted = new Set([debian, ubuntu, alma].flatMap(({ records }) => records.flatMap(cvesOf)));
  const exploited = kev(folder);

  return [debian.part, ubuntu.part, alma.part, exploited, await epss(folder, wanted), await cve(folder, wanted)];
}

/** Why it is not good enough; null when it is. */
async function makeSnapshot(folder: string, target: string): Promise<string | null> {
  mkdirSync(target, { recursive: true });
  let total = 0;
  const manifest = (await parts(folder)).map(({ text, ...part }) => {
    const bytes = gzipSync(text, { level: 9 });
    total += bytes.length;
    writeFileSync(join(target, part.file), bytes);

    return { ...part, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  writeFileSync(join(target, 'manifest.json'), `${JSON.stringify({ feeds: manifest }, null, 2)}\n`);
  for (const { file, records, bytes } of manifest)
    process.stdout.write(`${file}\t${records} records\t${bytes} bytes\n`);

  return total > MAX_TOTAL_BYTES ? `${total} bytes in all, which is more than ${MAX_TOTAL_BYTES}` : null;
}

/** `npm run snapshot -- FOLDER [TARGET]`; exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [folder, target = join(import.meta.dirname, '../../collector/feeds/snapshot')] = args;
  if (folder === undefined) {
    process.stderr.write('error USAGE: the folder of the data is missing\nnext: npm run snapshot -- FOLDER [TARGET]\n');

    return 2;
  }
  const problem = await makeSnapshot(folder, target);
  if (problem !== null) process.stderr.write(`error FILE_TOO_LARGE: ${problem}\n`);

  return problem === null ? 0 : 1;
}
