// What a feed makes of bytes, sorted by kind: for the tests of feeds.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Rule } from '../../matching/rule.ts';
import type { CveFactsPart } from '../../triage/cve-facts.ts';
import type { Bulletin, Feed, FeedProblem, FeedSource, ReleaseCycle } from '../feed.ts';

export interface Everything {
  readonly rules: Rule[];
  readonly cves: Map<string, CveFactsPart>;
  readonly bulletins: Bulletin[];
  readonly cycles: ReleaseCycle[];
  readonly problems: FeedProblem[];
  readonly asOf: string | null;
}

/** Cut into pieces of `piece` bytes: where a piece ends must not matter. */
export function sourceOf(name: string, content: string | Uint8Array, piece = 997): FeedSource {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;

  return { name, bytes: cut(bytes, piece) };
}

async function* cut(bytes: Uint8Array, piece: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

/** A file beside the test, unpacked where it ends in .gz. */
export function fixture(url: URL): Buffer {
  const bytes = readFileSync(url);

  return url.pathname.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

export async function readAll(feed: Feed, source: FeedSource): Promise<Everything> {
  const found = { rules: [], cves: new Map(), bulletins: [], cycles: [], problems: [] } as unknown as Omit<
    Everything,
    'asOf'
  >;
  const reading = feed.read(source);
  for await (const one of reading.records) {
    if (!('type' in one)) found.problems.push(one);
    else if (one.type === 'record') continue;
    else if (one.type === 'rule') found.rules.push(one.rule);
    else if (one.type === 'cve') found.cves.set(one.cve, one.facts);
    else if (one.type === 'bulletin') found.bulletins.push(one.bulletin);
    else if (one.type === 'cycle') found.cycles.push(one.cycle);
  }

  return { ...found, asOf: reading.asOf() };
}

/** The code that reading ends with; `none` where it does not. */
export async function codeOf(feed: Feed, source: FeedSource): Promise<string> {
  try {
    await readAll(feed, source);

    return 'none';
  } catch (error) {
    return (error as CodedError).code;
  }
}
