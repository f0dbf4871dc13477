// endoflife.date: when releases of products end. Its JSON API, old and new, and the files of its repository.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { parseDocument } from 'yaml';
import { invalid, parseJson, readText } from './decode/whole.ts';
import { timeOf } from './decode/words.ts';
import { type CyclesReading, cyclesOfApi, cyclesOfList, nameOf } from './endoflife/cycles.ts';
import type { Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';

/** Milliseconds; dates of releases change rarely. */
const STALE_AFTER_MS = 30 * 86_400_000;
/** Bytes; all products at once are some 6 MB. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;
/** Bytes; the longest file of a product has 40 KB, and YAML costs far more than JSON. */
const MAX_YAML_BYTES = 512 * 1024;

export const endoflife: Feed = {
  name: 'endoflife',
  title: 'endoflife.date',
  urls: ['https://endoflife.date/api/v1/products/full'],
  staleAfterMs: STALE_AFTER_MS,
  serves: ['all'],
  recognises: (start, name) =>
    name.endsWith('.md')
      ? /^---\r?\n/.test(start) && /^\s*- releaseCycle:/m.test(start)
      : /"isEol"\s*:/.test(start) ||
        (/^\s*\[\s*\{/.test(start) && /"cycle"\s*:/.test(start) && /"eol"\s*:/.test(start)),
  member: (name) => /(^|\/)products\/[a-z0-9._+-]+\.md$/.test(name) || /(^|\/)[a-z0-9._+-]+\.json$/.test(name),
  read: (source) => {
    let asOf: Timestamp | null = null;

    return {
      records: read(source, (time) => {
        asOf = time;
      }),
      asOf: () => asOf,
    };
  },
};

async function* read(
  source: FeedSource,
  saw: (time: Timestamp | null) => void,
): AsyncGenerator<FeedRecord | FeedProblem> {
  const reading = /\.md$/i.test(source.name)
    ? ofMarkdown(source, await readText(source, MAX_YAML_BYTES))
    : cyclesOfApi(parseJson(source, await readText(source, MAX_JSON_BYTES)), source.name);
  if (reading === null) throw invalid(source, 'has no products with releases');
  if (reading.cycles.length === 0 && reading.problems.length > 0) {
    throw invalid(source, `has no release that is understood: ${reading.problems[0]?.reason}`);
  }
  saw(timeOf(reading.asOf));
  for (const cycle of reading.cycles) yield { type: 'cycle', cycle };
  yield* reading.problems;
}

/** The front matter between the first two lines of `---`; what follows is prose. */
function ofMarkdown(source: FeedSource, text: string): CyclesReading | null {
  const front = /^---\r?\n([\s\S]*?)\r?\n---(\r?\n|$)/.exec(text)?.[1];
  if (front === undefined) throw invalid(source, 'has no front matter');
  // Aliases are refused: none of the files has one, and they are how a small file becomes a large one.
  const document = parseDocument(front, { schema: 'core', merge: false, uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw invalid(source, `has front matter that is no YAML: ${error.message.slice(0, 200)}`);
  const data = plain(source, () => document.toJS({ maxAliasCount: 0 }));
  const releases = data !== null && typeof data === 'object' && 'releases' in data ? data.releases : null;

  return Array.isArray(releases) ? cyclesOfList(nameOf(source.name), releases) : null;
}

function plain(source: FeedSource, read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw invalid(source, `has front matter with aliases: ${(error as Error).message.slice(0, 200)}`, error);
  }
}
