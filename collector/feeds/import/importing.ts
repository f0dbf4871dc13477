// One import of one feed: read beside everything else, written beside the current copy in small transactions, made current by one row.
// INVARIANTS: nobody sees half of it; whatever goes wrong, the copy from before counts and the error is kept; the same again changes
// nothing but when it was looked at.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../../events.ts';
import type { FeedState } from '../../store/feed-ports.ts';
import type { Store } from '../../store/ports.ts';
import type { FeedProblem } from '../feed.ts';
import { FEED_BOUNDS, type FeedBounds } from './bounds.ts';
import { cleanFeeds } from './cleaning.ts';
import type { FeedFile } from './open.ts';
import { Pace } from './pace.ts';
import type { ReadSummary } from './protocol.ts';
import { FeedReading, type ReadLimits } from './reading.ts';
import { step } from './step.ts';

/** Raised when the same file would give other rows: it is then read again. */
export const FEED_FORMAT = 4;
/** At this part of the records, or of the packages of an ecosystem, that the current copy has, and below, somebody has to look. */
const SHRUNK_PART = 0.1;
/** Copies with fewer records may shrink: half of ten is five. */
const SHRUNK_FROM = 100;

export interface ImportParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Pick<Events, 'publish'>;
  /** Generations being written, of all imports of this store: never taken for left over. */
  readonly writing?: Set<number>;
}

export interface ImportOptions {
  /** `admin:NAME`; the collector itself when left out. */
  readonly by?: string;
  readonly acceptShrunk?: boolean;
  /** Of the answer that brought it. */
  readonly etag?: string | null;
  readonly lastModified?: string | null;
  readonly bounds?: FeedBounds;
  readonly limits?: ReadLimits;
  readonly signal?: AbortSignal;
  /** Called about as often as rows are written. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  readonly feed: string;
  readonly rows: number;
  /** Of the files as they were brought. */
  readonly bytesRead: number;
}

export interface FeedImported {
  readonly feed: string;
  /** False: it is what is current already. */
  readonly changed: boolean;
  readonly from: number | null;
  readonly to: number;
  readonly state: FeedState;
  /** Records that stood there twice. */
  readonly duplicates: number;
  /** The first records that were not understood. */
  readonly problems: readonly FeedProblem[];
}

/**
 * Takes `files` as the whole data of `feed` (null: what they are, their content says). Throws FEED_INVALID, FEED_SHRUNK, NOT_FOUND,
 * FILE_*, STORE_*; the copy from before then counts.
 */
export async function importFeed(
  parts: ImportParts,
  feed: string | null,
  files: readonly FeedFile[],
  options: ImportOptions = {},
): Promise<FeedImported> {
  const { bounds = FEED_BOUNDS, limits } = options;
  const reading = new FeedReading(limits);
  let name = feed;

  try {
    const opened = await reading.open(files, feed, bounds);
    name = opened.feed;
    const before = await parts.store.read.feeds.byName(name);
    if (before?.generation != null && before.sha256 === opened.sha256 && before.format === FEED_FORMAT) {
      return await unchanged(parts, before, options);
    }

    return await take(parts, reading, { name, sha256: opened.sha256, before }, options);
  } catch (error) {
    if (name !== null) await noteFailure(parts, name, error);
    throw error;
  } finally {
    await reading.close();
    await cleanFeeds(parts.store, parts.writing ?? new Set(), options.signal);
  }
}

/** What stopped an attempt, beside the copy that still counts. */
export async function noteFailure({ store, clock }: ImportParts, feed: string, error: unknown): Promise<void> {
  const { code, message } = asCoded(error);
  // A name that was mistyped is no feed.
  if (code === 'NOT_FOUND') return;
  const at = clock.now().toString() as Timestamp;
  await store.transaction(({ feeds }) => feeds.note(feed, { checkedAt: at, error: { code, reason: message, at } }));
}

async function unchanged(
  { store, clock }: ImportParts,
  before: FeedState,
  options: ImportOptions,
): Promise<FeedImported> {
  const { etag, lastModified } = options;
  const at = clock.now().toString() as Timestamp;
  await store.transaction(({ feeds }) =>
    feeds.note(before.name, {
      ...{ checkedAt: at, error: null },
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    }),
  );
  const state = await stateOf(store, before.name);
  const to = state.generation ?? 0;

  return { feed: before.name, changed: false, from: to, to, state, duplicates: 0, problems: [] };
}

interface Opened {
  readonly name: string;
  readonly sha256: FeedState['sha256'] & string;
  readonly before: FeedState | null;
}

async function take(
  parts: ImportParts,
  reading: FeedReading,
  opened: Opened,
  options: ImportOptions,
): Promise<FeedImported> {
  const { store, clock, events, writing = new Set() } = parts;
  const { name, sha256, before } = opened;
  const generation = await store.transaction(({ feeds }) => feeds.begin(name, clock.now().toString() as Timestamp));
  writing.add(generation);

  try {
    const summary = await write(store, reading, { name, generation }, options);
    assertNotShrunk(name, summary, before, options);
    const { by = 'collector', etag = null, lastModified = null } = options;
    const at = clock.now().toString() as Timestamp;
    const { asOf, records, skipped, duplicates, problems, ecosystems } = summary;
    const { from } = await store.transaction(async ({ feeds, audit }) => {
      if (options.acceptShrunk !== true) assertNoneShrunk(name, await feeds.sealed(name), ecosystems);
      await feeds.seal(generation, ecosystems);
      const state = { asOf, importedAt: at, records, skipped, sha256, format: FEED_FORMAT, etag, lastModified };
      const switched = await feeds.makeCurrent(name, generation, state);
      const details = {
        sha256,
        asOf,
        records,
        skipped,
        ...(options.acceptShrunk === true ? { acceptShrunk: true } : {}),
      };
      await audit.append({ at, actor: by, action: 'feed.imported', subject: name, details });

      return switched;
    });
    events.publish({ type: 'feed.changed', feed: name, from, to: generation, records });

    return { feed: name, changed: true, from, to: generation, state: await stateOf(store, name), duplicates, problems };
  } finally {
    writing.delete(generation);
  }
}

async function write(
  store: Store,
  reading: FeedReading,
  { name, generation }: { readonly name: string; readonly generation: number },
  { signal, onProgress }: ImportOptions,
): Promise<ReadSummary> {
  const pace = new Pace();
  let written = 0;
  let next = reading.pull(pace.weight);

  for (;;) {
    const answer = await next;
    if (signal?.aborted === true) throw new CodedError('STATE', 'the import was stopped');
    if (answer.type === 'end') return answer.summary;
    // Read on while this is written: one batch ahead, never more.
    next = reading.pull(pace.weight);
    next.catch(() => undefined);
    const { rows, count, weight, bytesRead } = answer;
    await step(store, pace, weight, (feeds) => feeds.put(generation, rows));
    written += count;
    onProgress?.({ feed: name, rows: written, bytesRead });
  }
}

function assertNotShrunk(
  name: string,
  { records }: ReadSummary,
  before: FeedState | null,
  options: ImportOptions,
): void {
  if (before?.generation == null || before.records < SHRUNK_FROM || options.acceptShrunk === true) return;
  if (records <= before.records * SHRUNK_PART) throw shrunk(name, 'records', records, before.records);
}

/** One ecosystem of several may be lost while the others grow. */
function assertNoneShrunk(name: string, before: ReadSummary['ecosystems'], now: ReadSummary['ecosystems']): void {
  const packages = new Map(now.map((each) => [each.ecosystem, each.packages]));
  for (const each of before) {
    const left = packages.get(each.ecosystem) ?? 0;
    if (each.packages < SHRUNK_FROM || left > each.packages * SHRUNK_PART) continue;
    throw shrunk(name, `packages of ${each.ecosystem}`, left, each.packages);
  }
}

function shrunk(feed: string, what: string, records: number, before: number): CodedError {
  return new CodedError('FEED_SHRUNK', `${feed} has ${records} ${what}, the copy from before has ${before}`, {
    next: `look at the source; if it is right, take it with --accept-shrunk; the copy from before still counts`,
    details: { feed, records, before },
  });
}

async function stateOf(store: Store, name: string): Promise<FeedState> {
  const state = await store.read.feeds.byName(name);
  if (state === null) throw new CodedError('STATE', `the feed ${name} is not kept`);

  return state;
}
