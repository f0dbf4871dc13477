// The one queue in front of the one write connection.
//
// INVARIANTS: transactions run one after the other in the order they were asked for. A transaction is committed before
// its promise resolves; any thrown error rolls back all of it. Nothing of a transaction runs after it has ended. While
// another program holds the lock the event loop goes on: this queue waits by timer, SQLite itself never does.
// Each is on the disk when its promise resolves, but for those that say `derived`: a power cut may take the last of these, whole and in
// order, and never one that came before another one that is on the disk.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type SQLite from 'better-sqlite3';
import type { Scope } from './dialect.ts';
import { storeFailure } from './failure.ts';
import { statement } from './statements.ts';

/** Milliseconds a transaction may stay open: one that waits for something that never comes must not stop all intake. */
export const TRANSACTION_DEADLINE_MS = 30_000;

/**
 * Milliseconds from asking until STORE_BUSY, the time in the queue included: with a thousand asking, nobody waits a thousand
 * times as long.
 */
const BUSY_WAIT_MS = 5000;
const BUSY_POLL_MS = 20;

export interface TransactionOptions {
  /** What it writes is worked out of what is in the store, and is worked out again when it is not there. */
  readonly derived?: boolean;
}

/** What the connection was opened with (./file.ts), and what syncs the log before it is moved into the database only. */
type Sync = 'full' | 'normal';

export class Transactions {
  readonly #connection: SQLite.Database;
  readonly #deadlineMs: number;
  readonly #busyMs: number;
  readonly #context = new AsyncLocalStorage<Scope>();
  #last: Promise<unknown> = Promise.resolve();
  #refusal: CodedError | null = null;
  #timer: NodeJS.Timeout | null = null;
  #sync: Sync = 'full';
  /** Ends the transaction that runs now. */
  #late: (() => void) | null = null;

  constructor(connection: SQLite.Database, deadlineMs: number, busyMs: number = BUSY_WAIT_MS) {
    this.#connection = connection;
    this.#deadlineMs = deadlineMs;
    this.#busyMs = busyMs;
  }

  /**
   * Queues `work`. Throws STATE inside another transaction or after `close`, STORE_FAILED when the deadline passes and
   * STORE_BUSY when another program holds the lock for too long.
   */
  async run<T>(work: (scope: Scope) => Promise<T>, { derived = false }: TransactionOptions = {}): Promise<T> {
    if (this.#context.getStore()?.open) {
      throw new CodedError('STATE', 'a transaction was asked for inside a transaction: it would wait for itself');
    }
    if (this.#refusal) throw this.#refusal;

    const asked = performance.now();
    const mine = this.#last.then(() => this.#transact(work, asked, derived ? 'normal' : 'full'));
    // The queue goes on whatever happened to this one; its caller gets the error.
    this.#last = mine.catch(() => undefined);

    return mine;
  }

  /** The scope of the transaction that the caller runs for, also when it has ended; undefined outside of any. */
  scope(): Scope | undefined {
    return this.#context.getStore();
  }

  /** Runs `work` as a part of the transaction of `scope`, wherever it is called from. */
  within<T>(scope: Scope, work: () => T): T {
    return this.#context.getStore() === scope ? work() : this.#context.run(scope, work);
  }

  /** Refuses new transactions and waits for the queued ones. */
  async close(): Promise<void> {
    this.#refusal ??= new CodedError('STATE', 'the store is closed');
    await this.#last;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #transact<T>(work: (scope: Scope) => Promise<T>, asked: number, sync: Sync): Promise<T> {
    const scope: Scope = { open: true, kind: 'transaction' };

    try {
      this.#syncAs(sync);
      await this.#begin(asked);
      const result = await this.#withDeadline(() => this.#context.run(scope, () => work(scope)));
      scope.open = false;
      if (!this.#connection.inTransaction) {
        throw new CodedError('STORE_FAILED', 'the database ended the transaction after a failure inside it');
      }
      statement(this.#connection, 'commit').run();

      return result;
    } catch (error) {
      scope.open = false;
      this.#rollBack();
      throw error instanceof CodedError || !isSqlite(error) ? error : storeFailure(error, 'a transaction');
    }
  }

  /** Only outside of a transaction (sqlite.org/pragma.html#pragma_synchronous). A sync of the log is one of all that is in it. */
  #syncAs(sync: Sync): void {
    if (sync === this.#sync) return;
    this.#connection.pragma(`synchronous = ${sync}`);
    this.#sync = sync;
  }

  /** Takes the write lock. In WAL mode nothing after it can be kept waiting by another program. */
  async #begin(asked: number): Promise<void> {
    for (;;) {
      try {
        statement(this.#connection, 'begin immediate').run();

        return;
      } catch (error) {
        const failure = storeFailure(error, 'beginning a transaction');
        if (!hasCode(failure, 'STORE_BUSY') || performance.now() - asked >= this.#busyMs) throw failure;
      }
      await wait(BUSY_POLL_MS);
    }
  }

  #rollBack(): void {
    if (!this.#connection.inTransaction) return;

    try {
      this.#connection.exec('rollback');
    } catch (error) {
      // The connection is in no known state: nothing more may be written through it.
      this.#refusal = storeFailure(error, 'rolling back a transaction');
    }
  }

  #withDeadline<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#late = () =>
        reject(new CodedError('STORE_FAILED', `a transaction did not end within ${this.#deadlineMs} ms`));
      // A real timer on purpose: it guards the process against itself and must not follow a clock that tests move. One for
      // all, begun anew: there is never more than one transaction.
      this.#timer ??= setTimeout(() => this.#late?.(), this.#deadlineMs).unref();
      this.#timer.refresh();
      work().then(resolve, reject);
    }).finally(() => {
      this.#late = null;
    });
  }
}

function isSqlite(error: unknown): boolean {
  return error instanceof Error && error.name === 'SqliteError';
}
