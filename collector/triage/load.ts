// Facts for triage, read from the store in portions so that others get their turn. Decides nothing.
import { setImmediate } from 'node:timers/promises';
import type { FeedReader } from '../store/feed-ports.ts';
import type { CveFacts } from './cve-facts.ts';
import type { Knowledge } from './decide.ts';
import { mergeFacts } from './facts.ts';

/** CVEs asked for at once: about 5 ms of reading and working out scores. */
const PORTION = 500;

/** What the current feeds say of each of those CVEs, also where they say nothing. */
export async function loadFacts(
  feeds: Pick<FeedReader, 'facts'>,
  cves: Iterable<string>,
): Promise<ReadonlyMap<string, CveFacts>> {
  const wanted = [...new Set(cves)];
  const found = new Map<string, CveFacts>();
  for (let at = 0; at < wanted.length; at += PORTION) {
    const portion = wanted.slice(at, at + PORTION);
    const parts = await feeds.facts(portion);
    for (const cve of portion) found.set(cve, mergeFacts(cve, parts.get(cve) ?? []));
    await setImmediate();
  }

  return found;
}

/** Whether KEV was ever imported, and of when it is. */
export async function loadKnowledge(feeds: Pick<FeedReader, 'byName'>): Promise<Knowledge> {
  const kev = await feeds.byName('kev');

  return { kev: kev === null || kev.generation === null ? null : (kev.asOf ?? '') };
}
