// OSV records as rules and facts. What a record says about an ecosystem that is not asked for is left to the feed of that one.
import type { CveFactsPart, CvssScore } from '../../triage/cve-facts.ts';
import { scoreOf } from '../../triage/cvss.ts';
import { jsonDocuments } from '../decode/json-documents.ts';
import { newestTime } from '../decode/newest.ts';
import { shortened, timeOf } from '../decode/words.ts';
import type { FeedProblem, FeedReading, FeedRecord, FeedSource } from '../feed.ts';
import { cvesOf, isOneCve } from './cves.ts';
import { type OsvRecord, osvRecord } from './record.ts';
import { ruleOf } from './rule.ts';

const MAX_TITLE = 200;
const MAX_ID = 100;
/** Scores kept by their vectors: a distribution has some thousand different ones in ten times as many records. */
const MAX_SCORES = 4096;

/** `wanted`: of which ecosystems, in our spelling. */
export function readOsv(source: FeedSource, wanted: (ecosystem: string) => boolean): FeedReading {
  const { saw, asOf } = newestTime();
  const scores: Scores = new Map();

  return { records: records(), asOf };

  async function* records(): AsyncGenerator<FeedRecord | FeedProblem> {
    let place = 0;
    for await (const document of jsonDocuments(source)) {
      place += 1;
      if (!('value' in document)) {
        yield document;
        continue;
      }
      const read = osvRecord.safeParse(document.value);
      if (!read.success) {
        yield { name: nameOf(document.value, source.name, place), reason: reasonOf(read.error.issues) };
        continue;
      }
      const said = itemsOf(read.data, wanted, scores);
      if (said.length === 0) continue;
      const modified = timeOf(read.data.modified);
      saw(modified);
      yield { type: 'record', id: read.data.id, modified };
      for (const item of said) yield item;
    }
  }
}

type Scores = Map<string, CvssScore | null>;

function itemsOf(record: OsvRecord, wanted: (ecosystem: string) => boolean, scores: Scores): readonly FeedRecord[] {
  const said: FeedRecord[] = [];
  for (const affected of record.affected ?? []) {
    const rule = ruleOf(record, affected);
    if (rule === null || !wanted(rule.ecosystem)) continue;
    said.push({ type: 'rule', rule });
  }
  if (said.length === 0) return said;
  const cves = cvesOf(record);
  const [cve] = cves;
  // The severity of an announcement about several is that of none of them.
  if (cve === undefined || cves.length > 1 || record.withdrawn) return said;
  const facts = factsOf(record, scores);
  if (Object.keys(facts).length > 0) said.push({ type: 'cve', cve, facts });

  return said;
}

function factsOf(record: OsvRecord, scores: Scores): CveFactsPart {
  const source = sourceOf(record.id);
  const vectors = new Set((record.severity ?? []).map(({ score }) => score));
  const cvss = [...vectors].map((vector) => knownScore(vector, source, scores)).filter((score) => score !== null);
  const published = isOneCve(record.id) ? timeOf(record.published) : null;
  const { summary } = record;

  return {
    ...(cvss.length === 0 ? {} : { cvss }),
    ...(published === null ? {} : { published }),
    ...(!summary || !isOneCve(record.id) ? {} : { title: shortened(summary, MAX_TITLE) }),
  };
}

/** Working one out costs more than reading the rest of a record. */
function knownScore(vector: string, source: string, scores: Scores): CvssScore | null {
  const key = `${source} ${vector}`;
  const known = scores.get(key);
  if (known !== undefined) return known;
  const score = scoreOf(vector, source);
  if (scores.size >= MAX_SCORES) scores.clear();
  scores.set(key, score);

  return score;
}

/** Who wrote it: the letters that its id begins with. A plain CVE has what NVD says. */
function sourceOf(id: string): string {
  if (id.startsWith('CVE-')) return 'NVD';

  return /^[A-Za-z]+/.exec(id)?.[0].slice(0, MAX_ID) ?? 'OSV';
}

function nameOf(value: unknown, name: string, place: number): string {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;

  return typeof id === 'string' ? id.slice(0, MAX_ID) : `${name}:${place}`;
}

function reasonOf(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const [first] = issues;

  return first ? `${first.path.map(String).join('.') || 'it'}: ${first.message}` : 'it does not fit';
}
