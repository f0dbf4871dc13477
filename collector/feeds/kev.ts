// CISA's catalogue of known exploited vulnerabilities, as JSON or as CSV. Due dates are the catalogue's own: they no longer follow a
// rule of 21 days.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import type { CveFactsPart } from '../triage/cve-facts.ts';
import { csvRows } from './decode/csv.ts';
import { invalid, parseJson, readText } from './decode/whole.ts';
import { CVE_ID, dateOf, shortened, timeOf } from './decode/words.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Bytes; the catalogue of 2026 has 1.5 MB. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_TITLE = 200;
const MAX_CWES = 100;

const entry = z.object({
  cveID: z.string().regex(CVE_ID),
  vulnerabilityName: z.string().nullish(),
  dateAdded: z.string(),
  dueDate: z.string().nullish(),
  knownRansomwareCampaignUse: z.string().nullish(),
  cwes: z.union([z.array(z.string()).max(MAX_CWES), z.string()]).nullish(),
});
const catalogue = z.object({
  catalogVersion: z.string().nullish(),
  dateReleased: z.string().nullish(),
  vulnerabilities: z.array(z.unknown()),
});
const COLUMNS = ['cveID', 'dateAdded'];

export const KEV: Feed = {
  name: 'kev',
  title: 'CISA known exploited vulnerabilities',
  urls: ['https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json'],
  // Of the data, not of the copy: weeks without a new entry are usual around the end of a year.
  staleAfterMs: 14 * DAY_MS,
  serves: ['all'],
  recognises: (start) =>
    (/"catalogVersion"\s*:/.test(start) && /"vulnerabilities"\s*:/.test(start)) || /^\uFEFF?"?cveID"?,/.test(start),
  read: (source) => {
    let asOf: Timestamp | null = null;

    return { records: entries(source, (at) => (asOf = at)), asOf: () => asOf };
  },
};

async function* entries(
  source: FeedSource,
  dated: (at: Timestamp | null) => void,
): AsyncGenerator<FeedRecord | FeedProblem> {
  const text = await readText(source, MAX_BYTES);
  if (/^\s*[{[]/.test(text)) {
    const read = catalogue.safeParse(parseJson(source, text));
    if (!read.success) throw invalid(source, 'is no catalogue of known exploited vulnerabilities');
    dated(timeOf(read.data.dateReleased) ?? timeOf(read.data.catalogVersion?.replaceAll('.', '-')));
    for (const each of read.data.vulnerabilities) yield recordOf(each);

    return;
  }
  let newest: Timestamp | null = null;
  for (const row of csvRows(source, text, COLUMNS)) {
    const item = recordOf(row);
    yield item;
    const added = 'type' in item ? timeOf(row.dateAdded) : null;
    if (added !== null && (newest === null || Temporal.Instant.compare(newest, added) < 0)) newest = added;
  }
  // The CSV does not say when it was made: the newest entry is the best that is known.
  dated(newest);
}

function recordOf(value: unknown): FeedRecord | FeedProblem {
  const read = entry.safeParse(value);
  const dateAdded = read.success ? dateOf(read.data.dateAdded) : null;
  if (!read.success || dateAdded === null) {
    const id = typeof value === 'object' && value !== null && 'cveID' in value ? value.cveID : null;

    return {
      name: typeof id === 'string' ? id.slice(0, MAX_TITLE) : 'an entry',
      reason: 'it has no CVE id or no date',
    };
  }
  const { cveID, vulnerabilityName, dueDate, knownRansomwareCampaignUse, cwes } = read.data;
  const words = (typeof cwes === 'string' ? cwes.split(',') : (cwes ?? [])).map((cwe) => cwe.trim());
  const weaknesses = words.filter((cwe) => /^CWE-\d{1,6}$/.test(cwe));
  const facts: CveFactsPart = {
    kev: { dateAdded, dueDate: dateOf(dueDate), ransomware: ransomware(knownRansomwareCampaignUse) },
    ...(vulnerabilityName ? { title: shortened(vulnerabilityName, MAX_TITLE) } : {}),
    ...(weaknesses.length === 0 ? {} : { cwe: weaknesses }),
  };

  return { type: 'cve', cve: cveID, facts };
}

/** Known or Unknown; that nobody knows of any is not that there is none. */
function ransomware(word: string | null | undefined): boolean | null {
  return word?.toLowerCase() === 'known' ? true : null;
}
