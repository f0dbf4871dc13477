// Reads a feed beside everything else that the collector does: in a thread of its own, with little memory and a deadline, and never
// further ahead than one batch.
import type { Worker } from 'node:worker_threads';
import { CodedError, fromDocument } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { FeedBounds } from './bounds.ts';
import type { FeedFile } from './open.ts';
import type { FromThread, ToThread } from './protocol.ts';
import { giveBack, MEMORY_MIB, takeThread } from './threads.ts';

/** Milliseconds for all of it. */
const DEADLINE_MS = 30 * 60 * 1000;

export interface ReadLimits {
  readonly memoryMib?: number;
  readonly deadlineMs?: number;
}

type Rows = Extract<FromThread, { readonly type: 'rows' | 'end' }>;
type Opened = Extract<FromThread, { readonly type: 'opened' }>;

export class FeedReading {
  readonly #thread: Worker;
  readonly #memoryMib: number;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting: { done: (answer: FromThread) => void; failed: (error: unknown) => void }[] = [];
  #ended: unknown = null;
  /** Nothing of it was read yet, or all of it was: its thread holds nothing open. */
  #atRest = false;

  constructor({ memoryMib = MEMORY_MIB, deadlineMs = DEADLINE_MS }: ReadLimits = {}) {
    this.#memoryMib = memoryMib;
    this.#thread = takeThread(memoryMib);
    this.#thread.on('message', (answer: FromThread) => {
      const asked = this.#waiting.shift();
      this.#atRest = answer.type === 'end' || answer.type === 'opened';
      if (answer.type === 'failed') asked?.failed(fromDocument(answer.error));
      else asked?.done(answer);
    });
    this.#thread.on('error', (error) => {
      const full = hasErrno(error, 'ERR_WORKER_OUT_OF_MEMORY');
      this.#end(full ? invalid(`it takes more than ${memoryMib} MiB to read`) : error);
    });
    this.#thread.on('exit', (code) => this.#end(new CodedError('INTERNAL', `the thread of a feed ended with ${code}`)));
    this.#timer = setTimeout(
      () => this.#end(invalid(`it takes longer than ${deadlineMs} ms to read`)),
      deadlineMs,
    ).unref();
  }

  /** What it is and the hash of all of it. Throws FEED_INVALID, NOT_FOUND, FILE_UNREADABLE. */
  async open(files: readonly FeedFile[], feed: string | null, bounds: FeedBounds): Promise<Opened> {
    return (await this.#ask({ type: 'open', files, feed, bounds })) as Opened;
  }

  /** The next rows of about that weight, or the end. Throws FEED_INVALID. */
  async pull(weight: number): Promise<Rows> {
    return (await this.#ask({ type: 'pull', weight })) as Rows;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const reusable = this.#atRest && this.#ended === null && this.#waiting.length === 0;
    this.#end(new CodedError('STATE', 'this feed is read no more'));
    if (reusable) await giveBack(this.#thread, this.#memoryMib);
    else await this.#thread.terminate();
  }

  #ask(question: ToThread): Promise<FromThread> {
    if (this.#ended !== null) return Promise.reject(this.#ended);

    return new Promise((done, failed) => {
      this.#waiting.push({ done, failed });
      this.#thread.postMessage(question);
    });
  }

  #end(error: unknown): void {
    this.#ended ??= error;
    for (const { failed } of this.#waiting.splice(0)) failed(this.#ended);
  }
}

function invalid(why: string): CodedError {
  return new CodedError('FEED_INVALID', `nothing was taken: ${why}`);
}
