// One feed from where it is published to current: its addresses asked, what is new fetched into files and imported, the files removed.
// Whatever goes wrong is kept beside the copy that still counts.

import { rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { FeedState } from '../../store/feed-ports.ts';
import { withoutMark } from '../bulletins/mark.ts';
import type { Feed } from '../feed.ts';
import { type Downloaded, type DownloadParts, download } from '../fetch/download.ts';
import {
  FEED_FORMAT,
  type FeedImported,
  type ImportOptions,
  type ImportParts,
  importFeed,
  noteFailure,
} from '../import/importing.ts';
import type { FeedFile } from '../import/open.ts';

const PRIVATE_FILE = 0o600;

export interface UpdateParts extends ImportParts, Omit<DownloadParts, 'clock'> {
  readonly random: Random;
  /** Ours alone: what is fetched lies there until it is imported. */
  readonly folder: string;
}

export interface UpdateOptions extends ImportOptions {
  readonly onFetching?: (address: string) => void;
}

/** Null: nothing has changed since it was asked last. Throws as download and importFeed do. */
export async function updateFeed(
  parts: UpdateParts,
  feed: Feed,
  sources: readonly string[],
  options: UpdateOptions = {},
): Promise<FeedImported | null> {
  if (sources.length === 0) {
    throw new CodedError('NOT_FOUND', `${feed.name} is published nowhere that this collector knows`, {
      next: `bring a file: selvage feed import FILE --feed ${feed.name}, or name an address in the settings (feeds.sources)`,
    });
  }
  const paths: string[] = [];
  let fetched: Fetched | null;

  try {
    try {
      fetched = await fetchAll(parts, feed, sources, options, paths);
    } catch (error) {
      if (options.signal?.aborted !== true) await noteFailure(parts, feed.name, error);
      throw error;
    }
    if (fetched === null) {
      const checkedAt = parts.clock.now().toString() as Timestamp;
      await parts.store.transaction(({ feeds }) => feeds.note(feed.name, { checkedAt, error: null }));

      return null;
    }
    const { files, etag, lastModified, failed } = fetched;
    const before = feed.keepsHistory === true ? await keptBefore(parts, feed, paths) : [];
    const imported = await importFeed(parts, feed.name, [...before, ...files], { ...options, etag, lastModified });
    if (failed !== null) {
      await noteFailure(parts, feed.name, failed);
      throw failed;
    }

    return imported;
  } finally {
    for (const path of paths) await rm(path, { force: true });
  }
}

/** Announcements kept from before; of those that are too old or too many the newest stay. */
const MAX_KEPT = 20_000;

/** What is known already, as a file among the files: of a record that is in both, the newer counts. */
async function keptBefore(parts: UpdateParts, feed: Feed, paths: string[]): Promise<readonly FeedFile[]> {
  const kept = await parts.store.read.feeds.bulletins({ feed: feed.name, limit: MAX_KEPT });
  if (kept.length === 0) return [];
  const path = join(parts.folder, `${feed.name}-${parts.random.uuid()}.part`);
  paths.push(path);
  await writeFile(path, JSON.stringify({ selvageBulletins: kept }), { mode: PRIVATE_FILE, flag: 'wx' });

  return [{ path, name: `${feed.name}-before.json` }];
}

interface Fetched {
  readonly files: readonly FeedFile[];
  /** What one of several sources was stopped by, while the others came. */
  readonly failed: CodedError | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

async function fetchAll(
  parts: UpdateParts,
  feed: Feed,
  sources: readonly string[],
  { signal = new AbortController().signal, onFetching, acceptShrunk }: UpdateOptions,
  paths: string[],
): Promise<Fetched | null> {
  const before = await parts.store.read.feeds.byName(feed.name);
  // Another program would make other rows of the same.
  const marks = acceptShrunk === true || before?.format !== FEED_FORMAT ? null : marksOf(before, sources);
  const files: FeedFile[] = [];
  const news: [string, Pick<Downloaded, 'etag' | 'lastModified'>][] = [];
  let same = 0;
  let failed: CodedError | null = null;

  for (const source of sources) {
    const { address, mark } = withoutMark(source);
    // What lies on this machine is cheap to look at; its hash says whether it is another.
    if (isAbsolute(address)) {
      files.push({ path: address, mark });
      continue;
    }
    onFetching?.(address);
    let answer: Downloaded;
    try {
      answer = await fetchOne(source, marks?.get(source) ?? null);
    } catch (error) {
      if (feed.keepsHistory !== true || signal.aborted || !(error instanceof CodedError)) throw error;
      failed ??= error;
      continue;
    }
    if (answer.path === null) same += 1;
    else files.push({ path: answer.path, name: new URL(address).pathname.split('/').at(-1) || feed.name, mark });
    news.push([source, { etag: answer.etag, lastModified: answer.lastModified }]);
  }
  if (same === sources.length) return null;
  if (files.length === 0 && failed !== null) throw failed;
  // One of several is another: all of them are one generation, so the others are needed as well.
  if (same > 0 && feed.keepsHistory !== true) {
    for (const path of paths.splice(0)) await rm(path, { force: true });

    return fetchAll(parts, feed, sources, { signal, acceptShrunk: true }, paths);
  }

  return { files, failed, ...keptMarks(news) };

  async function fetchOne(
    source: string,
    known: Pick<Downloaded, 'etag' | 'lastModified'> | null,
  ): Promise<Downloaded> {
    const path = join(parts.folder, `${feed.name}-${parts.random.uuid()}.part`);
    paths.push(path);
    const asked = { url: source, etag: known?.etag ?? null, lastModified: known?.lastModified ?? null };

    return download(asked, path, parts, signal);
  }
}

type Marks = ReadonlyMap<string, Pick<Downloaded, 'etag' | 'lastModified'>>;

/** Of several addresses the marks are kept as JSON by address; of one as they are, with its address. */
function keptMarks(
  news: readonly [string, Pick<Downloaded, 'etag' | 'lastModified'>][],
): Omit<Fetched, 'files' | 'failed'> {
  if (news.length === 0) return { etag: null, lastModified: null };
  const by = (key: 'etag' | 'lastModified') =>
    JSON.stringify(Object.fromEntries(news.map(([url, each]) => [url, each[key]])));

  return { etag: by('etag'), lastModified: by('lastModified') };
}

/** Null where they are of other addresses: a mark means nothing elsewhere. */
function marksOf(state: FeedState | null, sources: readonly string[]): Marks | null {
  if (state?.generation == null) return null;
  const [etags, dates] = [byAddress(state.etag), byAddress(state.lastModified)];

  return new Map(sources.map((url) => [url, { etag: etags[url] ?? null, lastModified: dates[url] ?? null }]));
}

function byAddress(text: string | null): Readonly<Record<string, string | null>> {
  if (text === null) return {};
  try {
    return JSON.parse(text) as Record<string, string | null>;
  } catch {
    // Not ours, or from before: asked without.
    return {};
  }
}
