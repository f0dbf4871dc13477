// Work on feeds that takes longer than a request: one after the other, each with how far it is and how it ended. In memory only; what
// counts is in the store.
import { asCoded, CodedError, type ErrorDocument, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { FeedProblem } from '../feed.ts';

/** Ended ones that can still be asked about. */
const MAX_KEPT = 50;
/** Those that wait: each may hold a file of its own. */
const MAX_WAITING = 32;

export interface JobView {
  readonly id: string;
  /** Null until its content has said it. */
  readonly feed: string | null;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly step: 'waiting' | 'fetching' | 'reading' | 'ended';
  readonly rows: number;
  readonly bytesRead: number;
  /** Of `failed`. */
  readonly error: ErrorDocument | null;
  /** Of `done`. */
  readonly result: JobResult | null;
}

export interface JobResult {
  readonly changed: boolean;
  readonly records: number;
  readonly skipped: number;
  readonly duplicates: number;
  readonly problems: readonly FeedProblem[];
}

type Change = Partial<Pick<JobView, 'feed' | 'step' | 'rows' | 'bytesRead'>>;
type Work = (tell: (change: Change) => void, signal: AbortSignal) => Promise<JobResult>;

export class Jobs {
  readonly #random: Random;
  readonly #jobs = new Map<string, JobView>();
  readonly #ends = new Map<string, Promise<unknown>>();
  readonly #stopped = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Throws RATE_LIMITED when too many wait, STATE after `close`. */
  start(feed: string | null, work: Work): JobView {
    if (this.#stopped.signal.aborted) throw new CodedError('STATE', 'the collector is stopping');
    if (this.#waiting >= MAX_WAITING) {
      throw new CodedError('RATE_LIMITED', `${this.#waiting} imports of feeds wait already`, {
        next: 'try again later',
      });
    }
    const id = this.#random.uuid();
    this.#waiting += 1;
    this.#jobs.set(id, {
      ...{ id, feed, state: 'waiting', step: 'waiting', rows: 0, bytesRead: 0, error: null, result: null },
    });
    const mine = this.#last.then(() => this.#run(id, work));
    this.#ends.set(id, mine);
    // Whoever waits for it gets its error; it is kept in its view as well.
    this.#last = mine.catch(() => undefined);
    this.#forget();

    return this.get(id);
  }

  /** NOT_FOUND for one that is not known any more. */
  get(id: string): JobView {
    const job = this.#jobs.get(id);
    if (!job) throw new CodedError('NOT_FOUND', 'no such work on feeds is known', { next: 'see: selvage feed list' });

    return job;
  }

  /** When it has ended; throws what stopped it. */
  async ended(id: string): Promise<void> {
    await this.#ends.get(id);
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#last;
  }

  async #run(id: string, work: Work): Promise<void> {
    this.#waiting -= 1;
    this.#change(id, { state: 'running', step: 'reading' });
    try {
      if (this.#stopped.signal.aborted) throw new CodedError('STATE', 'the collector is stopping');
      const result = await work((change) => this.#change(id, change), this.#stopped.signal);
      this.#change(id, { state: 'done', step: 'ended', result });
    } catch (error) {
      this.#change(id, { state: 'failed', step: 'ended', error: toDocument(asCoded(error)) });
      throw error;
    } finally {
      this.#ends.delete(id);
    }
  }

  #change(id: string, change: Partial<JobView>): void {
    const job = this.#jobs.get(id);
    if (job) this.#jobs.set(id, { ...job, ...change });
  }

  #forget(): void {
    const ended = [...this.#jobs.values()].filter(({ step }) => step === 'ended');
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MAX_KEPT))) this.#jobs.delete(id);
  }
}
