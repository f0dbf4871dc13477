// Reads what somebody brought for one feed, as far as it is asked to: the part of an import that runs beside everything else.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import type { FeedRowKind } from '../../store/feed-ports.ts';
import type { Feed } from '../feed.ts';
import { Budget, type FeedBounds } from './bounds.ts';
import { type Batch, Gathering } from './gather.ts';
import { type FeedFile, hashOf, membersOf } from './open.ts';
import { weightOf } from './pace.ts';
import type { ReadSummary } from './protocol.ts';
import { recognise } from './recognise.ts';
import type { Member } from './unpack.ts';

/** Rows made before they are handed on; more at once would be kept for nothing. */
const ROWS_AT_ONCE = 256;
/** Of what a feed says, the part that may be beyond understanding: more, and it is not what it is taken for. */
const MAX_SKIPPED_PART = 0.5;

export interface FeedToRead {
  readonly files: readonly FeedFile[];
  readonly bounds: FeedBounds;
}

/** What it is and its hash. Throws FEED_INVALID, NOT_FOUND. */
export async function lookAt(
  { files, bounds }: FeedToRead,
  feed: string | null,
  feeds: readonly Feed[],
): Promise<{ readonly feed: Feed; readonly sha256: Sha256 }> {
  const named = feed === null ? undefined : feeds.find(({ name }) => name === feed);
  if (feed !== null && named === undefined) {
    throw new CodedError('NOT_FOUND', `there is no feed called ${feed}`, { next: 'see: selvage feed list' });
  }
  const sha256 = await hashOf(files, new Budget(bounds));
  if (named) return { feed: named, sha256 };
  const budget = new Budget(bounds);

  return { feed: await recognise(membersOf(files, budget), feeds, budget), sha256 };
}

export class FeedRead {
  readonly #feed: Feed;
  readonly #budget: Budget;
  readonly #gathering: Gathering;
  readonly #batches: AsyncGenerator<Batch>;
  #open: { readonly kind: FeedRowKind; readonly rows: readonly string[]; at: number } | null = null;
  #asOf: Timestamp | null = null;

  constructor(feed: Feed, { files, bounds }: FeedToRead) {
    this.#feed = feed;
    this.#budget = new Budget(bounds);
    this.#gathering = new Gathering(feed.gathers === true);
    this.#batches = this.#read(files);
  }

  get bytesRead(): number {
    return this.#budget.bytesRead;
  }

  /** Rows of one kind with at least that weight, fewer at the end of a kind; null at the end. Throws FEED_INVALID. */
  async next(weight: number): Promise<{ kind: FeedRowKind; json: string; count: number; weight: number } | null> {
    const taken: string[] = [];
    let kind: FeedRowKind | null = null;
    let sum = 0;

    while (sum < weight) {
      const open = await this.#current();
      if (open === null || (kind !== null && open.kind !== kind)) break;
      kind = open.kind;
      for (; open.at < open.rows.length && sum < weight; open.at += 1) {
        const row = open.rows[open.at] ?? '';
        taken.push(row);
        sum += weightOf(row);
      }
    }

    return kind === null ? null : { kind, json: `[${taken.join(',')}]`, count: taken.length, weight: sum };
  }

  /** Once `next` has given null. Throws FEED_INVALID when too much of it was not understood. */
  summary(): ReadSummary {
    const { records, skipped, problems, ...rest } = this.#gathering.counts;
    const why = problems[0] ? `; the first: ${problems[0].name}: ${problems[0].reason}` : '';
    if (records === 0) throw invalid(`nothing in it is of ${this.#feed.name}${why}`);
    if (skipped > (records + skipped) * MAX_SKIPPED_PART) {
      throw invalid(`${skipped} of ${records + skipped} records are not understood${why}`);
    }

    return { ...rest, records, skipped, problems, asOf: this.#asOf, ecosystems: this.#gathering.ecosystems };
  }

  async #current() {
    while (this.#open === null || this.#open.at >= this.#open.rows.length) {
      const next = await this.#batches.next();
      if (next.done === true) return null;
      this.#open = { ...next.value, at: 0 };
    }

    return this.#open;
  }

  async *#read(files: readonly FeedFile[]): AsyncGenerator<Batch> {
    for await (const member of membersOf(files, this.#budget)) {
      if (member.packed && this.#feed.member?.(member.name) === false) continue;
      yield* this.#readMember(member);
    }
    yield* this.#gathering.take();
    let batch: { kind: FeedRowKind; rows: string[] } | null = null;
    for (const { kind, row } of this.#gathering.rest()) {
      if (batch && (batch.kind !== kind || batch.rows.length >= ROWS_AT_ONCE)) {
        yield batch;
        batch = null;
      }
      batch ??= { kind, rows: [] };
      batch.rows.push(row);
    }
    if (batch) yield batch;
  }

  async *#readMember(member: Member): AsyncGenerator<Batch> {
    const reading = this.#feed.read(member);
    let items = 0;

    try {
      for await (const item of reading.records) {
        this.#gathering.add(item);
        items += 1;
        if (this.#gathering.size >= ROWS_AT_ONCE) yield* this.#gathering.take();
      }
      this.#asOf = later(this.#asOf, reading.asOf());
    } catch (error) {
      if (this.#budget.broken) throw this.#budget.broken;
      // One record of an archive is one record; what ends half-way after others would be taken for the whole.
      if (!member.packed || items > 0 || !hasCode(error, 'FEED_INVALID')) throw error;
      this.#gathering.problem({ name: member.name, reason: error.message });
    }
  }
}

function later(one: Timestamp | null, other: Timestamp | null): Timestamp | null {
  if (one === null || other === null) return one ?? other;

  return Temporal.Instant.compare(one, other) < 0 ? other : one;
}

function invalid(why: string): CodedError {
  return new CodedError('FEED_INVALID', `nothing was taken: ${why}`);
}
