// Red Hat's CSAF: advisories (RHSA …) and the VEX of each CVE, as single files, folders, archives or one document a line.

import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { bulletinOf, factsOf, parseCsaf } from './csaf/document.ts';
import { jsonDocuments } from './decode/json-documents.ts';
import { newestTime } from './decode/newest.ts';
import { invalid } from './decode/whole.ts';
import { timeOf } from './decode/words.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';
import { rulesOfCsaf } from './redhat/rules.ts';

/** Milliseconds; the archive is written daily. */
const STALE_AFTER_MS = 4 * 86_400_000;
const VENDOR = 'Red Hat';

export const redhat: Feed = {
  name: 'redhat',
  title: 'Red Hat CSAF and VEX',
  urls: [],
  staleAfterMs: STALE_AFTER_MS,
  serves: ['RedHat'],
  recognises: (start) =>
    /"category"\s*:\s*"csaf_[a-z_]+"/.test(start) && /access\.redhat\.com|"Red Hat Product Security"/.test(start),
  member: (name) => /\.(json|jsonl|ndjson)$/i.test(name) && !/(^|\/)(index|provider-metadata)\.json$/i.test(name),
  read: (source) => {
    const { saw, asOf } = newestTime();

    return { records: read(source, saw), asOf };
  },
};

async function* read(
  source: FeedSource,
  saw: (time: Timestamp | null) => void,
): AsyncGenerator<FeedRecord | FeedProblem> {
  let good = 0;
  let bad: FeedProblem | null = null;

  for await (const one of jsonDocuments(source)) {
    const found = 'value' in one ? recordsOf(one.value, source.name, saw) : one;
    if ('reason' in found) {
      bad ??= found;
      yield found;
    } else {
      good++;
      yield* found;
    }
  }
  if (good === 0) throw invalid(source, bad?.reason ?? 'has no CSAF document');
}

function recordsOf(value: unknown, name: string, saw: (time: Timestamp | null) => void): FeedRecord[] | FeedProblem {
  const csaf = parseCsaf(value);
  if (typeof csaf === 'string') return { name: name.slice(-200), reason: csaf };
  const { tracking, category } = csaf.document;
  try {
    const rules = rulesOfCsaf(csaf);
    saw(timeOf(tracking.current_release_date));
    const ecosystems = new Set(rules.map(({ ecosystem }) => ecosystem));
    const [only] = ecosystems;
    const product = ecosystems.size === 1 && only !== undefined ? only : null;
    const bulletin = category === 'csaf_vex' ? null : bulletinOf(csaf, { vendor: VENDOR, product });

    return [
      { type: 'record', id: tracking.id, modified: timeOf(tracking.current_release_date) },
      ...rules.map((rule) => ({ type: 'rule' as const, rule })),
      ...(csaf.vulnerabilities ?? []).flatMap((each) => {
        const facts = factsOf(each, VENDOR);
        return facts === null ? [] : [{ type: 'cve' as const, ...facts }];
      }),
      ...(bulletin === null ? [] : [{ type: 'bulletin' as const, bulletin }]),
    ];
  } catch (error) {
    if (error instanceof RangeError) return { name: tracking.id, reason: error.message };
    throw error;
  }
}
