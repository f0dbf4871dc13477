// EPSS: the chance that a CVE is exploited within 30 days, as FIRST gives it out each day: CSV with a line before its header that names
// model and date. A CVE that is not in it has no score, which is not zero.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { invalid, lineGroups } from './decode/whole.ts';
import { CVE_ID, dateOf, timeOf } from './decode/words.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const HEADER = 'cve,epss,percentile';
/** `#model_version:v2023.03.01,score_date:2025-02-20T00:00:00+0000`. */
const MODEL = /^#.*\bscore_date:([0-9T:+Z.-]{10,40})/;
/** Five decimals are given out; mirrors have nine. */
const NUMBER = /^(?:0(?:\.\d{1,18})?|1(?:\.0{1,18})?|\d(?:\.\d{1,18})?e-\d{1,3})$/i;
const MAX_SHOWN = 100;

export const EPSS: Feed = {
  name: 'epss',
  title: 'EPSS exploit prediction scores',
  urls: ['https://epss.empiricalsecurity.com/epss_scores-current.csv.gz'],
  staleAfterMs: 3 * DAY_MS,
  serves: ['all'],
  recognises: (start) => /^\uFEFF?(?:#[^\n]{0,300}\r?\n)?cve,epss(?:,percentile)?\r?\n/.test(start),
  read: (source) => {
    let asOf: Timestamp | null = null;

    return { records: scores(source, (at) => (asOf = at)), asOf: () => asOf };
  },
};

async function* scores(
  source: FeedSource,
  dated: (at: Timestamp | null) => void,
): AsyncGenerator<FeedRecord | FeedProblem> {
  let date: string | null = null;
  let began = false;
  let number = 0;

  for await (const group of lineGroups(source)) {
    for (const line of group) {
      number += 1;
      if (!began) {
        if (number === 1 && line.startsWith('#')) {
          const time = timeOf(MODEL.exec(line)?.[1]);
          dated(time);
          date = dateOf(time);
          continue;
        }
        if (line.replace(/^\uFEFF/, '') !== HEADER) throw invalid(source, `has no line ${HEADER}: it is no EPSS`);
        began = true;
        // Taken all the same; who looks at the scores sees that nobody knows how old they are.
        if (date === null) yield { name: source.name, reason: 'no line says of which day these scores are' };
        continue;
      }
      if (line === '') continue;
      const item = scoreOf(line, date);
      yield item ?? {
        name: `${source.name}:${number}`,
        reason: `no score: ${JSON.stringify(line.slice(0, MAX_SHOWN))}`,
      };
    }
  }
  if (!began) throw invalid(source, 'is empty');
}

function scoreOf(line: string, date: string | null): FeedRecord | null {
  const [cve = '', score = '', percentile = '', ...more] = line.split(',');
  if (!CVE_ID.test(cve) || !NUMBER.test(score) || !NUMBER.test(percentile) || more.length > 0) return null;
  const epss = { score: Number(score), percentile: Number(percentile), asOf: date ?? 'unknown' };

  return { type: 'cve', cve, facts: { epss } };
}
