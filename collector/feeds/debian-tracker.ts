// Debian's security tracker: package → CVE → releases, one JSON document of 70 MB that is read entry by entry. It carries no date.

import { rulesOf } from './debian-tracker/entry.ts';
import { streamJson } from './decode/json-stream.ts';
import { invalid } from './decode/whole.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';

/** Milliseconds; the tracker is written anew every half hour. */
const STALE_AFTER_MS = 2 * 86_400_000;
/** Entries that may be no entries before the whole is something else. */
const MAX_PROBLEMS = 10_000;

export const debianTracker: Feed = {
  name: 'debian-tracker',
  title: 'Debian security tracker',
  urls: ['https://security-tracker.debian.org/tracker/data/json'],
  staleAfterMs: STALE_AFTER_MS,
  serves: ['Debian'],
  recognises: (start) =>
    /^\s*\{\s*"[a-z0-9][a-z0-9.+-]*"\s*:\s*\{\s*"(CVE|TEMP)-[0-9A-F-]+"\s*:\s*\{/.test(start) &&
    /"releases"\s*:\s*\{/.test(start),
  read: (source) => ({ records: read(source), asOf: () => null }),
};

async function* read(source: FeedSource): AsyncGenerator<FeedRecord | FeedProblem> {
  let rules = 0;
  let problems = 0;
  let name: string | null = null;
  let seen = new Set<string>();

  for await (const { path, value } of streamJson(source, 2)) {
    const [owner = '', id = ''] = path;
    const called = `${owner.slice(0, 130)} ${id.slice(0, 60)}`;
    if (owner !== name) {
      name = owner;
      seen = new Set();
    }
    // JSON would let the second one win, and nobody would know of the first.
    const twice = seen.has(id);
    seen.add(id);
    const reading = twice
      ? { rules: [], problems: ['it is there twice; the first one stands'] }
      : rulesOf(owner, id, value);
    for (const rule of reading.rules) {
      rules++;
      yield { type: 'rule', rule };
    }
    for (const reason of reading.problems) {
      problems++;
      if (problems > MAX_PROBLEMS) throw invalid(source, `is no data of the tracker: ${called}: ${reason}`);
      yield { name: called, reason };
    }
  }
  if (rules === 0) throw invalid(source, 'has no entry of a package of a release');
}
